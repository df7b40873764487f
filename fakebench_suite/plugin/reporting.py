"""Recording: records ride on reports across xdist; only the controller writes them."""

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fakebench_suite.errors import MachineError, UserError
from fakebench_suite.execution.known_answers import check_resumable, resume_manifest
from fakebench_suite.execution.manifest_builder import begin_manifest, digest_backend_files
from fakebench_suite.execution.reusable_answers import check_reusable
from fakebench_suite.plugin import background_reading
from fakebench_suite.plugin.collection import (
    get_case,
    get_plan,
    image_of,
    match_cases,
    will_run_cases,
)
from fakebench_suite.plugin.fixtures import CURRENT, CaseState
from fakebench_suite.plugin.judging import describe_judge
from fakebench_suite.plugin.manifest_request import add_request
from fakebench_suite.plugin.options import SETTINGS, is_worker
from fakebench_suite.plugin.run_directory import check_place, take_folder
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.store import RunWriter, read_manifest
from fakebench_suite.text.display import count_of, escape_controls, to_single_line
from fakebench_suite.types import Case, Outcome, Record, Verdict

_ATTRIBUTE, _TROUBLE = "fakebench_record", "fakebench_trouble"
_FAILED_ITSELF = "fakebench_failed_itself"
"""Marks the report of a case whose test failed by other means than its verdict."""
_REPEATED = "fakebench_repeated"
"""Marks the report of a case that was answered before: its worker died before it had ended."""
_OUTCOMES = frozenset({"passed", "failed", "skipped"})
MACHINE_TROUBLE = int(pytest.ExitCode.INTERNAL_ERROR)
"""The status of a run that this machine could not carry through: no model's fault, so never 1."""
Status = str | tuple[str, dict[str, bool]]
_WORDS: dict[Outcome, tuple[str, str, Status]] = {
    Outcome.CORRECT: ("correct", ".", "CORRECT"),
    Outcome.UNSCORED: ("unscored", "u", ("UNSCORED", {"cyan": True})),
    Outcome.INCORRECT: ("missed", "m", ("MISSED", {"yellow": True})),
    Outcome.UNPARSED: ("unparsed", "?", ("UNPARSED", {"yellow": True})),
    Outcome.REFUSED: ("refused", "r", ("REFUSED", {"yellow": True})),
    Outcome.TRUNCATED: ("truncated", "t", ("TRUNCATED", {"yellow": True})),
    Outcome.MODEL_ERROR: ("error", "E", ("MODEL ERROR", {"red": True})),
    Outcome.JUDGE_ERROR: ("error", "E", ("JUDGE ERROR", {"red": True})),
    Outcome.IMAGE_ERROR: ("error", "E", ("IMAGE ERROR", {"red": True})),
}


class RecordAttacher:
    """Puts the record of a finished case on its report, in the process that ran the case."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        """Put the record on the report when it is logged.

        Plugins that try failed tests again decide before a report is logged and by its outcome.
        So they see errors fail and misses pass, and what is logged is what the last try recorded.
        """
        current = self._config.stash[CURRENT]
        if report.nodeid == current.nodeid:
            if report.when == "call":
                put_record(report, current.state, strict=self._config.stash[SETTINGS].strict)
            elif report.when == "teardown" and current.state.record is not None:
                add_properties(report, current.state)  # JUnit takes those of the last report
        return (yield)


def put_record(report: pytest.TestReport, state: CaseState, *, strict: bool) -> None:
    """Put a record on the report of its test, and let a miss or an error show no traceback.

    A report whose outcome is not pytest's own is of a try that is repeated, and has no record.
    """
    record, trouble = state.record, state.trouble
    if trouble is not None and report.failed:
        report.longrepr = trouble
        setattr(report, _TROUBLE, trouble)
    if record is None or report.outcome not in _OUTCOMES:
        return
    if record.verdict.outcome.is_error:
        if report.passed:  # The test expected the error.
            return
        verdict = record.verdict
        report.longrepr = escape_controls(f"{verdict.outcome}: {verdict.reason}")
    elif report.failed:
        setattr(report, _FAILED_ITSELF, True)
    elif record.verdict.outcome.is_miss and report.passed:
        report.longrepr = format_miss(record)
        if strict:
            report.outcome = "failed"
    setattr(report, _ATTRIBUTE, record)
    state.properties = junit_properties(record)
    add_properties(report, state)


def add_properties(report: pytest.TestReport, state: CaseState) -> None:
    """Put what a JUnit file says of a case on a report, in place of an earlier try's."""
    kept = [pair for pair in report.user_properties if pair[0] not in JUNIT_PROPERTIES]
    report.user_properties = kept + state.properties


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(
    report: pytest.TestReport | pytest.CollectReport,
) -> Generator[None, dict[str, Any], dict[str, Any]]:
    """The record as plain data, that xdist can carry."""
    data = yield
    record = get_record(report)
    return data if record is None else data | {_ATTRIBUTE: msgspec.to_builtins(record)}


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable() -> Generator[
    None, pytest.TestReport | pytest.CollectReport, pytest.TestReport | pytest.CollectReport
]:
    """And as a record again where it arrives."""
    report = yield
    data = getattr(report, _ATTRIBUTE, None)
    if data is not None:
        setattr(report, _ATTRIBUTE, msgspec.convert(data, Record))
    return report


