"""Cards: every shipped one is sound, and a wrong one is one clear error."""

import shutil
import sys
from pathlib import Path

import msgspec
import pytest

from fakebench_suite.backends.cards import (
    MODELS,
    Card,
    Generation,
    check_checkpoint,
    describe_card,
    find_card,
    is_repository,
    list_cards,
    locate_weights,
)
from fakebench_suite.backends.openai.options import EndpointOptions
from fakebench_suite.backends.registry import check_model
from fakebench_suite.backends.scripted import ScriptedBackend
from fakebench_suite.deprecation import DeprecatedNameWarning
from fakebench_suite.errors import CardError, MissingExtraError, MissingWeightsError, UserError
from fakebench_suite.types import Answer, Prompt, QuestionType
from tests.backends.asking import ask
from tests.helpers import install_package
from tests.hub_cache import fill_hub_cache

ENDPOINT = '[endpoint]\nurl = "http://localhost:8000/v1"\nmodel = "m"'
EXPECTED = {
    "pocket", "always-fake", "coin", "qwen-vl", "qwen2-vl", "qwen2.5-vl", "qwen3-vl", "llava-1.5",
    "llava-onevision", "internvl", "smolvlm", "idefics", "instructblip", "kosmos-2", "gemma-3",
    "paligemma", "llama-3.2-vision", "minicpm-v",
}  # fmt: skip


def test_the_promised_cards_ship_and_are_sound() -> None:
    """Every card can be read; decoding is greedy by construction; no card trusts foreign code."""
    assert set(list_cards()) >= EXPECTED
    for name in list_cards():
        card = find_card(name)
        assert card.name == name
        assert not card.trust_remote_code


def test_a_card_says_how_many_images_a_prompt_may_show(tmp_path: Path) -> None:
    """By default one with a template of its own, which has a place for one, and else any number."""
    path = tmp_path / "m.toml"
    for prompt, takes_two in (
        ("", True),
        ("images = 1", False),
        ("images = 2", True),
        ('template = "{image}{question}"', False),
        ('template = "{image}{question}"\nimages = 1', False),
    ):
        path.write_text(f'repository = "a/b"\n[prompt]\n{prompt}\n')
        card = find_card(str(path))
        assert card.takes_two_images == takes_two
        assert "images" not in describe_card(card, identity=True)["prompt"]
        assert ("images" in describe_card(card)["prompt"]) == ("images" in prompt)
    path.write_text('repository = "a/b"\n[prompt]\ntemplate = "{question}"\nimages = 2\n')
    with pytest.raises(CardError, match="its template has a place for one; leave images out"):
        find_card(str(path))
    path.write_text('repository = "a/b"\n[prompt]\nimages = 0\n')
    with pytest.raises(CardError, match="malformed"):
        find_card(str(path))


def test_a_script_says_nothing_new_of_choices_that_it_does_not_have() -> None:
    """As in the manifests of earlier runs, with which it is compared."""
    assert "whichfake" not in describe_card(find_card("coin"))["script"]


def test_an_unknown_name_lists_the_cards_and_suggests_the_nearest() -> None:
    """The error names what was meant."""
    with pytest.raises(CardError, match=r"no model 'pokcet'. Did you mean 'pocket'\? Known cards:"):
        find_card("pokcet")
    with pytest.raises(CardError) as exc_info:
        find_card("zzzzzzzzzzz")
    assert "Did you mean" not in str(exc_info.value)


