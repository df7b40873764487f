"""Model cards: ``models/<name>.toml`` or ``models/<name>/card.toml``, checked on reading."""

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from fakebench_suite.backends.classifier.options import ClassifierOptions
from fakebench_suite.backends.openai.options import EndpointOptions
from fakebench_suite.checkpoints.file_check import check_files, has_chat_template, read_json
from fakebench_suite.deprecation import warn_deprecated
from fakebench_suite.endpoints.names import parse_endpoint_name
from fakebench_suite.errors import CardError, FormatError, MissingWeightsError, describe_choices
from fakebench_suite.files.bundled import find_bundled
from fakebench_suite.files.contents import read_file
from fakebench_suite.files.parsing import decode_toml
from fakebench_suite.files.paths import expand_home, resolve
from fakebench_suite.tasks.boxes import DEFAULT_BOXES, BoxFormat, BoxScale, BoxStyle

MODELS = find_bundled("models")
"""The directory of the suite's own cards."""

DTYPES = ("auto", "float32", "bfloat16", "float16", "float64")
ATTENTION = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")

_ADAPTERS = {"huggingface": "transformers", "scripted": "scripted"}
"""Backends by the names they had as adapters."""

_WITH_SOURCE = ("transformers", "scripted", "openai", "classifier")
"""Backends that a card has to give something to load."""

Positive = Annotated[int, msgspec.Meta(ge=1)]

_LETTERS = ("A", "B")
"""Replies to which of two images is fake or real, where a script has none."""


_NO_BOX = "[]"
"""Reply to where an image shows that it is fake, where a script has none."""


