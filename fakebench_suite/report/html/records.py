"""Everything about each record, in files of a few hundred that load when one is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fakebench_suite.report.html.data_script import write_data_script
from fakebench_suite.report.html.index import CHUNK
from fakebench_suite.report.html.run_data import Run
from fakebench_suite.report.html.spoken import split_reply
from fakebench_suite.runs.case_changes import Change
from fakebench_suite.types import Answer, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A reply in two, where it holds thoughts."""

    thoughts: str
    spoken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the page of one item shows."""

    record: Record
    texts: Mapping[str, float | None] | None
    before: Change | None
    split: Split | None
    """The reply in two; None where it is all answer."""
    split_before: Split | None
    """The same of the baseline's reply."""


def write_texts(folder: Path, run: Run, changes: Mapping[str, Change] | None) -> None:
    """One script per CHUNK records, in the order of the index."""
    for start in range(0, len(run.records), CHUNK):
        number = start // CHUNK
        entries = [_enter(record, run, changes) for record in run.records[start : start + CHUNK]]
        write_data_script(folder / f"texts-{number}.js", f"texts-{number}", entries)


def _enter(record: Record, run: Run, changes: Mapping[str, Change] | None) -> Entry:
    before = _show(changes, record.case.id)
    return Entry(
        record=record,
        texts=run.texts.get(record.case.id),
        before=before,
        split=_split(record.answer),
        split_before=_split(before.answer if before else None),
    )


def _split(answer: Answer | None) -> Split | None:
    if answer is None:
        return None
    thoughts, spoken = split_reply(answer.text)
    return Split(thoughts=thoughts, spoken=spoken) if thoughts else None


def _show(changes: Mapping[str, Change] | None, name: str) -> Change | None:
    """The baseline's side, where it says something else."""
    change = changes and changes[name]
    return change if change and change.verdict else None
