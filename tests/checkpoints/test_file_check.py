"""Files of weights that are absent, cut short or something else are each one sentence."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fakebench_suite.backends.cards import Card, PromptFormat, check_checkpoint
from fakebench_suite.checkpoints.file_check import check_files, has_chat_template, list_weights
from fakebench_suite.errors import CardError

INDEX = "model.safetensors.index.json"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"


def pack(entries: object, content: bytes = b"\0" * 8) -> bytes:
    """A file of safetensors with this header."""
    header = json.dumps(entries).encode()
    return len(header).to_bytes(8, "little") + header + content


WHOLE = pack({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {}})


def save(folder: Path, **files: bytes | str | object) -> Path:
    """A directory with config.json and these files; ``__`` stands for a dot in their names."""
    for name, content in {"config__json": {}, **files}.items():
        path = folder / name.replace("__", ".")
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def index(*names: str) -> dict[str, dict[str, str]]:
    """An index over shards."""
    return {"weight_map": {f"tensor.{number}": name for number, name in enumerate(names)}}


BROKEN: dict[str, tuple[dict[str, object], str]] = {
    "nothing": ({}, "holds no weights"),
    "adapter": ({"adapter_config__json": {}, "adapter_model__safetensors": WHOLE}, "LoRA"),
    "adapter beside": ({"adapter_config__json": {}, "model__safetensors": WHOLE}, "LoRA"),
    "lfs": ({"model__safetensors": POINTER}, "git lfs pull"),
    "lfs bin": ({"pytorch_model__bin": POINTER}, "git lfs pull"),
    "empty": ({"model__safetensors": b""}, "cut short"),
    "half a header": ({"model__safetensors": WHOLE[:30]}, "cut short"),
    "short": ({"model__safetensors": WHOLE[:-1]}, "its header speaks of"),
    "long": ({"model__safetensors": WHOLE + b"x"}, "its header speaks of"),
    "no header": ({"model__safetensors": pack([1, 2])}, "no weights of safetensors"),
    "bad offsets": ({"model__safetensors": pack({"a": {}})}, "no weights of safetensors"),
    "text": ({"model__safetensors": b"<!DOCTYPE html>"}, "cut short|no weights of safetensors"),
    "bin text": ({"pytorch_model__bin": b"<!DOCTYPE html>"}, "no weights of PyTorch"),
    "no config": ({"config__json": b"{", "model__safetensors": WHOLE}, "is no JSON object"),
    "a list": ({"config__json": [], "model__safetensors": WHOLE}, "is no JSON object"),
    "no map": ({"model__safetensors__index__json": {}}, "no weight_map"),
    "odd map": ({"model__safetensors__index__json": {"weight_map": {"a": 1}}}, "no weight_map"),
    "no shards": ({"model__safetensors__index__json": index("a", "b", "c", "d")}, "4 of the 4"),
    "one shard": (
        {"model__safetensors__index__json": index("a.safetensors", "b.safetensors"),
         "a__safetensors": WHOLE},
        r"lacks 1 of the 2 files of weights that model.safetensors.index.json names \(b.safe",
    ),
    "short shard": (
        {"model__safetensors__index__json": index("a.safetensors"), "a__safetensors": WHOLE[:-2]},
        "its header speaks of",
    ),
    "bin shard": ({"pytorch_model__bin__index__json": index("a.bin")}, "lacks 1 of the 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_checkpoint_is_one_sentence(name: str, tmp_path: Path) -> None:
    """Each kind is a CardError of one line that names the place."""
    files, message = BROKEN[name]
    with pytest.raises(CardError, match=message) as exc_info:
        check_files(save(tmp_path, **files))
    assert str(tmp_path) in str(exc_info.value)
    assert "\n" not in str(exc_info.value)


@pytest.mark.parametrize(
    "files",
    [
        {"model__safetensors": WHOLE},
        {"model__safetensors__index__json": index("a.safetensors"), "a__safetensors": WHOLE},
        {"pytorch_model__bin": b"\x80\x02}q\x00."},
        {"config__json": {"transformers_weights": "other.safetensors"}},
    ],
    ids=min,
)
def test_a_whole_checkpoint_passes(files: dict[str, object], tmp_path: Path) -> None:
    """One file, shards, an old pickle, and weights under another name are looked at no further."""
    check_files(save(tmp_path, **files))


def test_safetensors_come_before_pickles(tmp_path: Path) -> None:
    """The files are those that transformers would load."""
    save(tmp_path, model__safetensors=WHOLE, pytorch_model__bin=POINTER)
    assert [path.name for path in list_weights(tmp_path)] == ["model.safetensors"]
    check_files(tmp_path)


TEMPLATES: dict[str, Callable[[Path], object]] = {
    "jinja": lambda folder: (folder / "chat_template.jinja").write_text("x", encoding="utf-8"),
    "json": lambda folder: save(folder, chat_template__json={"chat_template": "x"}),
    "tokenizer": lambda folder: save(folder, tokenizer_config__json={"chat_template": "x"}),
    "several": lambda folder: save(
        folder, tokenizer_config__json={"chat_template": [{"name": "default", "template": "x"}]}
    ),
    "processor": lambda folder: save(folder, processor_config__json={"chat_template": "x"}),
}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_chat_template_is_found_wherever_it_is_saved(kind: str, tmp_path: Path) -> None:
    """In a file of its own or in a config; a config without one has none."""
    save(tmp_path, tokenizer_config__json={}, processor_config__json={"chat_template": None})
    assert not has_chat_template(tmp_path)
    TEMPLATES[kind](tmp_path)
    assert has_chat_template(tmp_path)


def test_a_checkpoint_without_template_needs_one_in_its_card(tmp_path: Path) -> None:
    """It is said before anything is loaded, with the fields to set; foreign code may bring one."""
    save(tmp_path, model__safetensors=WHOLE)
    card = Card(name="bare", path=str(tmp_path))
    with pytest.raises(CardError, match=r"no chat template.*template.*image_token.*\[prompt\]"):
        check_checkpoint(card, remote_code=False)
    check_checkpoint(card, remote_code=True)
    quirks = PromptFormat(template="{image} {question}")
    check_checkpoint(Card(name="x", path=str(tmp_path), prompt=quirks), remote_code=False)
