"""What every source refuses: names that leave the directory, ids and labels that clash."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakebench_suite.datasets.dataset import (
    check_image_name,
    check_labels,
    check_unique,
    digest_contents,
    read_bytes,
)
from fakebench_suite.errors import DataError
from fakebench_suite.tasks.prompts import DETECTION
from fakebench_suite.types import Authenticity, Case, QuestionType, Task

PARTS = st.sampled_from(
    ["a", "b.png", "..", ".", "", "C:", " ", "\\", "\\..\\", "\x85", "\x7f", "é"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PARTS, max_size=5).map("/".join) | st.text(max_size=12))
def test_accepted_names_stay_inside(name: str) -> None:
    """A name is refused, or stays below the directory under the rules of either system."""
    try:
        assert check_image_name(name, location="here") == str(PurePosixPath(name))
    except DataError as error:
        assert str(error).startswith("here: the image name ")  # noqa: PT017
        return
    depth = 0
    for part in name.replace("\\", "/").split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        assert depth >= 0
    assert depth > 0
    assert not PurePosixPath(name).is_absolute()
    assert name[0] not in "/\\"
    assert ":" not in name
    assert name.isprintable() or not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in name)


@pytest.mark.parametrize("name", ["", " ", ".", "/", "./", "a/../b.png", "..", "\\\\host\\x", "\0"])
def test_a_refused_name_is_shown_with_what_is_allowed(name: str) -> None:
    """The message quotes the name and says which names are allowed."""
    with pytest.raises(DataError) as exc_info:
        check_image_name(name, location="FakeQA.json, row 3")
    assert str(exc_info.value) == (
        f"FakeQA.json, row 3: the image name {name!r} is not allowed. Use a name relative to "
        "the image directory, without '..', ':' or control characters."
    )


def make_case(label: Authenticity | None, question_type: QuestionType = QuestionType.WHAT) -> Case:
    """A detection case on one image."""
    question = DETECTION[question_type]
    return Case(
        id=f"a.png:{question_type}",
        task=Task.DETECTION,
        image="a.png",
        question=question,
        question_type=question_type,
        label=label,
    )


def test_an_image_has_one_label() -> None:
    """Cases on an image share one picture, so they may not disagree on what it is."""
    fake, real = make_case(Authenticity.FAKE), make_case(Authenticity.REAL, QuestionType.ISREAL)
    check_labels([fake, make_case(None), fake], location="here")
    with pytest.raises(DataError, match=r"^here: the image a.png is labelled both fake and real"):
        check_labels([fake, make_case(None), real], location="here")


def test_ids_are_unique() -> None:
    """A repeated id is named."""
    check_unique([make_case(None), make_case(None, QuestionType.ISREAL)], location="here")
    with pytest.raises(DataError, match=r"^here: 1 duplicate ids, such as a.png:what"):
        check_unique([make_case(None)] * 3, location="here")


def test_a_digest_knows_where_a_file_ends() -> None:
    """Moving a byte from one file to the next changes the digest, and so does the order."""
    digests = [digest_contents(files) for files in ([b"ab", b"c"], [b"a", b"bc"], [b"c", b"ab"])]
    assert len(set(digests)) == 3


def test_an_unreadable_file_is_one_sentence(tmp_path: Path) -> None:
    """A data file that cannot be read is named with the reason."""
    with pytest.raises(
        DataError, match=r"^Cannot read .*cases.jsonl: No such file or directory\.$"
    ):
        read_bytes(tmp_path / "cases.jsonl")
