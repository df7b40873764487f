"""The end of a session: scores, summary, exit status, and the table in the terminal."""

import shlex
import time
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from fakebench_suite.backends.base import Capability
from fakebench_suite.errors import UserError
from fakebench_suite.execution.known_answers import check_selected, check_unchanged
from fakebench_suite.execution.manifest_builder import end_manifest
from fakebench_suite.execution.reusable_answers import count_reuse
from fakebench_suite.extras import Extra, has_extra
from fakebench_suite.gates.preconditions import RunIntent, check_gates
from fakebench_suite.gates.status import INCONCLUSIVE, gates_exit_status
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.metrics.names import Need
from fakebench_suite.plugin.collection import get_plan, will_run_cases
from fakebench_suite.plugin.engines import ENGINE, LOCAL, describe_engine
from fakebench_suite.plugin.judging import calibrate_run_judge, find_given_up
from fakebench_suite.plugin.latency.fixtures import list_timings
from fakebench_suite.plugin.latency.hooks import measures_latency
from fakebench_suite.plugin.options import SETTINGS, count_workers, is_worker
from fakebench_suite.plugin.reporting import (
    MACHINE_TROUBLE,
    MISS_CATEGORIES,
    RECORDER,
    Recorder,
    failed_itself,
    get_outcome,
)
from fakebench_suite.plugin.xdist.inference_info import list_inference
from fakebench_suite.provenance import InferenceInfo
from fakebench_suite.runs.last import point_last
from fakebench_suite.runs.manifest import Manifest, RunStatus
from fakebench_suite.runs.store import read_manifest, read_records
from fakebench_suite.tasks.subgroups import count_cases
from fakebench_suite.text.display import count_of, to_single_line
from fakebench_suite.types import Outcome

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from fakebench_suite.workflows.finalize import FinalizedRun

_STARTED = pytest.StashKey[float]()
_CLOSED = pytest.StashKey["FinalizedRun"]()


