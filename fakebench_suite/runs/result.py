"""What a run comes to, as ``gates.json`` has it."""

from dataclasses import dataclass

from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.types import GateOutcome, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesUsed:
    """The rules, by the name of their file; ``None`` where there was none."""

    file: str | None
    named: bool
    digest: str
    count: int
    evaluated: int
    """Those that came to a ruling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """The data behind the line."""

    outcome: GateOutcome
    reason: str
    """Of the ruling; without a full stop."""
    gates: GatesUsed
    headline: Score | None
    """Balanced accuracy, or else the accuracy of the first task that has one."""
    change: MetricDelta | None
    """What became of the headline's task since the baseline."""
    baseline: str | None
    partial: str
    """Why the run is partial; an empty text where it is not."""