def format_miss(record: Record) -> str:
    """A card of four lines: what became of it and why, asked, expected, said.

    pytest shows the first in its short test summary.
    """
    case, answer = record.case, record.answer
    wanted = [str(case.label)] if case.label else []
    wanted += [clue.text for clue in case.expected or ()]
    return escape_controls(
        f"{record.verdict.outcome}: {to_single_line(record.verdict.reason)}\n"
        f"  asked     {record.prompt}\n"
        f"  expected  {'; '.join(wanted)}\n"
        f"  said      {answer.text if answer else ''!r}"
    )


JUNIT_PROPERTIES = ("id", "task", "generator", "outcome", "score")


def junit_properties(record: Record) -> list[tuple[str, object]]:
    """What a JUnit file says of a case besides that it was missed; pytest escapes it for XML."""
    case, verdict = record.case, record.verdict
    properties = {
        "id": case.id,
        "task": str(case.task),
        "generator": case.generator,
        "outcome": str(verdict.outcome),
        "score": verdict.score,
    }
    return [(name, value) for name, value in properties.items() if value is not None]


MISS_CATEGORIES = tuple(word for kind, (word, _, _) in _WORDS.items() if kind.is_miss)
"""What pytest's terminal reporter files misses under."""


def get_record(report: pytest.TestReport | pytest.CollectReport) -> Record | None:
    """The record on a report, if it is the report of a finished case."""
    return getattr(report, _ATTRIBUTE, None)


def get_outcome(report: pytest.TestReport) -> Outcome | None:
    """What became of the case on a report, if it is the report of a finished case."""
    record = get_record(report)
    return None if record is None else record.verdict.outcome


def failed_itself(report: pytest.TestReport) -> bool:
    """Whether the test of a case failed by other means than its verdict, as by an assertion."""
    return hasattr(report, _FAILED_ITSELF)


def pytest_report_teststatus(
    report: pytest.TestReport, config: pytest.Config
) -> tuple[str, str, Status] | None:
    """A miss has its own count and, with ``-v``, its own word, unless it failed.

    Without ``-v`` cases print nothing, because the progress line speaks for them.
    """
    outcome = get_outcome(report)
    if outcome is None or failed_itself(report):
        return None
    if hasattr(report, _REPEATED):
        return "", "", ""
    category, letter, word = _WORDS[outcome]
    if outcome.is_miss and report.failed:
        category, letter, word = "failed", "F", "FAILED"
    if config.option.verbose > 0:
        return category, letter, word
    # The short test summary has the word from here.
    return category, "", word if report.failed else ""


