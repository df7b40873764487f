"""The end of a session: scores, summary, exit status, and the table in the terminal."""

import time
from typing import TYPE_CHECKING

import pytest

from fakebench_suite.display import flatten
from fakebench_suite.plugin.collection import get_plan
from fakebench_suite.plugin.engines import ENGINE, RAY, describe_engine
from fakebench_suite.plugin.judging import audit_run
from fakebench_suite.plugin.manifest import count_workers, end_manifest
from fakebench_suite.plugin.options import SETTINGS, is_worker
from fakebench_suite.plugin.recording import MISS_CATEGORIES, RECORDER, Recorder
from fakebench_suite.plugin.routes import list_routes
from fakebench_suite.plugin.timing import list_timings
from fakebench_suite.report.store import read_records

if TYPE_CHECKING:
    from fakebench_suite.runs.closing import ClosedRun

_STARTED = pytest.StashKey[float]()
_CLOSED = pytest.StashKey["ClosedRun"]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the clock."""
    session.config.stash[_STARTED] = time.monotonic()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Score the run, and let the gates decide the exit status: a miss alone never does.

    The status stays pytest's own when anything but a miss failed; and a case that was left unasked
    is a failure, for a run that lost all its workers knows of none.
    """
    config = session.config
    if is_worker(config):
        return
    recorder = config.stash[RECORDER]
    if recorder.store is not None:
        config.stash[_CLOSED] = finish_run(recorder, config)
    if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or recorder.failures:
        return
    if _count_unasked(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return
    closed = config.stash.get(_CLOSED, None)
    if closed is None:
        return
    from fakebench_suite.gates.status import decide_status

    status = decide_status(closed.decisions)
    strict = config.stash[SETTINGS].strict and exitstatus == pytest.ExitCode.TESTS_FAILED
    session.exitstatus = pytest.ExitCode.TESTS_FAILED if strict else status


def _count_unasked(config: pytest.Config) -> int:
    """Tests of cases that never came to their end, where they were to be run at all."""
    if config.option.collectonly or config.option.setuponly:
        return 0
    return max(0, config.stash[RECORDER].left)


def finish_run(recorder: Recorder, config: pytest.Config) -> "ClosedRun":
    """Complete the manifest and close the run directory."""
    from fakebench_suite.report.pictures import DatasetImages, Pictures

    store, plan = recorder.store, get_plan(config)
    assert store is not None
    store.close()
    records = list(read_records(store.folder))
    manifest = end_manifest(
        recorder.manifest,
        offered=len(plan.cases),
        selected=recorder.selected,
        recorded=len(records),
        errors=sum(record.verdict.outcome.is_error for record in records),
        seconds=time.monotonic() - config.stash[_STARTED],
    ) | {
        "workers": count_workers(config),
        "engine": describe_engine(config),
        "routes": list_routes(config),
    }
    timings = list_timings(config)
    if timings:
        store.write_timings(timings)
    audit = audit_run(plan.settings)
    if audit is not None:
        manifest["judge"]["audit"] = audit
    names = sorted({record.case.image for record in records})
    with Pictures(store.folder, names, DatasetImages(plan.dataset)) as pictures:
        # Imported while threads make the pictures: it brings scipy.
        from fakebench_suite.runs.closing import close_run

        return close_run(
            store,
            manifest,
            records,
            gates=plan.settings.gates,
            baseline=plan.settings.baseline,
            dataset=plan.dataset,
            pictures=pictures,
        )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the reservations, the tables, what the gates ruled, and where everything is."""
    closed = config.stash.get(_CLOSED, None)
    if unasked := _count_unasked(config):
        cases = "case was" if unasked == 1 else "cases were"
        terminalreporter.section("FakeBench cases left unasked", red=True)
        terminalreporter.line(f"{unasked} {cases} left unasked. Run again.")
    if closed is None:
        return
    from fakebench_suite.report.comparison import lay_beside
    from fakebench_suite.report.engines import tell_engine
    from fakebench_suite.report.markdown import describe_run
    from fakebench_suite.report.terminal import draw_decisions, draw_grid, draw_scores

    if config.option.verbose > 0 or "m" in config.option.reportchars:
        show_misses(terminalreporter)
    terminalreporter.section("FakeBench scores")
    for line in describe_run(closed.manifest):
        terminalreporter.line(line)
    colour = config.get_terminal_writer().hasmarkup
    terminalreporter.write(draw_scores(closed.scores, colour=colour))
    for grid in lay_beside(closed.manifest, closed.scores):
        terminalreporter.line(f"{grid.title}, published rows and this run")
        terminalreporter.write(draw_grid(grid, colour=colour))
    if closed.decisions:
        terminalreporter.section("gates")
        terminalreporter.write(draw_decisions(closed.decisions, colour=colour))
    if closed.manifest["shard"] is not None:
        terminalreporter.line(
            f"This is shard {closed.manifest['shard']}: gates rule over the merged run "
            "(python -m fakebench_suite merge)."
        )
    if config.stash[ENGINE].name == RAY:
        terminalreporter.line(f"engine: {tell_engine(closed.manifest['engine'])}")
    for note in closed.notes:
        terminalreporter.line(note)
    terminalreporter.line(f"records and scores: {flatten(str(closed.folder))}")
    terminalreporter.line(f"report: {flatten(str(closed.report))}")


def show_misses(terminalreporter: pytest.TerminalReporter) -> None:
    """The card of every miss: asked, expected, said, why."""
    missed = [r for kind in MISS_CATEGORIES for r in terminalreporter.stats.get(kind, [])]
    if missed:
        terminalreporter.section("misses")
    for report in missed:
        terminalreporter.line(str(report.longrepr))
