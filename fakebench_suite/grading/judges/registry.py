"""The text judges by name, and which one was asked for by ``--judge``.

A new judge is one module and one row here. A package of its own registers a :class:`JudgeSpec`
through the entry-point group ``fakebench_suite.judges`` and is asked for by ``--judge=NAME`` or
``--judge=NAME:MODEL``.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import msgspec

from fakebench_suite.checkpoints.openmp_wait_policy import wait_without_spinning
from fakebench_suite.endpoints.names import PREFIX, mask_name, mask_url, parse_endpoint_name
from fakebench_suite.entry_points import Registry, import_object, name_package
from fakebench_suite.errors import UserError, find_nearest
from fakebench_suite.extras import Extra, require_extra
from fakebench_suite.files.paths import expand_home
from fakebench_suite.grading.judges.base import TextJudge
from fakebench_suite.text.redaction import find_secrets, redact

OPENAI, TRANSFORMERS, EMBEDDING = PREFIX, "transformers", "embedding"
"""The judges that are built in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSpec:
    """A kind of text judge."""

    open: "Open | str"
    """``open(config, options)`` gives the judge, ready to grade, or raises UserError. As text,
    ``module:function``, it is imported when the judge is opened."""
    gives_ratings: bool = True
    """False where the score is no judge's, such as a similarity of texts."""
    extra: Extra | None = None
    """What has to be installed beside the core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeOptions:
    """What opening a judge depends on beside its name."""

    cache: Path
    """The file that ratings are kept in."""
    dropped: Collection[str] | None = None
    """Parameters that an endpoint is known to refuse; None where it is not known."""
    workers: int = 1
    """Processes of this run that ask the judge."""


JUDGES = Registry(
    noun="judge",
    group="fakebench_suite.judges",
    kind=JudgeSpec,
    built_in={
        OPENAI: JudgeSpec(open="fakebench_suite.grading.judges.endpoint:open_endpoint"),
        TRANSFORMERS: JudgeSpec(
            open="fakebench_suite.grading.judges.local:open_local", extra=Extra.LOCAL
        ),
        EMBEDDING: JudgeSpec(
            open="fakebench_suite.grading.judges.similarity:open_similarity",
            gives_ratings=False,
            extra=Extra.SIMILARITY,
        ),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeConfig:
    """The chosen judge and the number of its rounds."""

    kind: str
    """Its name in :data:`JUDGES`."""
    model: str = ""
    url: str = field(default="", repr=False)
    """As passed; it may contain a key, and is shown through ``name`` only."""
    rounds: int = 5

    @property
    def name(self) -> str:
        """Name of the judge wherever its scores are shown."""
        if not self.url:
            model = redact(self.model, *find_secrets(self.model))
            return f"{self.kind}:{model}" if model else self.kind
        return f"{self.model}@{mask_url(self.url)}"

    @property
    def gives_ratings(self) -> bool:
        """False for the stand-in, whose score is no judge's."""
        return JUDGES.get(self.kind).gives_ratings


Open = Callable[[JudgeConfig, JudgeOptions], TextJudge]
ALLOWED_JUDGES = "openai:MODEL@URL, transformers:NAME|PATH or embedding"
"""What ``--judge`` may be."""
MAX_ROUNDS = 1_000
"""Rounds per text: the paper has five, and all rounds of some texts are held at once."""


def parse_judge(text: str, *, rounds: int) -> JudgeConfig:
    """The choice behind ``--judge``; raises UserError saying what is allowed."""
    if rounds > MAX_ROUNDS:
        raise UserError(f"--judge-rounds is {rounds:,}; it may be 1 to {MAX_ROUNDS:,}.")
    kind, _, rest = text.strip().partition(":")
    given, kind = kind.strip(), kind.strip().lower()
    endpoint = parse_endpoint_name(text, option="--judge")
    if endpoint is not None:
        return JudgeConfig(kind=OPENAI, model=endpoint.model, url=endpoint.url, rounds=rounds)
    if kind == EMBEDDING:
        if rest:
            raise UserError(f"--judge is {mask_name(text)}. embedding takes no model of its own.")
        from fakebench_suite.grading.embeddings import (
            MODEL_NAME,  # numpy, which --help does not need
        )

        return JudgeConfig(kind=EMBEDDING, model=MODEL_NAME, rounds=1)
    if kind == TRANSFORMERS:
        if not rest:
            raise UserError(
                f"--judge is {mask_name(text)}, which names no model. Write "
                "--judge=transformers:NAME or --judge=transformers:PATH."
            )
        return JudgeConfig(kind=TRANSFORMERS, model=expand_home(rest), rounds=rounds)
    names = JUDGES.list_names()
    if given in names:
        return JudgeConfig(kind=given, model=rest, rounds=rounds)
    near = find_nearest(kind, names)
    hint = f"; nearest: {near}" if near is not None else ""
    others = "".join(f", {name}:..." for name in names if name not in JUDGES.built_in)
    raise UserError(f"--judge is {mask_name(text)}. It may be {ALLOWED_JUDGES}{others}{hint}.")


def check_extra(choice: JudgeConfig) -> None:
    """Raise MissingExtraError where the packages of a judge are not installed."""
    extra = JUDGES.get(choice.kind).extra
    if extra is not None:
        require_extra(extra, f"--judge={choice.kind}")


def check_weights(choice: JudgeConfig) -> None:
    """Raise UserError where a local judge's weights are not on this machine; nothing is fetched."""
    if choice.kind != TRANSFORMERS or (Path(choice.model) / "config.json").is_file():
        return
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(choice.model, "config.json")
    except HFValidationError:
        config = None
    if not isinstance(config, str):
        raise UserError(
            f"The judge {choice.model!r} is not on this machine. Download it with 'hf download', "
            "or point --judge=transformers:PATH at its directory."
        )


def check_judge(judge: TextJudge) -> None:
    """Ask the judge once; raises UserError where it cannot be asked, or cannot describe itself."""
    with name_package(f"Checking the judge {judge.name!r}"):
        judge.check()
        msgspec.json.encode(judge.describe())


def open_judge(
    choice: JudgeConfig, *, cache: Path, dropped: Collection[str] | None = None, workers: int = 1
) -> TextJudge:
    """The judge, ready to grade; raises UserError where it cannot be opened.

    Ratings are kept in the file ``cache``. ``dropped`` are parameters that an endpoint is known to
    refuse; None where it is not known. ``workers`` processes share what may be in flight.
    """
    check_extra(choice)
    spec = JUDGES.get(choice.kind)
    options = JudgeOptions(cache=cache, dropped=dropped, workers=workers)
    if isinstance(spec.open, str) and choice.kind in JUDGES.built_in:
        if spec.extra is Extra.LOCAL:
            wait_without_spinning()
        return cast("Open", import_object(spec.open))(choice, options)
    with name_package(f"Opening the judge {choice.kind!r}"):
        start = cast("Open", import_object(spec.open) if isinstance(spec.open, str) else spec.open)
        return start(choice, options)
