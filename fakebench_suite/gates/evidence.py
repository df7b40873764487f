"""What a gate looks at: one run, whole, and what keeps anything from being concluded from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fakebench_suite.types import Record, Score, Task, Timing

EXACT = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One run as it was left behind."""

    manifest: Mapping[str, Any]
    records: Sequence[Record]
    scores: Sequence[Score] = ()
    timings: Sequence[Timing] = ()

    def count_errors(self, task: Task | None) -> int:
        """Cases of a task, or of all, that ended in an error."""
        return sum(one.verdict.outcome.is_error for one in self.select(task))

    def select(self, task: Task | None) -> Sequence[Record]:
        """The records of a task, or all."""
        return [one for one in self.records if task in (None, one.case.task)]

    def find_reservation(self, *, sample: int | None) -> str | None:
        """Why the run as a whole settles nothing: it is partial, and not by an accepted sample."""
        reasons = list(self.manifest.get("partial", ["cut off"]))
        drawn = self.manifest.get("sample")
        if reasons == ["sampled"] and sample is not None and (drawn or 0) >= sample:
            return None
        return f"the run is partial ({', '.join(reasons)})" if reasons else None

    def find_doubt(self, judge: str | None) -> str | None:
        """Why a judge's figures settle nothing: it was not shown fit on texts of known order."""
        if judge in (None, EXACT):
            return None
        audit = self.manifest["judge"].get("audit")
        if audit is not None and audit["passed"]:
            return None
        return f"the judge {judge} did not put the audit's texts in order"