class Generation(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Decoding settings. Greedy always: a release gate must not depend on luck."""

    max_new_tokens: Positive = 512
    batch_size: Positive | None = None
    """Most prompts in one forward pass, whatever the memory; without it, memory alone decides."""
    stop: list[str] = msgspec.field(default_factory=list)
    """Tokens that end an answer besides the checkpoint's own."""


class PromptFormat(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a checkpoint needs around a question."""

    system: str | None = None
    template: str | None = None
    """For checkpoints without a chat template: text with ``{image}`` and ``{question}``."""
    image_token: str = ""
    """What stands for the image in ``template``; empty where the processor adds it itself."""
    interleaved: bool = False
    """The processor takes text and picture in one list: ``template`` is cut at ``{image}``."""
    options: dict[str, bool | str] = msgspec.field(default_factory=dict)
    """Variables handed to the chat template, such as ``enable_thinking = false``."""
    images: Positive | None = None
    """Most images that a prompt can show; without it 1 with ``template``, and else as many as a
    case has. Cases with more are not asked."""
    box_format: BoxFormat | None = None
    """How the model writes a box; without it as left, top, right, bottom."""
    box_scale: BoxScale | None = None
    """What the model counts coordinates in; without it in shares of the sides, 0 to 1."""


class ScriptedReplies(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Replies of a scripted model per question type; several are drawn from by case id, seeded."""

    what: list[str]
    isfake: list[str]
    isreal: list[str]
    faultfinding: list[str]
    inference: list[str]
    criterion: list[str]
    whichfake: list[str] = msgspec.field(default_factory=lambda: list(_LETTERS))
    whichreal: list[str] = msgspec.field(default_factory=lambda: list(_LETTERS))
    point: list[str] = msgspec.field(default_factory=lambda: [_NO_BOX])
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Time that a work unit takes, as if a model were at work."""


class Card(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How to load and prompt one model."""

    name: str = ""
    backend: str = "transformers"
    """What answers, by its name in :data:`fakebench_suite.backends.registry.BACKENDS`."""
    adapter: str | msgspec.UnsetType = msgspec.UNSET
    """The backend by the key and the names it had before 0.2; deprecated."""
    repository: str | None = None
    """Name on the Hugging Face hub; the weights must already be on this machine."""
    revision: str | None = None
    path: str | None = None
    """Directory of the checkpoint, or a detector's ONNX file, relative to the card; instead of
    ``repository``."""
    dtype: str = "auto"
    """Precision of the weights, by PyTorch's name; ``auto`` for that of the checkpoint."""
    attention: str | None = None
    """Implementation of attention, by transformers' name; without it transformers chooses."""
    unused_tensors: list[str] = msgspec.field(default_factory=list)
    """Beginnings of the names of tensors that may be left over when the checkpoint is loaded."""
    trust_remote_code: bool = False
    note: str = ""
    """Shown wherever the model's scores show."""
    training_data: str = ""
    """What the model was trained on, as far as it bears on fake images; shown as the note is."""
    generation: Generation = msgspec.field(default_factory=Generation)
    prompt: PromptFormat = msgspec.field(default_factory=PromptFormat)
    script: ScriptedReplies | None = None
    endpoint: EndpointOptions | None = None
    classifier: ClassifierOptions | None = None
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    """Settings for a backend that another package brings."""
    held_out: dict[str, str] = msgspec.field(default_factory=dict)
    """Figures measured when the checkpoint was made, for people to read."""

    def __post_init__(self) -> None:
        template = self.prompt.template
        if template is not None and "{question}" not in template:
            raise ValueError("the template in [prompt] has no {question}")
        if template is not None and (self.prompt.images or 1) > 1:
            raise ValueError(
                "images in [prompt] is more than 1, and its template has a place for one; leave "
                "images out, or use the checkpoint's chat template"
            )
        for name, value, allowed in (
            ("dtype", self.dtype, DTYPES),
            ("attention", self.attention, (None, *ATTENTION)),
        ):
            if value not in allowed:
                known = describe_choices(str(value), filter(None, allowed))
                raise ValueError(f"{name} is {value!r}; {known}")
        if "" in self.unused_tensors:
            raise ValueError("unused_tensors has an empty name, which every tensor begins with")
        if self.adapter is not msgspec.UNSET:
            if self.adapter not in _ADAPTERS:
                raise ValueError(
                    f"adapter is {self.adapter!r}; {describe_choices(self.adapter, _ADAPTERS)}"
                )
            renamed = _ADAPTERS[self.adapter]
            if self.backend not in ("transformers", renamed):
                raise ValueError("adapter is the old name of backend; leave it out")
            msgspec.structs.force_setattr(self, "backend", renamed)
        _check_source(self)

    @property
    def boxes(self) -> BoxStyle:
        """How the model is asked for boxes, and writes them."""
        prompt = self.prompt
        return BoxStyle(
            format=prompt.box_format or DEFAULT_BOXES.format,
            scale=prompt.box_scale or DEFAULT_BOXES.scale,
        )

    @property
    def takes_two_images(self) -> bool:
        """Whether a prompt may show two images."""
        prompt = self.prompt
        if prompt.images is None:
            return prompt.template is None
        return prompt.images > 1


def _check_source(card: Card) -> None:
    """Raise ValueError where what a card gives is not what its backend takes."""
    if card.classifier is not None and card.backend != "classifier":
        raise ValueError('[classifier] needs backend = "classifier" beside it')
    given = (card.repository, card.path, card.script, card.endpoint)
    sources = sum(source is not None for source in given)
    if sources > 1 or (sources == 0 and card.backend in _WITH_SOURCE):
        raise ValueError(
            "a card needs exactly one of 'repository', 'path', [script] and [endpoint]"
        )
    if (card.script is not None) != (card.backend == "scripted"):
        raise ValueError('[script] and backend = "scripted" go together')
    if (card.endpoint is not None) != (card.backend == "openai"):
        raise ValueError('[endpoint] and backend = "openai" go together')
    if card.endpoint is not None and (
        unused := list(_list_settings(card, _OF_CHECKPOINTS, _OF_LOCAL_PROMPTS))
    ):
        raise ValueError(
            f"{unused[0]} is about checkpoints; a request to a server has no such setting. "
            "See extra_body in [endpoint]"
        )
    if card.backend == "classifier":
        _check_classifier(card)


def _check_classifier(card: Card) -> None:
    """Raise ValueError where a card of a detector has settings that it has no use for."""
    if unused := list(_list_settings(card, (), _OF_REPLIES)):
        raise ValueError(f"{unused[0]} is about written replies, and a classifier writes none")
    options = card.classifier or ClassifierOptions()
    if is_onnx(card.path):
        unused = list(_list_settings(card, _OF_CHECKPOINTS, {}))
        kind = "a checkpoint of transformers, and an ONNX file has no such setting"
    else:
        unused = [f"{name} in [classifier]" for name in options.list_image_settings()]
        kind = "ONNX files; a checkpoint brings its image processor"
    if unused:
        raise ValueError(f"{unused[0]} is about {kind}")


def is_onnx(path: str | None) -> bool:
    """Whether a path is that of an ONNX file, by its name."""
    return path is not None and path.lower().endswith(".onnx")


_OF_CHECKPOINTS = ("revision", "dtype", "attention", "unused_tensors", "trust_remote_code")
_OF_LOCAL_PROMPTS = {
    "generation": ("batch_size", "stop"),
    "prompt": ("template", "image_token", "interleaved", "options"),
}
_OF_REPLIES = {
    "generation": ("max_new_tokens", "stop"),
    "prompt": ("system", "template", "image_token", "interleaved", "options", "images"),
}


def _list_settings(
    card: Card, fields: Iterable[str], tables: Mapping[str, Iterable[str]]
) -> Iterator[str]:
    """Those of these settings, of the card and of its tables, that the card gives."""
    defaults = Card(backend="none")
    for name in fields:
        if getattr(card, name) != getattr(defaults, name):
            yield name
    for table, names in tables.items():
        ours, theirs = getattr(card, table), getattr(defaults, table)
        for name in names:
            if getattr(ours, name) != getattr(theirs, name):
                yield f"{name} in [{table}]"


def describe_card(card: Card, *, identity: bool = False) -> dict[str, Any]:
    """The card as JSON, without the secrets of an endpoint.

    With ``identity``, without the settings of an endpoint that no answer depends on.
    """
    described: dict[str, Any] = msgspec.to_builtins(card)
    _drop_unset(described)
    if identity:  # It says which cases are asked, and no answer depends on it.
        described["prompt"].pop("images", None)
    if card.classifier is None:
        del described["classifier"]  # as in the manifests of versions that knew none
    if card.endpoint is None:
        del described["endpoint"]  # as in the manifests of versions that knew none
        return described
    return described | {"endpoint": card.endpoint.describe(identity=identity)}


def _drop_unset(described: dict[str, Any]) -> None:
    """Leave out what cards say since a later version, as in the manifests of earlier ones."""
    for name in ("images", "box_format", "box_scale"):
        if described["prompt"][name] is None:
            del described["prompt"][name]
    script = described["script"]
    for name, preset in (
        ("whichfake", [*_LETTERS]), ("whichreal", [*_LETTERS]), ("point", [_NO_BOX]),
    ):  # fmt: skip
        if script is not None and script[name] == preset:
            del script[name]


def list_cards(models: Path = MODELS) -> dict[str, Path]:
    """The cards by name, sorted."""
    cards = {path.stem: path for path in models.glob("*.toml")}
    cards |= {path.parent.name: path for path in models.glob("*/card.toml")}
    return dict(sorted(cards.items()))


def find_card(model: str, models: Path = MODELS) -> Card:
    """The card behind ``--model``.

    It is a name, a card file, a checkpoint's directory, a hub id, or ``openai:MODEL@URL``. Raises
    CardError for an unknown name (with the nearest known one), a malformed card, or a hub id that
    has neither a card nor weights on this machine, and UserError for a malformed URL.
    """
    cards = list_cards(models)
    if model in cards:
        return read_card(cards[model], name=model)
    endpoint = parse_endpoint_name(model, option="--model")
    if endpoint is not None:
        options = EndpointOptions(url=endpoint.url, model=endpoint.model)
        return Card(name=endpoint.shown, backend="openai", endpoint=options)
    path = Path(expand_home(model))
    # os.path answers where Path raises: a name may be longer than the file system allows.
    if os.path.isdir(path):  # noqa: PTH112
        if (path / "card.toml").is_file():
            return read_card(path / "card.toml", name=resolve(path).name)
        if (path / "config.json").is_file():
            return _make_card(resolve(path).name, path=resolve(path))
        raise CardError(
            f"{path} holds neither card.toml nor config.json. Point --model at a checkpoint saved "
            "with save_pretrained, or at a card."
        )
    if os.path.isfile(path):  # noqa: PTH113
        if path.suffix == ".toml":
            return read_card(path, name=path.stem)
        if is_onnx(model):
            return Card(name=path.stem, backend="classifier", path=str(resolve(path)))
        raise CardError(
            f"{path} is a file, but neither a card (.toml) nor a detector (.onnx). Point --model "
            "at one of these, or at the directory of a checkpoint."
        )
    repository = model.removesuffix("/")
    if is_repository(repository):
        return find_repository_card(repository, cards)
    near = difflib.get_close_matches(model, cards, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise CardError(
        f"There is no model {model!r}.{hint} Known cards: {', '.join(cards)}. A directory with a "
        "checkpoint, a detector's .onnx file, the path of a card, a repository on the Hugging Face "
        "hub or openai:MODEL@URL works too."
    )


def _make_card(name: str, *, path: Path) -> Card:
    """The defaults for a checkpoint's directory, by what its architecture does."""
    backend = "classifier" if find_classifier(path) else "transformers"
    return Card(name=name, backend=backend, path=str(path))


def find_classifier(folder: Path) -> str | None:
    """The architecture of a checkpoint that classifies images; None for any other checkpoint.

    A configuration that cannot be read is left to :func:`check_checkpoint`.
    """
    try:
        names = read_json(folder / "config.json").get("architectures")
    except CardError:
        return None
    known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return next((name for name in known if _CLASSIFIER in name), None)


_CLASSIFIER = "ForImageClassification"
"""What the names of transformers' architectures for image classification contain."""


def is_repository(model: str) -> bool:
    """Whether a text has the form ``OWNER/NAME`` of a repository on the Hugging Face hub."""
    if model.count("/") != 1:
        return False
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # it is in its __init__
        validate_repo_id,
    )

    try:
        validate_repo_id(model)
    except HFValidationError:
        return False
    return True


def find_repository_card(repository: str, cards: Mapping[str, Path]) -> Card:
    """The first card that names the repository, or the defaults for weights on this machine.

    Raises CardError with the command that downloads them where there is neither.
    """
    for name, path in cards.items():
        card = read_card(path, name=name)
        if card.repository is not None and card.repository.lower() == repository.lower():
            return card
    card = Card(name=repository.partition("/")[2], repository=repository)
    try:
        folder = locate_weights(card)
    except MissingWeightsError as error:
        raise MissingWeightsError(
            f"There is no card, no directory and no file {repository!r}, and no weights of that "
            f"name are on this machine. Download them with 'hf download {repository}', or give the "
            "name of a card or the path of a checkpoint."
        ) from error
    if folder is not None and find_classifier(folder):
        return msgspec.structs.replace(card, backend="classifier")
    return card


def read_card(path: Path, *, name: str) -> Card:
    """One card file; ``path`` inside it becomes absolute. Raises CardError when malformed."""
    try:
        card = decode_toml(read_file(path), Card)
    except FormatError as error:
        raise CardError(f"The card {path} is malformed: {error}.") from error
    except OSError as error:
        raise CardError(f"The card {path} cannot be read: {error.strerror}.") from error
    if card.adapter is not msgspec.UNSET:
        old, new = f'adapter = "{card.adapter}"', f'backend = "{card.backend}"'
        warn_deprecated(old, new, where=path.name)
        card = msgspec.structs.replace(card, adapter=msgspec.UNSET)
    located = card.path and str(resolve(path.parent / expand_home(card.path)))
    return msgspec.structs.replace(card, name=name, path=located)


def locate_weights(card: Card) -> Path | None:
    """The local directory of a card's checkpoint, or its ONNX file; None where it has neither.

    Raises MissingWeightsError, saying what to download, when the weights are not on this machine.
    Nothing is ever downloaded: a gate must not depend on what a hub serves today.
    """
    if card.path is None and card.repository is None:
        return None
    if card.path is not None:
        # os.path answers where Path raises: a name may be longer than the file system allows.
        if is_onnx(card.path) and not os.path.isdir(card.path):  # noqa: PTH112
            if os.path.isfile(card.path):  # noqa: PTH113
                return Path(card.path)
            raise CardError(f"The card {card.name!r} points at {card.path}, which is not there.")
        if os.path.isfile(Path(card.path, "config.json")):  # noqa: PTH113
            return Path(card.path)
        raise CardError(f"The card {card.name!r} points at {card.path}, which has no config.json.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    assert card.repository is not None
    at = f" --revision {card.revision}" if card.revision else ""
    advice = (
        f"Download them with 'hf download {card.repository}{at}', or point --model at a directory "
        "that holds the checkpoint."
    )
    missing = f"The weights of {card.name!r} ({card.repository}) are not on this machine. {advice}"
    try:
        folder = Path(
            snapshot_download(card.repository, revision=card.revision, local_files_only=True)
        )
    except LocalEntryNotFoundError as error:
        raise MissingWeightsError(missing) from error
    except HFValidationError as error:
        raise CardError(f"The card {card.name!r} names no repository: {error}") from error
    if not (folder / "config.json").is_file():
        raise MissingWeightsError(missing)
    return folder


def check_checkpoint(card: Card, *, remote_code: bool) -> None:
    """Raise CardError where the files of a card's checkpoint show that it cannot be asked.

    With ``remote_code`` its own code may bring what its files lack.
    """
    folder = locate_weights(card)
    if folder is None:
        return
    architecture = "an ONNX file" if folder.is_file() else find_classifier(folder)
    if architecture is not None:
        raise CardError(
            f"{folder} is a detector ({architecture}) and writes no replies. Set "
            f'backend = "classifier" in the card {card.name!r}.'
        )
    check_files(folder)
    if card.prompt.template is None and not remote_code and not has_chat_template(folder):
        raise CardError(
            f"The checkpoint of {card.name!r} at {folder} has no chat template, and its card has "
            "none. Write a card with template (a text with {image} and {question}) and image_token "
            "in [prompt], as models/idefics.toml has them."
        )
