"""Merged and compared runs as text for a terminal."""

from collections.abc import Iterator

from fakebench_suite.report.markdown import describe_run
from fakebench_suite.report.paper_rows import compare_with_paper
from fakebench_suite.report.terminal import (
    METRICS_HINT,
    format_changes,
    format_facts,
    format_gate_results,
    format_grid,
    format_result,
    format_scores,
    format_timings,
)
from fakebench_suite.runs.case_changes import ChangeKind
from fakebench_suite.text.display import to_single_line
from fakebench_suite.workflows.compare import Comparison
from fakebench_suite.workflows.finalize import FinalizedRun


def format_merged_run(closed: FinalizedRun, *, colour: bool) -> Iterator[str]:
    """Verdict, reservations, scores, published rows, rulings and places, piece by piece."""
    yield format_result(closed.result, colour=colour)
    yield from describe_run(closed.manifest)
    yield format_facts(closed.manifest, colour=colour)
    yield format_scores(closed.scores, colour=colour)
    if closed.shifts:
        yield f"changes since {to_single_line(str(closed.result.baseline))}"
        yield format_changes(closed.shifts, colour=colour)
    for grid in compare_with_paper(closed.manifest, closed.scores):
        yield f"{grid.title}, published rows and this run"
        yield format_grid(grid, colour=colour)
    if closed.timings:
        yield format_timings(closed.timings, colour=colour)
    yield format_gate_results(closed.decisions, closed.result, colour=colour)
    if closed.manifest["dataset"]["kind"] == "official" and "submission" not in closed.manifest:
        yield "no submission was written: it needs the order of the query files (--data)"
    yield from closed.notes
    yield METRICS_HINT
    yield f"records and scores: {closed.folder}"
    yield f"report: {closed.report}"


def format_comparison(found: Comparison, *, items: int, colour: bool) -> Iterator[str]:
    """What differs in the making, the figures side by side, and up to ``items`` turned cases."""
    before, after = map(to_single_line, found.names)
    yield f"before: {before}\nafter:  {after}"
    yield f"they differ in {', '.join(map(to_single_line, found.settings)) or 'no setting'}"
    yield from found.unknown
    yield "\n" + format_changes(found.shifts, colour=colour)
    for kind in (ChangeKind.BROKEN, ChangeKind.FIXED):
        names = found.turned[kind]
        yield f"{len(names):,} {kind}"
        yield from (f"  {to_single_line(name)}" for name in names[:items])
        if 0 < items < len(names):
            yield f"  and {len(names) - items:,} more: write the report with --baseline"
    yield (
        f"{len(found.turned[ChangeKind.CHANGED]):,} say something else and pass as much as before; "
        f"{len(found.turned[ChangeKind.SAME]):,} are the same"
    )
    for count, side in ((found.dropped, "before"), (found.turned[ChangeKind.NEW], "after")):
        if count:
            yield f"{len(count):,} were asked {side} only, and are in no figure above"
