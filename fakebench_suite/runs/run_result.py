"""The result of a run, as ``gates.json`` has it."""

from dataclasses import dataclass

from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.types import GateOutcome, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesUsed:
    """The gates of a run; ``file`` is None if there is no gate file."""

    file: str | None
    named: bool
    digest: str
    count: int
    evaluated: int
    """Gates that were evaluated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Outcome, headline and change of a run."""

    outcome: GateOutcome
    reason: str
    """Reason of the outcome, without a full stop."""
    gates: GatesUsed
    headline: Score | None
    """Of the first task that has one: the strength of graded probes that is detected, the balanced
    accuracy, the accuracy, or a score of claims."""
    change: MetricDelta | None
    """The change of the headline's task since the baseline."""
    baseline: str | None
    partial: str
    """Why the run is partial; empty if it is not."""
