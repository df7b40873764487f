"""The files for the authors: their shapes, their order, and nothing made up."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fakebench_suite.errors import InternalError
from fakebench_suite.report.submission import (
    FILES,
    check_submission,
    sentences_about,
    write_submission,
)
from fakebench_suite.types import Authenticity, Case, Outcome, QuestionType, Record, Task, Verdict
from tests.factories import CASE, make_answer

REAL = replace(CASE, id="r.png:what", image="r.png", label=Authenticity.REAL, generator=None)
FAULTS = replace(
    CASE, id="sd-1.png:f", task=Task.INTERPRETATION, question_type=QuestionType.FAULTFINDING
)
INFERENCE = replace(
    CASE, id="sd-1.png:i", task=Task.REASONING, question_type=QuestionType.INFERENCE
)
EDGE = replace(
    CASE,
    id="e",
    task=Task.ANALYSIS,
    question_type=QuestionType.CRITERION,
    criterion="edge",
    slot=2,
)
CASES = [CASE, REAL, FAULTS, INFERENCE, EDGE]


def make_record(case: Case, text: str | None) -> Record:
    """A record with that reply, or of an error."""
    outcome = Outcome.MODEL_ERROR if text is None else Outcome.UNSCORED
    answer = None if text is None else make_answer(text)
    verdict = Verdict(outcome=outcome, reason="")
    return Record(case=case, prompt="?", answer=answer, verdict=verdict, worker="")


def test_thoughts_are_no_part_of_a_submission(tmp_path: Path) -> None:
    """The authors score what was said."""
    text = "<think>The edge is fine.</think><answer>The edge is odd.</answer>"
    write_submission(tmp_path, CASES, [make_record(case, text) for case in CASES])
    files = [(tmp_path / "submission" / name).read_text(encoding="utf-8") for name in FILES]
    assert all("The edge is odd." in file for file in files)
    assert not any("think" in file or "fine" in file or "<" in file for file in files)


def test_the_four_files_have_the_authors_shapes(tmp_path: Path) -> None:
    """Fake and real apart, both modes in one row, FakeQA with the sentence and the whole reply."""
    text = "Überall scharf. The edge is odd."
    missing = write_submission(tmp_path, CASES, [make_record(case, text) for case in CASES[::-1]])
    assert missing == []
    rows = {name: json.loads((tmp_path / "submission" / name).read_bytes()) for name in FILES}
    assert rows["FakeClass_fake.json"] == [{"image_id": "sd-1.png", "answer": text}]
    assert rows["FakeClass_real.json"] == [{"image_id": "r.png", "answer": text}]
    assert rows["FakeClue.json"] == [
        {"image_id": "sd-1.png", "faultfinding_mode": text, "inference_mode": text}
    ]
    assert rows["FakeQA.json"] == [
        {"image_id": "sd-1.png", "A2": "The edge is odd.", "A2_org": text}
    ]
    assert "Ü".encode() in (tmp_path / "submission" / "FakeClue.json").read_bytes()


def test_an_error_is_missing_and_not_an_empty_answer(tmp_path: Path) -> None:
    """What was not answered is listed and left out; an empty reply is a reply."""
    records = [make_record(CASE, None), make_record(REAL, ""), make_record(FAULTS, "x")]
    missing = write_submission(tmp_path, CASES, records)
    assert missing == [CASE.id, INFERENCE.id, EDGE.id]
    folder = tmp_path / "submission"
    assert (folder / "missing.txt").read_text(encoding="utf-8").split() == missing
    assert json.loads((folder / "FakeClass_fake.json").read_text(encoding="utf-8")) == []
    assert json.loads((folder / "FakeClass_real.json").read_text(encoding="utf-8")) == [
        {"image_id": "r.png", "answer": ""}
    ]
    assert json.loads((folder / "FakeClue.json").read_text(encoding="utf-8")) == [
        {"image_id": "sd-1.png", "faultfinding_mode": "x"}
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [{"image_id": "sd-1.png", "answer": "no"}],
        [{"image_id": "r.png", "answer": "no"}] * 2,
        [{"image_id": "r.png", "answer": "yes"}],
        [{"image_id": "r.png", "reply": "no"}],
        [{"image_id": "r.png", "answer": 3}],
        {"image_id": "r.png"},
        [],
    ],
    ids=["other class", "twice", "changed", "field", "number", "no list", "lost"],
)
def test_a_file_that_says_anything_else_is_refused(tmp_path: Path, rows: object) -> None:
    """Reading back finds images of another file, wrong shapes, and changed or lost answers."""
    write_submission(tmp_path, CASES, [make_record(REAL, "no")])
    folder = tmp_path / "submission"
    expected: dict[str, dict[str, dict[str, str]]] = {name: {} for name in FILES} | {
        "FakeClass_real.json": {"r.png": {"image_id": "r.png", "answer": "no"}}
    }
    check_submission(folder, expected)
    (folder / "FakeClass_real.json").write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(InternalError, match="FakeClass_real"):
        check_submission(folder, expected)


def test_an_answer_goes_with_the_whole_reply(tmp_path: Path) -> None:
    """FakeQA wants the sentences and the reply they are from: one without the other is refused."""
    write_submission(tmp_path, CASES, [make_record(EDGE, "The edge breaks.")])
    folder = tmp_path / "submission"
    (rows,) = json.loads((folder / "FakeQA.json").read_text(encoding="utf-8"))
    slot = next(name for name in rows if name.endswith("_org"))
    del rows[slot]
    (folder / "FakeQA.json").write_text(json.dumps([rows]), encoding="utf-8")
    with pytest.raises(InternalError, match="FakeQA"):
        check_submission(folder, {name: {} for name in FILES})


def test_sentences_on_the_criterion_are_picked() -> None:
    """All that name it, in order; the whole reply where none does."""
    text = "The edges are odd. The sky is blue.\nOne edge breaks!"
    assert sentences_about(text, "edge") == "The edges are odd. One edge breaks!"
    assert sentences_about("All is\nwell.", "edge") == "All is well."
