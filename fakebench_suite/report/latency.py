"""What ``--latency`` measured as a table: one definition for terminal, summary and page."""

from collections.abc import Sequence
from statistics import median

from fakebench_suite.report.paper_rows import TextTable
from fakebench_suite.types import Timing

HEADER = ("latency", "state", "median s", "from", "to", "s per prompt", "tokens/s", "rounds")


def latency_table(timings: Sequence[Timing]) -> Sequence[TextTable]:
    """One table of medians with the fastest and the slowest round; none without timings."""
    rows = [_lay_row(timing) for timing in timings]
    return [TextTable(title="Latency", header=HEADER, rows=rows)] if rows else []


def _lay_row(timing: Timing) -> Sequence[str]:
    middle = median(timing.seconds)
    name = f"{timing.name} ({timing.prompts} prompts)" if timing.prompts > 1 else timing.name
    ends = (middle, min(timing.seconds), max(timing.seconds))
    return (
        name,
        timing.state,
        *(f"{seconds:.4g}" for seconds in ends),
        f"{middle / timing.prompts:.4g}" if timing.prompts else "",
        f"{timing.tokens / middle:,.1f}" if timing.tokens else "",
        str(len(timing.seconds)),
    )