def find_closed(config: pytest.Config) -> "FinalizedRun | None":
    """The run, once it has been closed; None where no case was recorded."""
    return config.stash.get(_CLOSED, None)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the clock."""
    session.config.stash[_STARTED] = time.monotonic()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what was made of the data, and which gates will be evaluated, or that none will."""
    if not will_run_cases(config) or is_worker(config):
        return []
    plan = get_plan(config)
    note = plan.dataset.note
    lines = [f"data: {to_single_line(note)}"] if note else []
    if Capability.TEXT not in plan.capabilities:
        lines.append(
            f"model: {to_single_line(plan.card.name)} gives P(fake) and writes no text, so replies "
            "are read as by --reading=likelihood"
        )
    gates = config.stash[SETTINGS].gates
    if not gates.rules:
        return [*lines, f"gates: none, so none will be evaluated ({gates.absent})"]
    return [*lines, f"gates: {gates.file} ({len(gates.rules)})"]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Before the first case: raise UsageError where a gate lacks what it needs."""
    if session.items and not is_worker(session.config):
        check_intent(session.config)


@pytest.hookimpl(optionalhook=True, trylast=True)
def pytest_xdist_node_collection_finished(node: "WorkerController") -> None:
    """The same where cases run in workers."""
    check_intent(node.config)


def check_intent(config: pytest.Config) -> None:
    """Raise UsageError where a gate lacks what it needs, or a resumed run some of its cases."""
    recorder = config.stash[RECORDER]
    if not has_cases_to_run(config):
        return
    plan = get_plan(config)
    settings = config.stash[SETTINGS]
    judge = settings.judge
    met = {Need.ENCODER} if has_extra(Extra.SIMILARITY) else set()
    if plan.request.reply_parser is ReplyParserKind.LIKELIHOOD:
        met.add(Need.LIKELIHOOD)
    if judge is not None:
        met.add(Need.RATINGS if judge.gives_ratings else Need.SIMILARITY)
    population = count_cases(plan.dataset.cases)
    sampled = len(plan.drawn) < len(plan.dataset.cases)
    intent = RunIntent(
        data=plan.dataset.name,
        population=population,
        drawn=count_cases(plan.drawn) if sampled else population,
        sample=settings.sample,
        selected=recorder.selected_tasks,
        baseline=settings.baseline is not None,
        timed=measures_latency(config),
        met=met,
        shard=settings.shard is not None,
        model=plan.card.name,
        deselected=plan.deselected,
        capabilities=plan.capabilities,
        cases=plan.dataset.cases,
    )
    try:
        asked = {case.id: case for case in recorder.cases.values()}
        check_selected(settings.folder, plan.known, asked)
        check_unchanged(settings.folder, plan.known, asked)
        check_gates(settings.gates, intent)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None]:
    """Score the run, and let the gates decide the exit status: a miss alone never does.

    The status stays pytest's own when anything but a miss failed; and a case that did not run
    is a failure, for a run that lost all its workers knows of none. What this machine could not do
    has a status of its own, and Ctrl-C, here too, that of an interrupted run.
    """
    config = session.config
    try:
        yield  # A model is unloaded and workers are told to end, which takes time.
    except KeyboardInterrupt:
        exitstatus = session.exitstatus = pytest.ExitCode.INTERRUPTED
    if is_worker(config):
        return
    if exitstatus == pytest.ExitCode.USAGE_ERROR:
        config.stash[RECORDER].put_back()
        return
    audits = exitstatus != pytest.ExitCode.INTERRUPTED
    try:
        close_session(config, audits=audits, hurried=config.stash[RECORDER].broken)
    except KeyboardInterrupt:
        exitstatus = session.exitstatus = pytest.ExitCode.INTERRUPTED
        close_session(config, audits=False, hurried=True)
    session.exitstatus = choose_status(config, exitstatus)


def close_session(config: pytest.Config, *, audits: bool, hurried: bool) -> None:
    """Close the run, if any case was recorded; ``hurried``, without new thumbnails."""
    recorder = config.stash[RECORDER]
    if recorder.store is None or recorder.manifest is None:
        return
    recorder.store.troubles = []
    try:
        config.stash[_CLOSED] = finish_run(recorder, config, audits=audits, hurried=hurried)
    except OSError as error:
        recorder.store.note(error, "what follows from the records")
    recorder.troubles += recorder.store.troubles


def choose_status(config: pytest.Config, exitstatus: int) -> int:
    """The status of a session that pytest would end with ``exitstatus``."""
    recorder = config.stash[RECORDER]
    if recorder.broken:
        return MACHINE_TROUBLE
    if exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR):
        return exitstatus
    if recorder.list_troubles():
        return MACHINE_TROUBLE
    if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or recorder.failures:
        return exitstatus
    if _count_not_run(config):
        return pytest.ExitCode.TESTS_FAILED
    closed = config.stash.get(_CLOSED, None)
    if closed is None:
        gates = config.stash[SETTINGS].gates
        unruled = gates.strict and gates.rules and has_cases_to_run(config)
        return INCONCLUSIVE if unruled and exitstatus == pytest.ExitCode.OK else exitstatus
    status = gates_exit_status(closed.decisions)
    missed = any(recorder.counts[outcome] for outcome in Outcome if outcome.is_miss)
    return pytest.ExitCode.TESTS_FAILED if config.stash[SETTINGS].strict and missed else status


def _count_not_run(config: pytest.Config) -> int:
    """Tests of cases that never came to their end, where they were to be run at all."""
    if config.option.collectonly or config.option.setuponly or not will_run_cases(config):
        return 0
    return max(0, config.stash[RECORDER].left)


def has_cases_to_run(config: pytest.Config) -> bool:
    """Whether tests of cases are run, and not only collected or set up."""
    option = config.option
    previews = option.collectonly or option.setuponly or option.setupplan
    return RECORDER in config.stash and config.stash[RECORDER].selected > 0 and not previews


def finish_run(
    recorder: Recorder, config: pytest.Config, *, audits: bool, hurried: bool
) -> "FinalizedRun":
    """Complete the manifest and close the run directory."""
    from fakebench_suite.workflows.finalize import finalize_run

    store, plan, settings = recorder.store, get_plan(config), config.stash[SETTINGS]
    assert store is not None
    assert recorder.manifest is not None
    records = store.close()
    manifest = end_manifest(
        recorder.manifest,
        records,
        offered=Counter(case.task for case in plan.cases),
        selected=recorder.selected_tasks,
        seconds=time.monotonic() - config.stash[_STARTED] + _seconds_before(recorder.manifest),
    )
    timings = list_timings(config)
    if timings:
        store.write_timings(timings)
    calibration = calibrate_run_judge(config) if audits else None
    closed = finalize_run(
        store,
        msgspec.structs.replace(
            manifest,
            workers=count_workers(config),
            engine=describe_engine(config),
            reused=None
            if settings.reuse is None
            else count_reuse(settings.reuse, list(read_records(settings.reuse)), records),
            inference=merge_inference(
                manifest.inference,
                [] if settings.reuse is None else read_manifest(settings.reuse).inference,
                list_inference(config),
            ),
            judge=msgspec.structs.replace(
                manifest.judge, calibration=calibration, given_up=find_given_up(config)
            ),
        ),
        records,
        gates=settings.gates,
        baseline=settings.baseline,
        dataset=plan.dataset,
        size=None if hurried else settings.report_images,
    )
    trouble = point_last(store.folder) if manifest.status is RunStatus.FINISHED else None
    return closed if trouble is None else replace(closed, notes=(*closed.notes, trouble))


def _seconds_before(manifest: Manifest) -> float:
    """The seconds of the earlier sessions of a resumed run, as far as they were counted."""
    return (manifest.resumed[-1].seconds_before or 0.0) if manifest.resumed else 0.0


def merge_inference(*sessions: Sequence[InferenceInfo]) -> list[InferenceInfo]:
    """How the answers of several sessions were computed, each way once."""
    merged: list[InferenceInfo] = []
    for infos in sessions:
        merged += [info for info in infos if info not in merged]
    return merged


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Print the reservations, the tables, the results of gates, and where everything is."""
    closed = config.stash.get(_CLOSED, None)
    # Where the request was wrong, nothing was to be asked yet.
    if exitstatus != pytest.ExitCode.USAGE_ERROR and (not_run := _count_not_run(config)):
        terminalreporter.section("FakeBench cases that did not run", red=True)
        terminalreporter.line(f"{count_of(not_run, 'case')} did not run.")
    show_troubles(terminalreporter, config)
    if closed is None:
        if exitstatus in (pytest.ExitCode.OK, INCONCLUSIVE) and has_cases_to_run(config):
            terminalreporter.line(
                "No case was recorded, so there are no scores, and no gate was evaluated. A test "
                "records its case by record(verdict), and one that is skipped does not.",
                yellow=True,
            )
        return
    from fakebench_suite.report.engine_text import format_engine
    from fakebench_suite.report.terminal import METRICS_HINT

    verbose = config.option.verbose > 0
    if verbose or "m" in config.option.reportchars:
        show_misses(terminalreporter)
    show_scores(terminalreporter, closed, verbose=verbose)
    show_gates(terminalreporter, closed)
    if config.stash[ENGINE].name != LOCAL:
        terminalreporter.line(f"engine: {format_engine(closed.manifest.engine)}")
    for note in closed.notes:
        terminalreporter.line(note)
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        show_strict(terminalreporter)
    if not verbose:
        terminalreporter.line(f"{METRICS_HINT}, or here with -v")
    if closed.manifest.status is RunStatus.INTERRUPTED or closed.manifest.errors:
        terminalreporter.line(f"to ask the rest: {format_resume(closed.folder)}")
    terminalreporter.line(f"records and scores: {to_single_line(str(closed.folder))}")
    terminalreporter.line(f"report: {to_single_line(str(closed.report))}")


