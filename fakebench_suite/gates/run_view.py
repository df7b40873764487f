"""The view of a run that gates are evaluated on, and whether their populations are complete."""

from collections.abc import Sequence
from dataclasses import dataclass

from fakebench_suite.runs.completeness import PartialReason, missing_cases
from fakebench_suite.runs.coverage import lacks_score
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.tasks.subgroups import ALL, list_subgroups
from fakebench_suite.types import LatencyTiming, Record, Score

EXACT = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """The data of one run that gates are evaluated on."""

    manifest: Manifest
    records: Sequence[Record]
    scores: Sequence[Score] = ()
    timings: Sequence[LatencyTiming] = ()

    def count_errors(self, tasks: Sequence[str], subgroup: str = ALL) -> int:
        """Cases of a population that ended in an error."""
        return sum(record.verdict.outcome.is_error for record in self.select(tasks, subgroup))

    def count_unscored(self, tasks: Sequence[str], subgroup: str = ALL) -> int:
        """Cases of a population with a label that could not be scored."""
        return sum(map(lacks_score, self.select(tasks, subgroup)))

    def count_borrowed(self, tasks: Sequence[str]) -> int:
        """Answers of some tasks that another run was given, and whose seconds are those of then."""
        return sum(
            record.answer is not None and (record.reused or self.manifest.answers is not None)
            for record in self.select(tasks)
        )

    def select(self, tasks: Sequence[str], subgroup: str = ALL) -> Sequence[Record]:
        """The records of a population."""
        return [
            record
            for record in self.records
            if record.case.task in tasks
            and (subgroup == ALL or subgroup in list_subgroups(record.case))
        ]

    def list_tasks(self, task: str | None, *, sample: int | None) -> Sequence[str]:
        """The tasks of a gate: its own; else all complete tasks; else all tasks that were asked."""
        if task is not None:
            return [task]
        present = {record.case.task for record in self.records}
        asked = [candidate for candidate in list_tasks() if candidate in present]
        complete = [
            candidate
            for candidate in asked
            if self.missing_cases([candidate], sample=sample) is None
        ]
        return complete or asked

    def missing_cases(
        self,
        tasks: Sequence[str],
        subgroup: str = ALL,
        *,
        sample: int | None,
        subject: str = "run",
    ) -> PartialReason | None:
        """Why a population is incomplete and no accepted sample; None if it is complete."""
        for task in tasks:
            here = len(self.select([task], subgroup))
            missing = missing_cases(
                self.manifest, task, subgroup, here, sample=sample, subject=subject
            )
            if missing is not None:
                return missing
        return None

    def untrusted_judge_reason(self, judge: str | None) -> str | None:
        """Why scores of a judge that did not pass its calibration cannot be gated, or None."""
        if judge in (None, EXACT):
            return None
        calibration = self.manifest.judge.calibration
        if calibration is not None and calibration.passed:
            return None
        if calibration is not None and calibration.reason:
            return f"the judge {judge} could not be calibrated ({calibration.reason})"
        return f"the judge {judge} failed its calibration"
