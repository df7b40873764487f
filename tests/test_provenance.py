"""Identities: whatever answers depend on changes them, and a place does not."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.checkpoints.fingerprint import digest_files, digest_weights
from fakebench_suite.provenance import (
    count_changed_pixels,
    digest_pixels,
    summarize_pixels,
)
from fakebench_suite.types import Outcome
from tests.factories import make_record

READ = (
    "config.json", "generation_config.json", "chat_template.jinja", "processor_config.json",
    "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json",
    "merges.txt", "vocab.txt", "tokenizer.model", "qwen.tiktoken", "special_tokens_map.json",
    "qformer_tokenizer/tokenizer.json", "additional_chat_templates/tool.jinja",
)  # fmt: skip
UNREAD = (
    "checkpoint-500/tokenizer.json",
    "README.md",
    "training.log",
    "trainer_state.json",
    "all_results.json",
    "LICENSE.txt",
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A directory with every kind of file that checkpoints come with."""
    folder = tmp_path / "here" / "checkpoint"
    folder.mkdir(parents=True)
    for name in (*READ, *UNREAD):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "training_args.bin").write_bytes(b"arguments")
    (folder / "modeling.py").write_text("x = 1", encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", READ)
def test_every_file_that_loading_reads_is_in_the_identity(checkpoint: Path, name: str) -> None:
    """One byte more in it, and its digest is another; the weights' is not."""
    before, weights = digest_files(checkpoint, code=False), digest_weights(checkpoint)
    (checkpoint / name).write_text('{"a": 1}', encoding="utf-8")
    after = digest_files(checkpoint, code=False)
    assert {file for file in before if before[file] != after[file]} == {name}
    assert digest_weights(checkpoint) == weights


def test_what_loading_does_not_read_is_not(checkpoint: Path) -> None:
    """Nor is where the checkpoint lies, by its directory or by what save_pretrained noted."""
    before = digest_files(checkpoint, code=False), digest_weights(checkpoint)
    for name in (*UNREAD, "modeling.py"):
        (checkpoint / name).write_text("otherwise", encoding="utf-8")
    (checkpoint / "training_args.bin").write_bytes(b"others")
    other_folder = checkpoint.parents[1] / "there"
    shutil.move(checkpoint, other_folder)
    (other_folder / "config.json").write_text(
        json.dumps({"_name_or_path": "/a/b"}), encoding="utf-8"
    )
    assert (digest_files(other_folder, code=False), digest_weights(other_folder)) == before


def test_code_counts_where_it_is_trusted(checkpoint: Path) -> None:
    """Modules of the checkpoint are files like others then."""
    assert "modeling.py" in digest_files(checkpoint, code=True)
    assert "modeling.py" not in digest_files(checkpoint, code=False)


def test_weights_count_wherever_they_lie(checkpoint: Path) -> None:
    """A changed byte is seen, and a second format that is not read is not."""
    before = digest_weights(checkpoint)
    (checkpoint / "pytorch_model.bin").write_bytes(b"unread")
    assert digest_weights(checkpoint) == before
    (checkpoint / "model.safetensors").write_bytes(b"weightz")
    assert digest_weights(checkpoint) != before


def test_pixels_are_told_by_mode_size_and_bytes() -> None:
    """Two shapes of the same bytes differ; a flat picture is known as such."""
    wide, high = (Image.new("RGB", size, "red") for size in ((4, 2), (2, 4)))
    assert digest_pixels(wide) == digest_pixels(wide.copy())
    assert digest_pixels(wide).digest != digest_pixels(high).digest
    assert digest_pixels(wide).digest != digest_pixels(wide.convert("L")).digest
    assert digest_pixels(wide).flat
    for place in ((0, 0), (2, 1)):
        spotted = wide.copy()
        spotted.putpixel(place, (254, 0, 0))
        assert not digest_pixels(spotted).flat


def test_facts_of_pixels_know_no_order() -> None:
    """Repeats, flat and small pictures are counted once an image, however often it is asked."""
    red, noise = Image.new("RGB", (200, 9), "red"), Image.effect_noise((90, 90), 50)
    records = [
        replace(make_record(name, Outcome.CORRECT, suffix=suffix), pixels=digest_pixels(picture))
        for name, picture in (("a", red), ("b", red), ("c", noise))
        for suffix in ("what", "edge")
    ]
    facts = summarize_pixels(records)
    assert facts is not None
    assert facts == summarize_pixels(records[::-1])
    assert (facts.images, facts.known, facts.repeated, facts.flat, facts.small) == (3, 3, 1, 2, 1)
    swapped = [replace(record, pixels=records[4].pixels) for record in records]
    assert summarize_pixels(swapped) != facts
    assert count_changed_pixels(records, swapped) == (2, 3)
    unknown = [replace(record, pixels=None) for record in records]
    assert summarize_pixels(unknown) is None
    assert count_changed_pixels(records, unknown) == (0, 0)
