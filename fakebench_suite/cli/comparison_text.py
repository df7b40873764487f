"""Format merged and compared runs for a terminal."""

from collections.abc import Iterator

from fakebench_suite.report.benchmark_rows import list_benchmark_tables
from fakebench_suite.report.markdown import describe_run
from fakebench_suite.report.terminal import (
    METRICS_HINT,
    format_benchmark_table,
    format_changes,
    format_facts,
    format_gate_results,
    format_published,
    format_result,
    format_robustness,
    format_scores,
    format_timings,
)
from fakebench_suite.runs.case_changes import ChangeKind
from fakebench_suite.text.display import to_single_line
from fakebench_suite.workflows.compare import Comparison
from fakebench_suite.workflows.finalize import FinalizedRun


def format_merged_run(run: FinalizedRun, *, colour: bool) -> Iterator[str]:
    """Result, reservations, scores, published rows, gates and paths, one text each."""
    yield format_result(run.result, colour=colour)
    yield from describe_run(run.manifest)
    yield format_facts(run.manifest, colour=colour)
    yield format_scores(run.scores, colour=colour)
    if robustness := format_robustness(run.scores, colour=colour):
        yield f"robustness, by family of perturbations\n{robustness}"
    if run.shifts:
        yield f"changes since {to_single_line(str(run.result.baseline))}"
        yield format_changes(run.shifts, colour=colour)
    for grid in list_benchmark_tables(run.manifest, run.scores):
        yield grid.title
        yield format_benchmark_table(grid, colour=colour)
    if published := format_published(run.manifest, run.scores, colour=colour):
        yield published
    if run.timings:
        yield format_timings(run.timings, colour=colour)
    yield format_gate_results(run.decisions, run.result, colour=colour)
    if run.manifest.dataset.kind == "official" and run.manifest.submission is None:
        yield "no submission was written: it needs the order of the query files (--data)"
    yield from run.notes
    yield METRICS_HINT
    yield f"records and scores: {run.folder}"
    yield f"report: {run.report}"


def format_comparison(comparison: Comparison, *, items: int, colour: bool) -> Iterator[str]:
    """Differing settings, changes of metrics, and up to ``items`` changed cases of each kind."""
    before, after = map(to_single_line, comparison.names)
    yield f"before: {before}\nafter:  {after}"
    yield f"differing settings: {', '.join(map(to_single_line, comparison.settings)) or 'none'}"
    yield from comparison.unknown
    yield "\n" + format_changes(comparison.shifts, colour=colour)
    for kind in (ChangeKind.BROKEN, ChangeKind.FIXED):
        names = comparison.changed[kind]
        yield f"{len(names):,} {kind}"
        yield from (f"  {to_single_line(name)}" for name in names[:items])
        if 0 < items < len(names):
            yield f"  and {len(names) - items:,} more: write the report with --baseline"
    yield (
        f"{len(comparison.changed[ChangeKind.CHANGED]):,} changed in another way; "
        f"{len(comparison.changed[ChangeKind.SAME]):,} unchanged"
    )
    for count, side in (
        (comparison.missing, "before"),
        (comparison.changed[ChangeKind.NEW], "after"),
    ):
        if count:
            yield f"{len(count):,} were asked {side} only and are not compared"