@pytest.mark.parametrize("name", ["qwen-vl", "llava-1.5"])
def test_weights_elsewhere_are_one_sentence(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A checkpoint that is not on this machine says how to get it; no network is used."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was used"))
    with pytest.raises(MissingWeightsError) as exc_info:
        locate_weights(find_card(name))
    message = str(exc_info.value)
    assert f"hf download {find_card(name).repository}" in message
    assert "--model" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("repository = ", "is malformed"),
        ('backend = "scripted"\nscript = "coin"', "Expected `table`, got `str` - at `$.script`"),
        ('repository = "a/b"\ncolour = 1', "colour"),
        ('repositry = "a/b"', "no field 'repositry'; allowed: name, backend"),
        ('repositry = "a/b"', "nearest: repository"),
        ('repository = "a/b"\n[generation]\nmax_tokens = 1', "in generation; allowed: max_new_t"),
        ('adapter = "scriptd"', "allowed: huggingface, scripted; nearest: scripted"),
        ('repository = "a/b"\ndtype = "bfloat61"', "nearest: bfloat16"),
        ('repository = "a/b"\nattention = "spda"', "nearest: sdpa"),
        ('repository = "a/b"\n[generation]\nbatch_size = 0', "batch_size"),
        ('repository = "a/b"\npath = "."', "exactly one of"),
        ("", "exactly one of"),
        ('adapter = "scripted"\nrepository = "a/b"', "go together"),
        ('backend = "openai"', "exactly one of"),
        (f'repository = "a/b"\n{ENDPOINT}', "exactly one of"),
        (ENDPOINT, "go together"),
        (f'backend = "openai"\ndtype = "float32"\n{ENDPOINT}', "dtype is about checkpoints"),
        (f'backend = "openai"\n{ENDPOINT}\n[generation]\nstop = ["x"]', "stop in [generation]"),
    ],
)
def test_a_malformed_card_is_one_clear_error(tmp_path: Path, content: str, message: str) -> None:
    """Broken TOML, unknown keys, wrong values and contradictions name the card and the reason."""
    path = tmp_path / "odd.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CardError) as exc_info:
        find_card(str(path))
    assert "odd.toml" in str(exc_info.value)
    assert message in str(exc_info.value)


def test_a_directory_is_a_checkpoint_or_an_error(tmp_path: Path) -> None:
    """config.json makes a checkpoint; card.toml beside it is obeyed; neither is an error."""
    with pytest.raises(CardError, match=r"neither card.toml nor config.json"):
        find_card(str(tmp_path))
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    assert locate_weights(find_card(str(tmp_path))) == tmp_path
    (tmp_path / "card.toml").write_text('path = "."\ndtype = "float32"', encoding="utf-8")
    card = find_card(str(tmp_path))
    assert card.dtype == "float32"
    assert locate_weights(card) == tmp_path


@pytest.mark.parametrize("name", ["notes.txt", "checkpoint/config.json", "card"])
def test_a_file_is_a_card_or_a_detector_or_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One that is there is not called absent, nor taken for a repository on the hub."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(CardError, match=rf"{name} is a file, but neither a card \(.toml\) nor"):
        find_card(name)


def test_scripted_models_repeat_themselves() -> None:
    """Coin tosses by case id, the same way every time and both ways over many cases."""
    card = find_card("coin")
    assert card.backend == "scripted"
    assert card.script is not None
    prompts = [
        Prompt(case=f"{i}:what", image="", question_type=QuestionType.WHAT, text="?")
        for i in range(60)
    ]
    replies = [
        [
            reply.text
            for reply in ask(ScriptedBackend(card.script), prompts, {})
            if isinstance(reply, Answer)
        ]
        for _ in range(2)
    ]
    assert replies[0] == replies[1]
    assert 15 < replies[0].count("This image is fake.") < 45


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A hub cache that holds the weights of pocket as ``somebody/small-vlm``."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was used"))
    return fill_hub_cache(tmp_path / "hub", "somebody/small-vlm")


def test_a_hub_id_finds_the_card_of_that_repository(hub: Path) -> None:
    """Whether its weights are here or not; capitals and a last slash do not matter."""
    assert hub.is_dir()
    name = "Qwen/Qwen2.5-VL-7B-Instruct"
    for model in (name, name.lower(), f"{name}/"):
        assert find_card(model) == find_card("qwen2.5-vl")


def test_a_hub_id_with_weights_here_needs_no_card(hub: Path) -> None:
    """It is loaded by the defaults, under its own name."""
    card = find_card("somebody/small-vlm")
    assert (card.name, card.repository) == ("small-vlm", "somebody/small-vlm")
    assert card.generation == Generation()
    weights = locate_weights(card)
    assert weights is not None
    assert weights.is_relative_to(hub)
    check_checkpoint(card, remote_code=False)


