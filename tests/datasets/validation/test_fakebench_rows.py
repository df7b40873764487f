"""Odd rows and odd questions, planted and published."""

from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.datasets import open_dataset
from fakebench_suite.datasets.validation import validate_dataset
from fakebench_suite.datasets.validation.issues import Severity
from fakebench_suite.tasks.prompts import FAULTFINDING, INFERENCE
from fakebench_suite.types import QuestionType
from tests.datasets.conftest import find_shared
from tests.datasets.validation.example_sets import (
    FEW,
    find,
    inspect,
    make_row,
    write_lines,
    write_rows,
    write_sound,
)

SUFFIX = " regarding the authenticity of this image?"
LINE = {"id": "a", "task": "detection", "image": "a.png", "question": "Is it fake, yes or no?"}


@pytest.mark.thorough
def test_the_published_files_have_their_known_oddities() -> None:
    """The figures of FakeBench as published, which a run meets as remarks."""
    result = inspect(find_shared("FAKEBENCH_DATA"))
    assert result.kind == "official"
    warning_counts = {
        finding.name: len(finding.items)
        for finding in result.findings
        if finding.severity is Severity.WARNING and "FakeQA" in finding.name
    }
    assert warning_counts == {
        "FakeQA rows that lack questions other rows have": 27,
        "FakeQA questions whose criterion is not the one of their slot": 494,
        "FakeQA rows that ask about one criterion twice, in the same or other words": 53,
        "FakeQA questions without the suffix about authenticity": 82,
        # 223 in words of realism, of which 177 say "how realistic", and one "convincing".
        "FakeQA questions about the unrealistic that ask for realism": 224,
    }
    assert len(find(result, "asked twice").items) == 41
    lacking = find(result, "lack questions").items
    assert sorted(item.detail for item in lacking) == ["Q13, Q14"] * 2 + ["Q14"] * 25
    counts = {(count.by, count.value): count.cases for count in result.counts}
    assert counts["task", "analysis"] == 41971
    assert counts["question_type", "isfake"] + counts["question_type", "isreal"] == 3000
    assert (result.totals.texts, result.totals.withheld) == (47971, 47971)
    telling = {leak.feature for leak in result.leaks if leak.tells}
    assert {"file name", "file suffix"} <= telling
    assert not telling & {"question wording", "question type"}


def write_analysis(root: Path, *rows: dict[str, str]) -> None:
    """A sound FakeClass and FakeQA rows over its first fake images."""
    write_sound(root, FEW)
    questions = [{"image_id": f"{2 * n}.png", **row} for n, row in enumerate(rows)]
    write_rows(root, questions, "FakeQA")


@pytest.mark.parametrize(
    ("rows", "name", "detail"),
    [
        (
            [{"Q1": "How is the texture", "Q2": "How is the edge"}, {"Q1": "How is the texture"}],
            "lack questions",
            "Q2",
        ),
        ([{"Q1": "How is the edge"}], "not the one of their slot", "Q1 asks about edge"),
        ([{"Q20": "How is the edge"}], "not the one of their slot", "Q20 asks about edge"),
        (
            [{"Q1": "How is the texture", "Q3": "Is there any texture"}],
            "one criterion twice",
            "texture in Q1 and Q3",
        ),
        ([{"Q13": "How realistic is it"}], "ask for realism", f"How realistic is it{SUFFIX}"),
        ([{"Q13": "Is it convincing"}], "ask for realism", f"Is it convincing{SUFFIX}"),
    ],
)
def test_an_odd_row_is_a_remark(
    tmp_path: Path, rows: list[dict[str, str]], name: str, detail: str
) -> None:
    """Each oddity of FakeQA is found where it was planted."""
    write_analysis(
        tmp_path, *({slot: f"{text}{SUFFIX}" for slot, text in row.items()} for row in rows)
    )
    result = inspect(tmp_path)
    assert result.is_sound
    assert find(result, name).items[-1].detail == detail


def test_a_canonical_row_is_no_finding(tmp_path: Path) -> None:
    """Questions in their slots with the suffix are as they should be, "unrealistic" among them."""
    row = {"Q1": f"How is the texture{SUFFIX}", "Q13": f"Does it look unrealistic{SUFFIX}"}
    write_analysis(tmp_path, row, row)
    assert inspect(tmp_path).findings == ()


