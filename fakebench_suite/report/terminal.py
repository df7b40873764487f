"""The terminal summary: result, facts about the run, scores, changes and gates."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fakebench_suite.metrics.paper_tables import FOOTNOTE
from fakebench_suite.report.benchmark_rows import BENCHMARK_NOTE, NUMBERS
from fakebench_suite.report.headline import describe_result, list_meanings
from fakebench_suite.report.latency import latency_table
from fakebench_suite.report.markdown import (
    CHANGE_HEADER,
    CHANGE_NUMBERS,
    HEADER,
    list_change,
    list_rows,
    list_scores,
)
from fakebench_suite.report.paper_rows import TextTable, compare_with_paper
from fakebench_suite.report.robustness import ROBUSTNESS_NOTE, robustness_table
from fakebench_suite.report.run_facts import list_facts
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.run_result import RunResult
from fakebench_suite.text.display import UNLIMITED_WIDTH, to_single_line
from fakebench_suite.types import GateOutcome, GateResult, LatencyTiming, Score

_COLOURS = {
    GateOutcome.PASS: "green",
    GateOutcome.FAIL: "red",
    GateOutcome.INCONCLUSIVE: "yellow",
    GateOutcome.NOT_EVALUATED: "cyan",
}
METRICS_HINT = "what the metrics mean: at the end of summary.md"


def format_scores(scores: Sequence[Score], *, colour: bool) -> str:
    """The scores as aligned text, an empty line between tasks."""
    table = begin_table(HEADER, numbers=("value", "n"))
    before = None
    for row in list_rows(scores):
        if before not in (None, row[0]):
            table.add_row()
        # Names of subgroups come from data files: they are text, not markup.
        table.add_row(*(Text(cell) for cell in row))
        before = row[0]
    return print_table(table, colour=colour)


def format_published(manifest: Manifest, scores: Sequence[Score], *, colour: bool) -> str:
    """The published tables with the run's rows, and what limits them; empty without such a row."""
    texts = [
        f"{grid.title}, published rows and this run\n{_format_paper_table(grid, colour=colour)}"
        for grid in compare_with_paper(manifest, scores)
    ]
    return "".join([*texts, f"{FOOTNOTE}\n"]) if texts else ""


def _format_paper_table(grid: TextTable, *, colour: bool) -> str:
    """A published table as aligned text, its last row bold."""
    table = begin_table(grid.header, numbers=grid.header[1:])
    for row in grid.rows[:-1]:
        table.add_row(*map(Text, row))
    table.add_row(*(Text(to_single_line(cell), style="bold") for cell in grid.rows[-1]))
    return print_table(table, colour=colour)


def format_benchmark_table(grid: TextTable, *, colour: bool) -> str:
    """The scores under another benchmark's names as aligned text, and what differs."""
    table = begin_table(grid.header, numbers=NUMBERS)
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return print_table(table, colour=colour) + f"{BENCHMARK_NOTE}\n"


def format_timings(timings: Sequence[LatencyTiming], *, colour: bool) -> str:
    """The timings of ``--latency`` as aligned text; empty if there are none."""
    return _format_grids(latency_table(timings), colour=colour)


def format_robustness(scores: Sequence[Score], *, colour: bool) -> str:
    """The worst level of each family of perturbations as aligned text; empty without a ladder."""
    grids = _format_grids(robustness_table(scores), colour=colour)
    return f"{grids}{ROBUSTNESS_NOTE}\n" if grids else ""


def _format_grids(grids: Sequence[TextTable], *, colour: bool) -> str:
    """Tables as aligned text, numbers from the third column on."""
    texts = []
    for grid in grids:
        table = begin_table(grid.header, numbers=grid.header[2:])
        for row in grid.rows:
            table.add_row(*map(Text, row))
        texts.append(print_table(table, colour=colour))
    return "".join(texts)


def format_result(result: RunResult, *, colour: bool) -> str:
    """The result line, with its outcome in colour."""
    word = result.outcome.upper()
    text = Text(to_single_line(describe_result(result)))
    text.stylize(f"bold {_COLOURS[result.outcome]}", 0, len(word))
    return _print_lines([text], colour=colour)


def format_facts(manifest: Manifest, *, colour: bool) -> str:
    """Facts about the run, one line each."""
    facts = list_facts(manifest)
    width = max(len(name) for name, _ in facts)
    lines = [Text(f"{name:<{width}}  {to_single_line(text)}") for name, text in facts]
    return _print_lines(lines, colour=colour)


def format_changes(shifts: Sequence[MetricDelta], *, colour: bool) -> str:
    """The changes of metrics since another run as aligned text."""
    table = begin_table(CHANGE_HEADER, numbers=CHANGE_NUMBERS)
    for shift in shifts:
        table.add_row(*map(Text, list_change(shift)))
    return print_table(table, colour=colour)


def format_meanings(scores: Sequence[Score], *, colour: bool) -> str:
    """What the metrics of the printed scores mean."""
    table = begin_table(("metric", "meaning"), numbers=())
    for name, meaning in list_meanings([score.metric for score in list_scores(scores)]):
        table.add_row(name, Text(meaning))
    return print_table(table, colour=colour)


def format_gate_results(decisions: Sequence[GateResult], result: RunResult, *, colour: bool) -> str:
    """One line per evaluated gate: outcome, name and reason; then lines of the other gates.

    If no gate was evaluated, one line says why.
    """
    evaluated = [gate for gate in decisions if gate.outcome is not GateOutcome.NOT_EVALUATED]
    if not evaluated:
        line = Text(GateOutcome.NOT_EVALUATED, style=_COLOURS[GateOutcome.NOT_EVALUATED])
        return _print_lines([line + Text(f": {to_single_line(result.reason)}")], colour=colour)
    width = max(map(len, GateOutcome))
    lines = []
    for gate in evaluated:
        outcome = Text(f"{gate.outcome:<{width}}", style=_COLOURS[gate.outcome])
        lines.append(
            outcome + Text(f"  {to_single_line(gate.gate)}: {to_single_line(gate.reason)}")
        )
    others: dict[str, list[str]] = {}
    for gate in decisions:
        if gate.outcome is GateOutcome.NOT_EVALUATED:
            others.setdefault(gate.reason, []).append(to_single_line(gate.gate))
    for reason, gates in others.items():
        outcome = Text(
            f"{GateOutcome.NOT_EVALUATED:<{width}}", style=_COLOURS[GateOutcome.NOT_EVALUATED]
        )
        lines.append(outcome + Text(f"  {', '.join(gates)}: {to_single_line(reason)}"))
    return _print_lines(lines, colour=colour)


def _print_lines(lines: Sequence[Text], *, colour: bool) -> str:
    console = _open_console(colour=colour)
    with console.capture() as capture:
        for line in lines:
            console.print(line, soft_wrap=True)
    return capture.get()


def begin_table(header: Sequence[str], *, numbers: Sequence[str]) -> Table:
    """A table without rows and borders; the columns in ``numbers`` are right-aligned."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=True)
    return table


def print_table(table: Table, *, colour: bool) -> str:
    """The table as text without trailing spaces."""
    console = _open_console(colour=colour)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _open_console(*, colour: bool) -> Console:
    return Console(
        width=UNLIMITED_WIDTH, force_terminal=colour, no_color=not colour, highlight=False
    )