class Recorder:
    """The controller's side: writes each record as it arrives and counts what went wrong."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.store: RunWriter | None = None
        self.counts: Counter[Outcome] = Counter()
        """Cases by what became of them; a case that runs several times counts once."""
        self.selected = 0
        """Cases this run set out to ask; one that several tests are given counts once."""
        self.selected_tasks: Mapping[str, int] = {}
        """And by task."""
        self.cases: Mapping[str, Case] = {}
        """The case of each test that is given one, by node id."""
        self.manifest: Manifest | None = None
        self._earlier: Manifest | None = None
        """The manifest of a resumed run as it was."""
        self.troubles: list[str] = []
        """What this machine could not do for the run: a sentence each."""
        self._untried: dict[str, str] = {}
        """By test, why this machine could not ask its case."""
        self.broken = False
        """Whether no record can be written any more."""
        self._recorded: dict[str, pytest.TestReport | None] = {}
        """By case id, the report of an error, which a later try may replace; None for others."""
        self._recorded_by: dict[str, str] = {}
        """By case id, the test that recorded it."""
        self._failed: set[str] = set()
        self._open: set[str] | None = None
        """Tests of cases that have come neither to a record nor to their end."""
        self._reading = background_reading.BackgroundReading()

    @property
    def left(self) -> int:
        """Number of tests of cases that have come neither to a record nor to their end."""
        return len(self._open or ())

    @property
    def failures(self) -> int:
        """Number of tests that failed at their last try, other than by a miss."""
        return len(self._failed)

    def list_troubles(self) -> Sequence[str]:
        """What this machine could not do for the run and for single cases."""
        return [*self.troubles, *self._untried.values()]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one report."""
        # xdist reports a death with the phase "???", because no worker is left to tell it.
        ended = str(report.when) in {"teardown", "???"}
        if report.when == "setup":
            self._failed.discard(report.nodeid)
            self._untried.pop(report.nodeid, None)
        record = get_record(report) or self._record_crash(report)
        if report.failed and hasattr(report, _TROUBLE):
            self._untried[report.nodeid] = getattr(report, _TROUBLE)
        elif report.failed and (
            record is None or record.verdict.outcome.is_error or failed_itself(report)
        ):
            self._failed.add(report.nodeid)
        if record is not None:
            self._keep(record, report)
        if self._open is not None and (ended or record is not None):
            self._open.discard(report.nodeid)

    def _keep(self, record: Record, report: pytest.TestReport) -> None:
        """Write a record, unless the case has one; a later one takes the place of an error."""
        case, outcome = record.case.id, record.verdict.outcome
        if self._recorded_by.setdefault(case, report.nodeid) != report.nodeid:
            self._refuse(case, report)
            return
        if self.selected >= background_reading.MIN_CASES:
            self._reading.add(record)
        replaced = self._recorded.get(case)
        if self.broken or (replaced is None and case in self._recorded):
            if self._open is not None and report.nodeid not in self._open:
                setattr(report, _REPEATED, True)
            return
        try:
            if self.manifest is None:
                self._open_store()
            assert self.store is not None
            self.store.append(record, replaces=replaced is not None)
        except (MachineError, OSError) as error:
            self.broken = True
            self.troubles.append(str(error))
            pytest.exit(str(error))  # The status is chosen when the run has been closed.
        self._recorded[case] = report if outcome.is_error else None
        self.counts[outcome] += 1
        if replaced is not None:
            self._forget(replaced)

    def _refuse(self, case: str, report: pytest.TestReport) -> None:
        """Fail a test that records what another test has recorded."""
        report.outcome = "failed"
        report.longrepr = escape_controls(
            f"The case {case} was recorded by {self._recorded_by[case]} before, and a run keeps "
            "one record of each case. Record it in one test only."
        )
        delattr(report, _ATTRIBUTE)
        self._failed.add(report.nodeid)

    def _forget(self, report: pytest.TestReport) -> None:
        """Take an error that was replaced out of all counts."""
        outcome = get_outcome(report)
        assert outcome is not None
        self.counts[outcome] -= 1
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        reports = terminal.stats.get(_WORDS[outcome][0], []) if terminal is not None else []
        if report in reports:
            reports.remove(report)

    def _record_crash(self, report: pytest.TestReport) -> Record | None:
        """The record of the case whose worker died, put on xdist's report of the death."""
        if str(report.when) != "???" or not report.failed:
            return None
        plan, case = get_plan(self._config), self.cases.get(report.nodeid)
        if case is None:
            return None
        record = Record(
            case=case,
            prompt=plan.build_prompt(case).text,
            answer=None,
            verdict=Verdict(outcome=Outcome.MODEL_ERROR, reason=str(report.longrepr)),
            worker="",
        )
        setattr(report, _ATTRIBUTE, record)
        return record

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the selected cases where they run in this process."""
        if session.items:
            self._select({item.nodeid: case for item in session.items if (case := get_case(item))})

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Count the selected cases where they run in workers, when the first has collected them."""
        if self._open is None:
            possible = [nodeid for nodeid in ids if image_of(nodeid) != nodeid]
            self._select(match_cases(get_plan(self._config).cases, possible) if possible else {})

    def _select(self, cases: Mapping[str, Case]) -> None:
        """Count the selected cases, given the case of each test."""
        self.cases, self._open = cases, set(cases)
        tasks = {case.id: case.task for case in cases.values()}
        self.selected, self.selected_tasks = len(tasks), Counter(tasks.values())

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Take the run directory, before workers are told its name and a model is loaded."""
        option = self._config.option
        if will_run_cases(self._config) and not (option.collectonly or option.setuponly):
            self.store = take_folder(self._config)
            settings = self._config.stash[SETTINGS]
            try:
                digest_backend_files(get_plan(self._config).card)
            except UserError as error:
                raise pytest.UsageError(str(error)) from None
            if settings.reuse is not None:
                self._check_reuse(settings.reuse)
            if settings.resume is not None:
                self._resume(self.store)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Keep what was read of texts, before the run is scored."""
        self._reading.close()

    def pytest_unconfigure(self) -> None:
        """Leave no process behind, and no directory where nothing was recorded."""
        self._reading.close()
        if self.store is not None and self.manifest is None:
            self.store.discard()

    def _resume(self, store: RunWriter) -> None:
        """Go on with a run; raises UsageError where what was answered does not belong to it."""
        plan = get_plan(self._config)
        try:
            earlier = read_manifest(store.folder)
            planned = self._begin_manifest()
            check_resumable(store.folder, earlier, planned)
        except UserError as error:
            raise pytest.UsageError(str(error)) from None
        assert planned.command is not None
        self._earlier = earlier
        self.manifest = resume_manifest(
            earlier,
            planned,
            kept=len(plan.known),
            dropped_bytes=store.dropped_bytes,
            command=planned.command,
        )
        store.write_manifest(self.manifest)
        for record in plan.known.values():
            if not record.verdict.outcome.is_error:
                self._recorded[record.case.id] = None
                self.counts[record.verdict.outcome] += 1

    def put_back(self) -> None:
        """Leave a resumed run as it was, because nothing is asked."""
        if self.store is not None and self._earlier is not None:
            self.store.write_manifest(self._earlier)

    def _check_reuse(self, run: Path) -> None:
        """Raise UsageError where no answer of a run can be taken over."""
        try:
            check_reusable(run, read_manifest(run), self._begin_manifest())
        except UserError as error:
            raise pytest.UsageError(str(error)) from None

    def pytest_report_header(self) -> list[str]:
        """Say what is kept of a run that goes on, and how much is to be asked."""
        if self.manifest is None or not self.manifest.resumed:
            return []
        plan, resumption = get_plan(self._config), self.manifest.resumed[-1]
        dropped = resumption.dropped_bytes
        torn = f"; its last line, cut off after {count_of(dropped, 'byte')}, is dropped"
        left = count_of(len(plan.cases) - resumption.kept, "case")
        return [
            f"resumed: {count_of(resumption.kept, 'answer')} kept, {left} to ask"
            f"{torn if dropped else ''}"
        ]

    def _begin_manifest(self) -> Manifest:
        manifest = begin_manifest(get_plan(self._config), describe_judge(self._config))
        return add_request(manifest, self._config)

    def _open_store(self) -> None:
        """Begin the run with its first record: until then nothing is worth a manifest."""
        if self.store is None:
            self.store = take_folder(self._config)
        assert self.store is not None
        self.manifest = self._begin_manifest()
        self.store.write_manifest(self.manifest)