def test_a_question_without_the_suffix_is_a_remark(tmp_path: Path) -> None:
    """It is quoted as it stands, without the white space around it."""
    write_analysis(tmp_path, {"Q1": "How is the texture?  "})
    (item,) = find(inspect(tmp_path), "without the suffix").items
    assert item.detail == "How is the texture?"


def test_an_image_that_is_not_in_fakeclass_is_a_remark(tmp_path: Path) -> None:
    """FakeClue asks about an image whose authenticity nobody asks for; without FakeClass, none."""
    rows = write_sound(tmp_path, FEW)
    clue = {"image_id": "0.png", "faultfinding_mode": FAULTFINDING, "inference_mode": INFERENCE}
    write_rows(tmp_path, [clue], "FakeClue")
    write_rows(tmp_path, rows[1:])
    result = inspect(tmp_path)
    assert [item.images for item in find(result, "FakeClass does not have").items] == [("0.png",)]
    (tmp_path / "Evaluation" / "FakeClass.json").unlink()
    assert not [finding for finding in inspect(tmp_path).findings if "FakeClass" in finding.name]


def test_a_question_asked_twice_is_a_remark(tmp_path: Path) -> None:
    """White space and capitals make no other question; another image or task does."""
    lines: list[dict[str, Any]] = [
        LINE,
        LINE | {"id": "b", "question": "is it  FAKE, yes or no?"},
        LINE | {"id": "c", "image": "b.png"},
    ]
    (item,) = find(inspect(write_lines(tmp_path / "own.jsonl", *lines)), "asked twice").items
    assert item.images == ("a.png",)
    assert item.detail == "2 x is it fake, yes or no?"


def test_images_without_a_label_are_a_remark(tmp_path: Path) -> None:
    """Each is named once, and there is no label to leak."""
    path = write_lines(
        tmp_path / "own.jsonl", LINE, LINE | {"id": "b", "question": "Real or fake?"}
    )
    result = inspect(path)
    assert [item.images for item in find(result, "without a label").items] == [("a.png",)]
    assert result.totals.unlabelled == 2
    assert result.leaks == ()


def test_images_of_one_label_are_a_remark(tmp_path: Path) -> None:
    """Where every image is fake, a constant answer would get full marks."""
    lines = [LINE | {"id": f"{n}", "image": f"{n}.png", "label": "fake"} for n in range(9)]
    result = inspect(write_lines(tmp_path / "own.jsonl", *lines))
    assert "every labelled image of detection is fake" in {
        finding.name for finding in result.findings
    }
    assert all(leak.balanced_accuracy is None for leak in result.leaks)


def test_uneven_labels_are_a_remark(tmp_path: Path) -> None:
    """Three fakes to one real: the accuracy of a constant answer is told."""
    labels = ["fake", "fake", "fake", "real"] * 5
    lines = [
        LINE | {"id": f"{n}", "image": f"{n}.png", "label": label} for n, label in enumerate(labels)
    ]
    finding = find(inspect(write_lines(tmp_path / "own.jsonl", *lines)), "15 of 20")
    assert "0.75 accuracy" in finding.meaning


def test_a_form_kept_for_one_label_is_a_leak_that_reaches_models(tmp_path: Path) -> None:
    """Fakes asked "is this fake" and photographs "is this real" give the label away in words."""
    write_sound(tmp_path, FEW)
    forms = (QuestionType.ISFAKE, QuestionType.ISREAL)
    rows = [make_row(f"{n}.png", fake=n % 2 == 0, question_type=forms[n % 2]) for n in range(24)]
    write_rows(tmp_path, rows)
    result = validate_dataset(open_dataset(tmp_path))
    leaks = {leak.feature: leak for leak in result.leaks if leak.tells}
    assert set(leaks) == {"question wording", "question type"}
    assert {(share.value, share.fake, share.real) for share in leaks["question type"].shares} == {
        ("isfake", 12, 0),
        ("isreal", 0, 12),
    }
