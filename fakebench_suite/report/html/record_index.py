"""The index of all records by column, which the page loads at once and filters."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from fakebench_suite.report.html.reasoning import split_thoughts
from fakebench_suite.report.thumbnails import list_images
from fakebench_suite.runs.case_changes import Change
from fakebench_suite.types import FinishReason, Record

SNIPPET_CHARACTERS = 90
"""Length of a reply in the table."""
RECORDS_PER_FILE = 400
"""Records in one file of texts: about half a megabyte, loaded when one of them is opened."""

Field = Callable[[Record], Any]
_CODED_FIELDS: Mapping[str, Field] = {
    "task": attrgetter("case.task"),
    "outcome": attrgetter("verdict.outcome"),
    "label": attrgetter("case.label"),
    "generator": attrgetter("case.generator"),
    "criterion": attrgetter("case.criterion"),
    "question_type": attrgetter("case.question_type"),
    "category": attrgetter("case.content_categories"),
    "ending": lambda record: (
        CUT_OFF if record.answer and record.answer.finish_reason is FinishReason.LENGTH else None
    ),
    "reply_label": attrgetter("verdict.label"),
    "perturbation": attrgetter("case.perturbation"),
    "image": lambda record: next(list_images(record)),
}
"""Columns with few distinct values; the page filters by most of them."""
CUT_OFF = "cut off at the token limit"
_PLAIN_FIELDS: Mapping[str, Field] = {
    "id": attrgetter("case.id"),
    "score": lambda record: _round(record.verdict.score),
    "seconds": lambda record: _round(record.answer.seconds if record.answer else None),
    "p_fake": lambda record: _round(record.answer.p_fake if record.answer else None),
    "reply": lambda record: _snippet(record.answer.text) if record.answer else None,
}


def index_records(
    records: Sequence[Record], changes: Mapping[str, Change] | None
) -> dict[str, Any]:
    """Every column: coded fields as codes into their distinct values, the others as they are."""
    columns = {name: _encode(map(field, records)) for name, field in _CODED_FIELDS.items()}
    if changes is not None:
        columns["change"] = _encode(changes[record.case.id].kind for record in records)
    values = {name: list(map(field, records)) for name, field in _PLAIN_FIELDS.items()}
    if not any(value is not None for value in values["p_fake"]):
        del values["p_fake"]
    return {"size": len(records), "chunk": RECORDS_PER_FILE, "names": columns, "values": values}


def _encode(values: Iterable[Hashable]) -> dict[str, list[Any]]:
    """Codes into the sorted distinct values, with None last."""
    values = list(values)
    texts = {value: None if value is None else str(value) for value in set(values)}
    different: list[str | None] = [
        *sorted({text for text in texts.values() if text is not None}),
        None,
    ]
    places = {text: place for place, text in enumerate(different)}
    codes = {value: places[text] for value, text in texts.items()}
    return {"values": different, "codes": [codes[value] for value in values]}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _snippet(text: str) -> str:
    """The beginning of a reply on one line; of its answer if it has one after its reasoning."""
    _, visible = split_thoughts(text)
    shown = visible if visible.strip() else text
    return " ".join(shown.strip()[: 2 * SNIPPET_CHARACTERS].split())[:SNIPPET_CHARACTERS]
