"""The end of a session: scores, summary, exit status, and the table in the terminal."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fakebench_suite.errors import UserError
from fakebench_suite.plugin.collection import get_plan
from fakebench_suite.plugin.gating import DECISIONS, decide_status, rule, show_decisions
from fakebench_suite.plugin.judging import audit_run
from fakebench_suite.plugin.manifest import count_workers, end_manifest
from fakebench_suite.plugin.options import SETTINGS, is_worker
from fakebench_suite.plugin.recording import MISS_CATEGORIES, RECORDER, Recorder
from fakebench_suite.plugin.routes import list_routes
from fakebench_suite.report.badge import make_badge
from fakebench_suite.report.comparison import Grid, lay_beside
from fakebench_suite.report.markdown import (
    HEADER,
    describe_run,
    flatten,
    list_rows,
    write_markdown,
)
from fakebench_suite.report.store import read_records
from fakebench_suite.report.submission import write_submission
from fakebench_suite.types import Score

_STARTED = pytest.StashKey[float]()
_SCORES = pytest.StashKey[list[Score]]()
_REPORT = pytest.StashKey[str]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the clock."""
    session.config.stash[_STARTED] = time.monotonic()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Score the run, and let the gates decide the exit status: a miss alone never does.

    The status stays pytest's own when anything but a miss failed, or a case was left unasked.
    """
    config = session.config
    if is_worker(config) or config.stash[RECORDER].store is None:
        return
    recorder = config.stash[RECORDER]
    finish_run(recorder, config)
    complete = len(recorder.recorded) >= recorder.selected
    ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if not ended or recorder.failures or not complete:
        return
    decisions = config.stash[DECISIONS]
    status = decide_status(decisions)
    strict = config.stash[SETTINGS].strict and exitstatus == pytest.ExitCode.TESTS_FAILED
    session.exitstatus = pytest.ExitCode.TESTS_FAILED if strict else status


def finish_run(recorder: Recorder, config: pytest.Config) -> None:
    """Write scores, summary and the final manifest into the run directory."""
    from fakebench_suite.judges.encoder import SentenceEncoder
    from fakebench_suite.metrics.scores import score_records
    from fakebench_suite.metrics.text import describe_metrics, score_answers
    from fakebench_suite.report.browser import DatasetImages, write_browser

    store = recorder.store
    assert store is not None
    store.close()
    records = list(read_records(store.folder))
    encoder = SentenceEncoder()
    texts = score_answers(records, encoder)
    scores = score_records(records, texts)
    config.stash[_SCORES] = scores
    recorder.manifest = end_manifest(
        recorder.manifest,
        planned=len(get_plan(config).cases),
        selected=recorder.selected,
        recorded=len(records),
        errors=sum(record.verdict.outcome.is_error for record in records),
        seconds=time.monotonic() - config.stash[_STARTED],
    ) | {"workers": count_workers(config), "routes": list_routes(config)}
    audit = audit_run(get_plan(config).settings)
    if audit is not None:
        recorder.manifest["judge"]["audit"] = audit
    if texts:
        recorder.manifest["text_metrics"] = describe_metrics(encoder)
        store.write_texts(texts)
    store.write_scores(scores)
    decisions = rule(config, recorder.manifest, records, scores)
    store.write_rulings(decisions)
    summary = write_markdown(recorder.manifest, scores, decisions)
    store.write_summary(summary)
    dataset = get_plan(config).dataset
    if dataset.kind == "official":
        missing = write_submission(store.folder, dataset.cases, records)
        recorder.manifest["submission"] = {"missing": len(missing)}
    store.write_manifest(recorder.manifest)
    store.write_badge(make_badge(recorder.manifest, scores, decisions))
    append_step_summary(summary)
    settings = config.stash[SETTINGS]
    try:
        page = write_browser(
            store.folder, images=DatasetImages(dataset), baseline=settings.baseline
        )
        config.stash[_REPORT] = str(page)
    except UserError as error:  # the run itself is whole, and its report can be written again
        config.stash[_REPORT] = str(error)


def append_step_summary(summary: str) -> None:
    """Add the summary to the page of a GitHub Actions job, where this is one."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8") as stream:
            stream.write(summary)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the reservations, the table, and where everything is."""
    scores = config.stash.get(_SCORES, None)
    if scores is None:
        return
    recorder = config.stash[RECORDER]
    assert recorder.store is not None
    if config.option.verbose > 0 or "m" in config.option.reportchars:
        show_misses(terminalreporter)
    terminalreporter.section("FakeBench scores")
    for line in describe_run(recorder.manifest):
        terminalreporter.line(line)
    colour = config.get_terminal_writer().hasmarkup
    terminalreporter.write(draw_scores(scores, colour=colour))
    for grid in lay_beside(recorder.manifest, scores):
        terminalreporter.line(f"{grid.title}, published rows and this run")
        terminalreporter.write(draw_grid(grid, colour=colour))
    show_decisions(terminalreporter, config)
    terminalreporter.line(f"records and scores: {recorder.store.folder}")
    terminalreporter.line(f"report: {config.stash[_REPORT]}")


def show_misses(terminalreporter: pytest.TerminalReporter) -> None:
    """The card of every miss: asked, expected, said, why."""
    missed = [r for kind in MISS_CATEGORIES for r in terminalreporter.stats.get(kind, [])]
    if missed:
        terminalreporter.section("misses")
    for report in missed:
        terminalreporter.line(str(report.longrepr))


def draw_scores(scores: list[Score], *, colour: bool) -> str:
    """The scores as aligned text, an empty line between tasks."""
    table = _begin_table(HEADER, numbers=("value", "n"))
    before = None
    for row in list_rows(scores):
        if before not in (None, row[0]):
            table.add_row()
        # Slice names come from data files: they are text, never markup.
        table.add_row(*(Text(cell) for cell in row))
        before = row[0]
    return _print_table(table, colour=colour)


def draw_grid(grid: Grid, *, colour: bool) -> str:
    """A published table as aligned text, the run's row last and bold."""
    table = _begin_table(grid.header, numbers=grid.header[1:])
    for row in grid.rows[:-1]:
        table.add_row(*map(Text, row))
    table.add_row(*(Text(flatten(cell), style="bold") for cell in grid.rows[-1]))
    return _print_table(table, colour=colour)


def _begin_table(header: Sequence[str], *, numbers: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=True)
    return table


def _print_table(table: Table, *, colour: bool) -> str:
    console = Console(width=_WIDE, force_terminal=colour, no_color=not colour)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


_WIDE = 200
"""Columns are as wide as their text: a cut-off figure is worse than a wrapped line."""
