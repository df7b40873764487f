"""Tables for a terminal: scores, published rows beside a run's, and what the gates ruled."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fakebench_suite.display import flatten
from fakebench_suite.report.comparison import Grid
from fakebench_suite.report.latency import lay_out
from fakebench_suite.report.markdown import HEADER, list_rows
from fakebench_suite.types import Decision, Ruling, Score, Timing

_WIDE = 200
"""Columns are as wide as their text: a cut-off figure is worse than a wrapped line."""
_COLOURS = {Ruling.PASS: "green", Ruling.FAIL: "red", Ruling.INCONCLUSIVE: "yellow"}


def draw_scores(scores: Sequence[Score], *, colour: bool) -> str:
    """The scores as aligned text, an empty line between tasks."""
    table = begin_table(HEADER, numbers=("value", "n"))
    before = None
    for row in list_rows(scores):
        if before not in (None, row[0]):
            table.add_row()
        # Slice names come from data files: they are text, never markup.
        table.add_row(*(Text(cell) for cell in row))
        before = row[0]
    return print_table(table, colour=colour)


def draw_grid(grid: Grid, *, colour: bool) -> str:
    """A published table as aligned text, the run's row last and bold."""
    table = begin_table(grid.header, numbers=grid.header[1:])
    for row in grid.rows[:-1]:
        table.add_row(*map(Text, row))
    table.add_row(*(Text(flatten(cell), style="bold") for cell in grid.rows[-1]))
    return print_table(table, colour=colour)


def draw_timings(timings: Sequence[Timing], *, colour: bool) -> str:
    """What ``--latency`` measured as aligned text; nothing where nothing was."""
    texts = []
    for grid in lay_out(timings):
        table = begin_table(grid.header, numbers=grid.header[2:])
        for row in grid.rows:
            table.add_row(*map(Text, row))
        texts.append(print_table(table, colour=colour))
    return "".join(texts)


def draw_decisions(decisions: Iterable[Decision], *, colour: bool) -> str:
    """One line a gate: its ruling, its name and the reason."""
    console = _open(colour=colour)
    width = max(map(len, Ruling))
    with console.capture() as capture:
        for one in decisions:
            ruling = Text(f"{one.ruling:<{width}}", style=_COLOURS[one.ruling])
            reason = Text(f"  {flatten(one.gate)}: {flatten(one.reason)}")
            console.print(ruling + reason, soft_wrap=True)
    return capture.get()


def begin_table(header: Sequence[str], *, numbers: Sequence[str]) -> Table:
    """A table without rows or rules; the columns in ``numbers`` are set to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=True)
    return table


def print_table(table: Table, *, colour: bool) -> str:
    """The table as text without spaces at the ends of lines."""
    console = _open(colour=colour)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _open(*, colour: bool) -> Console:
    return Console(width=_WIDE, force_terminal=colour, no_color=not colour, highlight=False)
