"""What a gate looks at: one run, and whether all cases of the gate's population are in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fakebench_suite.runs.partial import MissingCases, find_missing_cases
from fakebench_suite.tasks.subgroups import ALL, list_subgroups
from fakebench_suite.types import Record, Score, Task, Timing

EXACT = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run as it was left behind."""

    manifest: Mapping[str, Any]
    records: Sequence[Record]
    scores: Sequence[Score] = ()
    timings: Sequence[Timing] = ()

    def count_errors(self, tasks: Sequence[Task], subgroup: str = ALL) -> int:
        """Cases of a population that ended in an error."""
        return sum(one.verdict.outcome.is_error for one in self.select(tasks, subgroup))

    def select(self, tasks: Sequence[Task], subgroup: str = ALL) -> Sequence[Record]:
        """The records of a population."""
        return [
            one
            for one in self.records
            if one.case.task in tasks and (subgroup == ALL or subgroup in list_subgroups(one.case))
        ]

    def list_tasks(self, task: Task | None, *, sample: int | None) -> Sequence[Task]:
        """The tasks a gate is about: its own, or else all that were asked whole.

        Where none was asked whole, all that were asked.
        """
        if task is not None:
            return [task]
        present = {record.case.task for record in self.records}
        asked = [one for one in Task if one in present]
        whole = [one for one in asked if self.find_missing_cases([one], sample=sample) is None]
        return whole or asked

    def find_missing_cases(
        self,
        tasks: Sequence[Task],
        subgroup: str = ALL,
        *,
        sample: int | None,
        subject: str = "run",
    ) -> MissingCases | None:
        """Why a population is not whole, and no accepted sample either; None where it is."""
        for task in tasks:
            here = len(self.select([task], subgroup))
            gap = find_missing_cases(
                self.manifest, task, subgroup, here, sample=sample, subject=subject
            )
            if gap is not None:
                return gap
        return None

    def find_doubt(self, judge: str | None) -> str | None:
        """Why a judge's figures settle nothing: it was not shown fit on texts of known order."""
        if judge in (None, EXACT):
            return None
        audit = self.manifest["judge"].get("audit")
        if audit is not None and audit["passed"]:
            return None
        if audit is not None and audit.get("why"):
            return f"the judge {judge} could not be audited ({audit['why']})"
        return f"the judge {judge} did not put the audit's texts in order"
