"""The table of latencies for terminal, summary and page."""

from collections.abc import Sequence
from statistics import median

from fakebench_suite.report.paper_rows import TextTable
from fakebench_suite.types import LatencyTiming

HEADER = ("latency", "state", "median s", "from", "to", "s per prompt", "tokens/s", "rounds")


def latency_table(timings: Sequence[LatencyTiming]) -> Sequence[TextTable]:
    """One table with the median, fastest and slowest round; none without timings."""
    rows = [_timing_row(timing) for timing in timings]
    return [TextTable(title="Latency", header=HEADER, rows=rows)] if rows else []


def _timing_row(timing: LatencyTiming) -> Sequence[str]:
    median_seconds = median(timing.seconds)
    name = f"{timing.name} ({timing.prompts} prompts)" if timing.prompts > 1 else timing.name
    ends = (median_seconds, min(timing.seconds), max(timing.seconds))
    return (
        name,
        timing.state,
        *(f"{seconds:.4g}" for seconds in ends),
        f"{median_seconds / timing.prompts:.4g}" if timing.prompts else "",
        f"{timing.tokens / median_seconds:,.1f}" if timing.tokens else "",
        str(len(timing.seconds)),
    )
