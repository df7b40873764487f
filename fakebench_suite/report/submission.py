"""The four files FakeBench's authors score: what they hold the references back for.

Shapes follow eval_FakeClass.py, eval_FakeClue.py and eval_FakeQA.py of Yixuan423/FakeBench
(commit 198ce26): UTF-8 JSON lists with one object per image, in the order of the query files.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from fakebench_suite.errors import InternalError
from fakebench_suite.tasks.criteria import mentions_criterion
from fakebench_suite.tasks.registry import Grader, get_task
from fakebench_suite.text.thoughts import to_visible_text
from fakebench_suite.types import Authenticity, Case, QuestionType, Record

FOLDER, MISSING = "submission", "missing.txt"
_, _, CLUE, QA = FILES = (
    "FakeClass_fake.json",
    "FakeClass_real.json",
    "FakeClue.json",
    "FakeQA.json",
)
_MODES = {QuestionType.FAULTFINDING: "faultfinding_mode", QuestionType.INFERENCE: "inference_mode"}
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_ANSWER = re.compile(r"A\d+(_org)?")
Row = dict[str, str]


def write_submission(
    folder: Path, cases: Iterable[Case], records: Iterable[Record]
) -> Sequence[str]:
    """Write the four files below ``folder``; the ids of cases without an answer, also listed there.

    An error leaves its answer out; no text is made up for it. Thoughts are no part of an answer.
    The files are read back; InternalError where they do not hold the answers that were given.
    """
    replies = {
        record.case.id: to_visible_text(record.answer.text)
        for record in records
        if record.answer is not None
    }
    places = [(case, name) for case in cases if (name := submission_file(case)) is not None]
    files: dict[str, dict[str, Row]] = {name: {} for name in FILES}
    for case, name in places:
        if case.id in replies:
            row = files[name].setdefault(case.image, {"image_id": case.image})
            row |= make_fields(case, replies[case.id])
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        text = json.dumps(list(rows.values()), ensure_ascii=False, indent=4)
        (place / name).write_text(text, encoding="utf-8")
    missing = [case.id for case, _ in places if case.id not in replies]
    (place / MISSING).write_text("".join(f"{name}\n" for name in missing), encoding="utf-8")
    check_submission(place, files)
    return missing


def submission_file(case: Case) -> str | None:
    """The file for the answer of a case; None where the task has none."""
    name = get_task(case.task).submission_file
    return None if name is None else name.format(label=case.label or Authenticity.FAKE)


def make_fields(case: Case, text: str) -> Row:
    """The fields of one answer; for FakeQA the sentences on the criterion and the whole reply."""
    if get_task(case.task).grader is Grader.LABEL:
        return {"answer": text}
    if case.question_type in _MODES:
        return {_MODES[case.question_type]: text}
    assert case.slot is not None
    assert case.criterion is not None
    return {f"A{case.slot}": sentences_about(text, case.criterion), f"A{case.slot}_org": text}


def sentences_about(text: str, criterion: str) -> str:
    """The sentences that name the criterion, or the whole text if none does.

    The official script intends this, but adds the whole text after every sentence that does not
    name it.
    """
    plain = " ".join(text.split())
    named = [text for text in _SENTENCE.split(plain) if mentions_criterion(text, criterion)]
    return " ".join(named) or plain


def check_submission(place: Path, expected: Mapping[str, Mapping[str, Row]]) -> None:
    """Raise InternalError if a file differs from the answers, or from the authors' format.

    ``expected`` holds the rows by file and image: an image in the wrong file, a slot of another
    image, a changed or a lost answer are all refused.
    """
    for name in FILES:
        try:
            rows = msgspec.json.decode((place / name).read_bytes(), type=list[dict[str, str]])
        except msgspec.DecodeError as error:
            raise InternalError(
                f"{place / name} is not a list of objects of texts: {error}"
            ) from error
        for row in rows:
            _check_fields(name, row)
        if rows != list(expected[name].values()):
            raise InternalError(f"{place / name} does not hold the answers that were given.")


def _check_fields(name: str, row: Mapping[str, str]) -> None:
    fields = set(row) - {"image_id"}
    if name == QA:
        whole = {field.removesuffix("_org") for field in fields}
        good = fields and all(_ANSWER.fullmatch(field) for field in fields)
        good = good and fields == whole | {f"{field}_org" for field in whole}
    elif name == CLUE:
        good = fields and fields <= set(_MODES.values())
    else:
        good = fields == {"answer"}
    if not good:
        raise InternalError(f"{name}: {row.get('image_id')} has the fields {sorted(fields)}.")
