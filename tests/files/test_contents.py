"""Files that somebody handed in: what is no file, or too large, is an error at once."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakebench_suite.backends.cards import find_card, locate_weights, read_card
from fakebench_suite.checkpoints.file_check import check_files
from fakebench_suite.datasets.jsonl import load_jsonl
from fakebench_suite.errors import UserError
from fakebench_suite.files import contents
from fakebench_suite.files.contents import read_file, read_lines
from fakebench_suite.gates.config import read_gates
from fakebench_suite.runs.last import find_run
from fakebench_suite.runs.store import read_manifest, read_records, read_timings
from fakebench_suite.workflows.merge import merge_runs

KINDS: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a directory": Path.mkdir,
    "a loop": lambda path: path.symlink_to(path.name),
    "a file that claims a terabyte": lambda path: claim(path, 1 << 40),
}
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "rows": ("x.jsonl", load_jsonl),
    "card": ("card.toml", lambda path: read_card(path, name="x")),
    "gates": ("gates.toml", read_gates),
    "manifest": ("manifest.json", lambda path: read_manifest(path.parent)),
    "records": ("records.jsonl", lambda path: list(read_records(path.parent))),
    "timings": ("latency.json", lambda path: read_timings(path.parent)),
    "config": ("config.json", lambda path: check_files(path.parent)),
}


def claim(path: Path, size: int) -> None:
    """A file of that size, none of which is on the disk."""
    with path.open("wb") as stream:
        stream.truncate(size)


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """A test that waits for a pipe ends all the same."""
    signal.alarm(30)
    yield
    signal.alarm(0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_one_sentence(tmp_path: Path, reader: str, kind: str) -> None:
    """Whatever is read: nothing waits, and nothing is read to an end that does not come."""
    name, reader_function = READERS[reader]
    KINDS[kind](tmp_path / name)
    with pytest.raises(UserError, match=tmp_path.name):
        reader_function(tmp_path / name)


def test_a_file_of_no_size_is_read(tmp_path: Path) -> None:
    """Files of /proc say that they are empty."""
    (tmp_path / "empty").touch()
    assert read_file(tmp_path / "empty") == b""
    assert read_file(Path("/proc/self/stat"))


def test_lines_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines before one that is too long are given."""
    monkeypatch.setattr(contents, "MAX_LINE_BYTES", 4)
    (tmp_path / "x").write_bytes(b"abc\nabcd\n")
    lines = read_lines(tmp_path / "x")
    assert next(lines) == b"abc\n"
    with pytest.raises(OSError, match="longer than"):
        next(lines)


def test_a_name_that_no_file_can_have_is_a_missing_file(tmp_path: Path) -> None:
    """A NUL, or half a surrogate pair, in a card or a pointer."""
    for name in ("a\0b", "\ud800"):
        with pytest.raises(OSError, match="no file can have this name"):
            read_file(tmp_path / name)
    for path in ("\\u0000", "x" * 5_000):
        (tmp_path / "card.toml").write_text(f'path = "{path}"', encoding="utf-8")
        with pytest.raises(UserError, match=r"no config\.json"):
            locate_weights(find_card(str(tmp_path / "card.toml")))


@pytest.mark.parametrize("content", ["", "\0", "..", "a\0b", "a/b"])
def test_a_pointer_that_names_no_run_is_none(tmp_path: Path, content: str) -> None:
    """What ``last`` holds is a name or nothing."""
    last = tmp_path / "last"
    last.write_text(content, encoding="utf-8")
    assert find_run(last) == last


def test_a_loop_of_links_is_no_run(tmp_path: Path) -> None:
    """For every command: nobody resolves it to its end."""
    loop = tmp_path / "last"
    loop.symlink_to("last")
    with pytest.raises(UserError, match="not a run directory"):
        read_manifest(find_run(loop))
    with pytest.raises(UserError, match="not a run directory"):
        merge_runs([loop, tmp_path / "other"], tmp_path / "whole")


def test_a_long_quotation_is_cut_in_the_middle() -> None:
    """The end of a message, which says what to do, stays."""
    text = str(UserError(f"The field is {'x' * 10_000!r}. Write a shorter one."))
    assert len(text) < 2_100
    assert text.startswith("The field is 'xxx")
    assert text.endswith("Write a shorter one.")
