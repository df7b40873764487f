"""Changes of cases between a baseline and a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fakebench_suite.tasks.robustness import SEARCH
from fakebench_suite.types import Answer, Outcome, Record, Verdict


class ChangeKind(StrEnum):
    """How a case changed since the baseline."""

    FIXED = "fixed"
    """It did not pass and passes now."""
    BROKEN = "broken"
    """It passed and does not pass now."""
    CHANGED = "changed"
    """Outcome, label or reply differ, and whether it passes does not, or is not known of both."""
    SAME = "same"
    NEW = "new"
    """The baseline does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The change of one case, with the baseline's prompt, answer and verdict if it changed."""

    kind: ChangeKind
    prompt: str | None = None
    answer: Answer | None = None
    verdict: Verdict | None = None


def compare_records(records: Sequence[Record], baseline: Sequence[Record]) -> Mapping[str, Change]:
    """The change of every record by case id; cases of the baseline alone are left out."""
    baseline_by_id = {record.case.id: record for record in baseline}
    return {
        record.case.id: _compare(record, baseline_by_id.get(record.case.id)) for record in records
    }


def _compare(record: Record, before: Record | None) -> Change:
    if before is None:
        return Change(kind=ChangeKind.NEW)
    kind = _change_kind(record, before)
    if kind is ChangeKind.SAME:
        return Change(kind=kind)
    return Change(kind=kind, prompt=before.prompt, answer=before.answer, verdict=before.verdict)


def _change_kind(record: Record, before: Record) -> ChangeKind:
    now, then = record.verdict, before.verdict
    passes, passed = (verdict.outcome is Outcome.CORRECT for verdict in (now, then))
    if passes != passed:
        # A new or missing reference changes whether a case is scored, not whether it improved; an
        # error is no answer; and the verdict of a search is that on the reply to the flip that it
        # found.
        outcomes = (now.outcome, then.outcome)
        unknown = any(outcome.is_error or outcome is Outcome.UNSCORED for outcome in outcomes)
        if unknown or record.case.perturbation == SEARCH:
            return ChangeKind.CHANGED
        return ChangeKind.FIXED if passes else ChangeKind.BROKEN
    texts = [verdict.answer.text if verdict.answer else None for verdict in (record, before)]
    same = now.outcome is then.outcome and now.label == then.label and texts[0] == texts[1]
    return ChangeKind.SAME if same else ChangeKind.CHANGED
