"""The change of a metric between two runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDelta:
    """One metric in two runs, on its own scale, over the ``n`` cases of both."""

    task: str
    metric: str
    before: float
    after: float
    change: float
    """``after - before``."""
    low: float
    high: float
    """The 95 % interval of the change, a paired bootstrap over images."""
    p: float | None
    """Two-sided exact McNemar by image; None for other scores than accuracy."""
    n: int
