"""What became of one figure between two runs."""

from dataclasses import dataclass

from fakebench_suite.types import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDelta:
    """One figure in two runs, over the ``n`` cases that both have it for (0 to 1)."""

    task: Task
    metric: str
    before: float
    after: float
    change: float
    """``after - before``."""
    low: float
    high: float
    """The 95 % interval of the change, a paired bootstrap over images."""
    p: float | None
    """Two-sided exact McNemar by image; None for marks."""
    n: int
