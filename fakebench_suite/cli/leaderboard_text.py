"""Format several runs as one table for a terminal."""

from collections.abc import Iterator

from rich.text import Text

from fakebench_suite.metrics.intervals import Estimate
from fakebench_suite.report.headline import list_meanings
from fakebench_suite.report.terminal import begin_table, print_table
from fakebench_suite.text.display import count_of, to_single_line
from fakebench_suite.workflows.leaderboard import METRICS, Leaderboard

_HEADINGS = ("balanced accuracy", "AUROC", "AP", "EER", "ECE")
"""Short names of the metrics, in their order."""
_HEADER = ("run", "model", "backend", "read by", *_HEADINGS)


def format_leaderboard(leaderboard: Leaderboard, *, colour: bool) -> Iterator[str]:
    """The title, the table, what limits each row, and what the columns mean."""
    left = leaderboard.left_out
    beside = f"; {left:,} that some have no answer to are left out" if left else ""
    yield (
        f"detection on {to_single_line(leaderboard.data)}, "
        f"{count_of(leaderboard.cases, 'case')} that all runs answered{beside}"
    )
    yield from leaderboard.reservations
    table = begin_table(_HEADER, numbers=_HEADINGS)
    for row in leaderboard.rows:
        cells = (row.run, row.model, row.backend, row.reply)
        scores = (_format_score(row.scores.get(name)) for name in METRICS)
        table.add_row(*(Text(to_single_line(cell)) for cell in cells), *scores)
    yield f"\n{print_table(table, colour=colour)}"
    for row in leaderboard.rows:
        yield from (f"{to_single_line(row.run)}: {to_single_line(note)}" for note in row.notes)
    if any(len(row.scores) < len(METRICS) for row in leaderboard.rows):
        yield "A run without P(fake) has no AUROC, AP, EER and ECE; --reading=likelihood gives it."
    meanings = dict(list_meanings(METRICS))
    for heading, metric in zip(_HEADINGS, METRICS, strict=True):
        yield f"{heading}: {meanings[metric]}"


def _format_score(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:z.3f}"
    return f"{estimate.value:z.3f} [{estimate.low:z.3f}, {estimate.high:z.3f}]"