class LastFailedMisses:
    """Adds misses to what pytest remembers of failed tests; pytest keeps it in the controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a miss after pytest has seen the test pass."""
        outcome = get_outcome(report)
        last_failed = self._config.pluginmanager.get_plugin("lfplugin")
        if outcome is not None and outcome.is_miss and last_failed is not None:
            last_failed.lastfailed[report.nodeid] = True


class SilentReports:
    """Lets pytest's terminal keep no reports of setups and teardowns that say nothing.

    It keeps the reports of all three phases of every test. Those of setup and teardown tell what
    was printed, and how long they took where ``--durations`` asks; else there are 108,000 of them
    for 54,000 cases, a tenth of the memory of a run, in which garbage is looked for.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._kept: list[Any] = []
        """The terminal's own list of the reports that no summary counts, from the first test on."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Begin with the first test of a run that asks cases."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        tells_durations = self._config.option.durations is not None
        if terminal is not None and not tells_durations and will_run_cases(self._config):
            self._kept = terminal.stats.setdefault("", [])

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Drop a report after the terminal has filed it."""
        if self._kept and self._kept[-1] is report and report.passed and not report.sections:
            self._kept.pop()


RECORDER = pytest.StashKey[Recorder]()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Every process puts records on reports; the controller alone writes them."""
    config.pluginmanager.register(RecordAttacher(config), "fakebench-reporter")
    if is_worker(config):
        return
    check_place(config)
    recorder = Recorder(config)
    config.stash[RECORDER] = recorder
    config.pluginmanager.register(recorder, "fakebench-recorder")
    config.pluginmanager.register(LastFailedMisses(config), "fakebench-misses")
    config.pluginmanager.register(SilentReports(config), "fakebench-silent-reports")
