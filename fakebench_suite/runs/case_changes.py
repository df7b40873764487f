"""A run against a baseline, case by case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fakebench_suite.types import Answer, Outcome, Record, Verdict


class ChangeKind(StrEnum):
    """What became of a case since the baseline."""

    FIXED = "fixed"
    """It was no pass and is one now."""
    BROKEN = "broken"
    """It was a pass and is none now."""
    CHANGED = "changed"
    """Outcome, reading or reply differ, and it passes as little or as much as before."""
    SAME = "same"
    NEW = "new"
    """The baseline did not ask it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One case's change, with the baseline's side where there is something to look at."""

    kind: ChangeKind
    prompt: str | None = None
    answer: Answer | None = None
    verdict: Verdict | None = None


def compare_records(records: Sequence[Record], baseline: Sequence[Record]) -> Mapping[str, Change]:
    """The change of every record, by case id; cases that only the baseline has are left out."""
    known = {record.case.id: record for record in baseline}
    return {record.case.id: _compare(record, known.get(record.case.id)) for record in records}


def _compare(record: Record, before: Record | None) -> Change:
    if before is None:
        return Change(kind=ChangeKind.NEW)
    kind = _name_change(record, before)
    if kind is ChangeKind.SAME:
        return Change(kind=kind)
    return Change(kind=kind, prompt=before.prompt, answer=before.answer, verdict=before.verdict)


def _name_change(record: Record, before: Record) -> ChangeKind:
    now, then = record.verdict, before.verdict
    passes, passed = (one.outcome is Outcome.CORRECT for one in (now, then))
    if passes != passed:
        # A reference that was not there before makes a case scored, not better or worse.
        if Outcome.UNSCORED in (now.outcome, then.outcome):
            return ChangeKind.CHANGED
        return ChangeKind.FIXED if passes else ChangeKind.BROKEN
    texts = [one.answer.text if one.answer else None for one in (record, before)]
    alike = now.outcome is then.outcome and now.label == then.label and texts[0] == texts[1]
    return ChangeKind.SAME if alike else ChangeKind.CHANGED
