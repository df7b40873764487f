"""The full records, in files of a few hundred that the page loads when one is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fakebench_suite.grading.claims.grounding import Grounding
from fakebench_suite.metrics.claims import Grounded, find_claims
from fakebench_suite.report.html.data_script import write_data_script
from fakebench_suite.report.html.reasoning import split_thoughts
from fakebench_suite.report.html.record_index import RECORDS_PER_FILE
from fakebench_suite.report.html.run_data import ReportData
from fakebench_suite.runs.case_changes import Change
from fakebench_suite.types import Answer, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonedReply:
    """A reply with reasoning, in two parts."""

    thoughts: str
    visible: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEntry:
    """The data of the page of one item."""

    record: Record
    texts: Mapping[str, float | None] | None
    before: Change | None
    split: ReasonedReply | None
    """The reply in two parts; None if it has no reasoning."""
    split_before: ReasonedReply | None
    """The same for the baseline's reply."""
    claims: Grounding | None
    """What the reply claims, against what is known of the image; None where nothing is."""


def write_texts(
    folder: Path, run: ReportData, changes: Mapping[str, Change] | None, grounded: Grounded
) -> None:
    """One script per RECORDS_PER_FILE records, in the order of the index.

    ``grounded`` is what the replies claim.
    """
    for start in range(0, len(run.records), RECORDS_PER_FILE):
        number = start // RECORDS_PER_FILE
        entries = [
            _make_entry(record, run, changes, grounded)
            for record in run.records[start : start + RECORDS_PER_FILE]
        ]
        name = f"texts-{number}"
        write_data_script(folder / f"{name}.js", name, entries, compress=True)


def _make_entry(
    record: Record, run: ReportData, changes: Mapping[str, Change] | None, grounded: Grounded
) -> RecordEntry:
    before = _change_of(changes, record.case.id)
    return RecordEntry(
        record=record,
        texts=run.texts.get(record.case.id),
        before=before,
        split=split_reply(record.answer),
        split_before=split_reply(before.answer if before else None),
        claims=find_claims(record, grounded),
    )


def split_reply(answer: Answer | None) -> ReasonedReply | None:
    """A reply with reasoning, that of a server first, in two parts; None without any."""
    if answer is None:
        return None
    thoughts, visible = split_thoughts(answer.text)
    if answer.reasoning is not None:
        thoughts = f"{answer.reasoning}\n\n{thoughts}".strip() if thoughts else answer.reasoning
    return ReasonedReply(thoughts=thoughts, visible=visible) if thoughts else None


def _change_of(changes: Mapping[str, Change] | None, name: str) -> Change | None:
    """The baseline's verdict and answer, if they differ."""
    change = changes and changes[name]
    return change if change and change.verdict else None