def format_resume(folder: Path) -> str:
    """The option that goes on with a run, and asks errors again."""
    return f"--resume={shlex.quote(to_single_line(str(folder)))}"


def show_strict(terminalreporter: pytest.TerminalReporter) -> None:
    """Why misses alone make the exit status 1."""
    reports = terminalreporter.stats.get("failed", [])
    misses = Counter(
        o
        for report in reports
        if (o := get_outcome(report)) is not None and o.is_miss and not failed_itself(report)
    )
    if misses:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in misses.items())
        terminalreporter.line(f"exit status 1: --strict-cases fails misses ({kinds})", red=True)


def show_troubles(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What this machine could not do, each sentence once."""
    troubles = config.stash[RECORDER].list_troubles() if RECORDER in config.stash else []
    if troubles:
        terminalreporter.section("trouble with this machine", red=True)
    for trouble, number in Counter(troubles).items():
        terminalreporter.line(trouble if number == 1 else f"{trouble} ({number} times)")


def show_misses(terminalreporter: pytest.TerminalReporter) -> None:
    """The card of every miss: outcome and test, why, asked, expected, said."""
    missed = [r for kind in MISS_CATEGORIES for r in terminalreporter.stats.get(kind, [])]
    if missed:
        terminalreporter.section("misses")
    for report in missed:
        outcome = str(get_outcome(report)).upper()
        terminalreporter.line(f"{outcome} {report.nodeid}", yellow=True)
        terminalreporter.line(str(report.longrepr))


def show_scores(
    terminalreporter: pytest.TerminalReporter, closed: "FinalizedRun", *, verbose: bool
) -> None:
    """The verdict, which run this is, its scores and changes, and published rows."""
    from fakebench_suite.report import terminal
    from fakebench_suite.report.benchmark_rows import list_benchmark_tables
    from fakebench_suite.report.markdown import describe_run

    colour = terminalreporter.config.get_terminal_writer().hasmarkup
    terminalreporter.section("FakeBench scores")
    terminalreporter.write(terminal.format_result(closed.result, colour=colour))
    for line in describe_run(closed.manifest):
        terminalreporter.line(line)
    terminalreporter.write(terminal.format_facts(closed.manifest, colour=colour))
    terminalreporter.write(terminal.format_scores(closed.scores, colour=colour))
    robustness = terminal.format_robustness(closed.scores, colour=colour)
    if robustness:
        terminalreporter.section("robustness, by family of perturbations")
        terminalreporter.write(robustness)
    if verbose:
        terminalreporter.write(terminal.format_meanings(closed.scores, colour=colour))
    if closed.shifts:
        terminalreporter.section(f"changes since {to_single_line(str(closed.result.baseline))}")
        terminalreporter.write(terminal.format_changes(closed.shifts, colour=colour))
    for grid in list_benchmark_tables(closed.manifest, closed.scores):
        terminalreporter.line(grid.title)
        terminalreporter.write(terminal.format_benchmark_table(grid, colour=colour))
    published = terminal.format_published(closed.manifest, closed.scores, colour=colour)
    terminalreporter.write(published)


def show_gates(terminalreporter: pytest.TerminalReporter, closed: "FinalizedRun") -> None:
    """The result of each gate, or that none was evaluated."""
    from fakebench_suite.report.terminal import format_gate_results

    terminalreporter.section("gates")
    shard = closed.manifest.shard
    if shard is not None:
        terminalreporter.line(
            f"This is shard {shard}: gates are evaluated over the merged run (fakebench merge)."
        )
        return
    colour = terminalreporter.config.get_terminal_writer().hasmarkup
    terminalreporter.write(format_gate_results(closed.decisions, closed.result, colour=colour))