BACKEND = """
from fakebench_suite.backends.base import Capability
from fakebench_suite.backends.registry import BackendSpec

SPEC = BackendSpec(capabilities=frozenset(Capability), load="theirs:load", weights=True)
"""


def test_a_checkpoint_needs_the_extra_of_its_backend_only(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend of another package that loads checkpoints by other means needs no ``local``."""
    assert hub.is_dir()
    entry_points = "[fakebench_suite.backends]\ntheirs = theirs:SPEC\n"
    install_package(tmp_path / "site", "theirs", source=BACKEND, entry_points=entry_points)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setitem(sys.modules, "torch", None)
    card = find_card("somebody/small-vlm")
    check_model(msgspec.structs.replace(card, backend="theirs"), remote_code=False)
    with pytest.raises(MissingExtraError, match="--model=small-vlm needs torch"):
        check_model(card, remote_code=False)


def test_a_directory_goes_before_a_hub_id(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies where the command is called is meant first."""
    assert hub.is_dir()
    shutil.copytree(MODELS / "pocket", tmp_path / "somebody" / "small-vlm")
    monkeypatch.chdir(tmp_path)
    assert find_card("somebody/small-vlm").repository is None


def test_a_hub_id_without_weights_is_one_sentence_with_the_download(hub: Path) -> None:
    """Nothing is fetched."""
    assert hub.is_dir()
    with pytest.raises(CardError, match="Download them with 'hf download somebody/large-vlm'"):
        find_card("somebody/large-vlm")


@pytest.mark.parametrize("model", ["a/b/c", "/etc", "./pokcet", "a//b", "a/", "/b", "a/b c", "-/x"])
def test_other_texts_with_a_slash_are_no_hub_id(model: str) -> None:
    """They are names of nothing, and no download is advised."""
    assert not is_repository(model)


@pytest.mark.parametrize(
    ("old", "new"), [("huggingface", "transformers"), ("scripted", "scripted")]
)
def test_the_old_name_of_the_backend_is_read_with_a_warning(
    tmp_path: Path, old: str, new: str
) -> None:
    """``adapter`` names the backend in cards of earlier versions; the manifest has the new key."""
    text = (MODELS / "coin.toml").read_text(encoding="utf-8") if new == "scripted" else 'path = "."'
    text = text.replace('backend = "scripted"', "")
    path = tmp_path / "old.toml"
    path.write_text(f'adapter = "{old}"\n{text}\n', encoding="utf-8")
    with pytest.warns(DeprecatedNameWarning, match=f'backend = "{new}"'):
        card = find_card(str(path))
    assert card.backend == new
    assert "adapter" not in msgspec.to_builtins(card)


def test_a_url_is_a_card_of_its_own() -> None:
    """The model ends where the URL begins, and may hold slashes and other signs."""
    card = find_card("openai:org/model@v2@http://localhost:8000/v1")
    assert card.endpoint == EndpointOptions(url="http://localhost:8000/v1", model="org/model@v2")
    assert (card.name, card.backend) == ("org/model@v2@http://localhost:8000/v1", "openai")
    assert find_card("OpenAI:m@HTTPS://host").endpoint is not None
    for model in ("openai:", "openai:m", "openai:@http://a", "openai:m@ftp://a"):
        with pytest.raises(UserError, match="lacks a model or a URL"):
            find_card(model)


def test_a_card_is_described_with_the_options_of_its_backend_alone() -> None:
    """As in the manifests of earlier versions, which knew fewer backends."""
    described = describe_card(find_card("coin"))
    assert described["script"]
    assert not {"endpoint", "classifier"} & described.keys()
    card = find_card("openai:m@http://me:hunter2@host/v1")
    assert describe_card(card)["endpoint"]["url"] == "http://***@host/v1"
    assert "classifier" not in describe_card(card)
    assert msgspec.convert(describe_card(card), Card).name == card.name
    removed = (
        describe_card(card)["endpoint"].keys()
        - describe_card(card, identity=True)["endpoint"].keys()
    )
    assert "timeout" in removed
