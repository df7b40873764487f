"""The fixtures ``ask``, ``judge`` and ``record`` that every case is written with."""

import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import pytest

from fakebench_suite.backends.base import Backend
from fakebench_suite.backends.registry import load_model
from fakebench_suite.backends.replay import ReplayBackend
from fakebench_suite.errors import (
    CardError,
    CaseError,
    EngineError,
    MachineError,
    RunStoppedError,
    UserError,
)
from fakebench_suite.execution.engine import Engine, LocalEngine
from fakebench_suite.execution.runner import CaseRunner
from fakebench_suite.execution.work_units import assign_work_units
from fakebench_suite.plugin.collection import get_case, get_plan, image_of
from fakebench_suite.plugin.engines import (
    ENGINE,
    RAY,
    abort_on_user_error,
    abort_run,
    find_unit_size,
)
from fakebench_suite.plugin.interrupts import follow_stops
from fakebench_suite.plugin.judging import make_grader
from fakebench_suite.plugin.options import count_processes, is_worker
from fakebench_suite.plugin.stopped_runs import filter_tests
from fakebench_suite.plugin.timeouts import WATCHDOG
from fakebench_suite.plugin.xdist.hooks import crashed_units, find_seconds_left
from fakebench_suite.runs.store import read_records
from fakebench_suite.types import Answer, Case, Record, Verdict

FATAL = (KeyboardInterrupt, pytest.exit.Exception)
"""What ends the run; any other error ends one case."""
MODEL = pytest.StashKey[Backend]()
"""What was loaded for --model."""


@dataclass(slots=True, kw_only=True)
class CaseState:
    """What a test has come to so far."""

    case: Case | None
    """The case that the test is given."""
    asked: tuple[Case, Answer] | None = None
    """The case that was asked last, and its answer."""
    judged: list[tuple[Verdict, Case, Answer]] = field(default_factory=list)
    record: Record | None = None
    trouble: str | None = None
    """Why this machine could not ask the case; then there is no record."""
    properties: list[tuple[str, object]] = field(default_factory=list)
    """What a JUnit file says of the record."""

    def find_judged(self, verdict: Verdict) -> tuple[Case, Answer] | None:
        """What a verdict was made of: what was asked last, where the test made it itself."""
        for made, case, answer in self.judged:
            if made is verdict:
                return case, answer
        return self.asked


class CurrentTest:
    """The test that runs in this process, and what has become of it."""

    def __init__(self) -> None:
        self.nodeid = ""
        self.state = CaseState(case=None)
        self._session_fixtures: dict[str, object] = {}
        """What the fixtures of session scope gave, by name."""
        self._known: dict[tuple[object, str], tuple[dict[str, object], list[str]]] = {}
        """By module or class and by name of a test function, those of them that it is given, and
        the names of the fixtures that pytest has to find for its tests."""

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, object, object]:
        """Keep what lasts as long as the session."""
        value = yield
        if fixturedef.scope == "session":
            self._session_fixtures[fixturedef.argname] = value
        else:
            self._session_fixtures.pop(fixturedef.argname, None)
        return value

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        """Forget the test before, and give a case the session's fixtures without a search.

        pytest resolves every fixture again for every test, which at 54,000 cases takes a tenth of
        a run (benchmarks/harness.py). What is not of session scope, or comes from a module or
        class of the test, is left to pytest, and so are tests with parameters beside their case.
        """
        case = get_case(item)
        self.nodeid, self.state = item.nodeid, CaseState(case=case)
        if case is None or not isinstance(item, pytest.Function) or len(item.callspec.params) > 1:
            return (yield)
        function = item.parent, item.originalname
        if function in self._known:
            values, item.fixturenames = self._known[function]
            item.funcargs.update(values, case=case)
            return (yield)
        yield
        values = {
            name: value
            for name, value in self._session_fixtures.items()
            if item.funcargs.get(name) is value
        }
        self._known[function] = values, _drop_request(item)
        return None


def _drop_request(item: pytest.Function) -> list[str]:
    """The names of a test's fixtures without ``request``, unless its function is given that.

    Fixtures of session scope have theirs already, and pytest makes one for every test.
    """
    if "request" in inspect.signature(item.function).parameters:
        return item.fixturenames
    return [name for name in item.fixturenames if name != "request"]


CURRENT = pytest.StashKey[CurrentTest]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Follow the tests of this process."""
    config.stash[CURRENT] = CurrentTest()
    config.pluginmanager.register(config.stash[CURRENT], "fakebench-current-test")


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The model under test, loaded when the first case asks."""
    plan = get_plan(request.config)
    if plan.request.answers is not None:
        yield ReplayBackend(list(read_records(plan.request.answers)))
        return
    with ExitStack() as held:
        with abort_on_user_error(request.session):
            waiting = request.config.stash[WATCHDOG].wait("its checkpoint")
            try:
                with waiting:
                    options = plan.load_options(workers=count_processes())
                    loaded = held.enter_context(load_model(plan.card, options))
            except pytest.fail.Exception as error:  # pytest would give it to every case.
                raise CardError(
                    f"{plan.card.name} was not loaded, because the first test was stopped: {error} "
                    "Allow more time for a test."
                ) from error
        request.config.stash[MODEL] = loaded
        yield loaded


@pytest.fixture(scope="session")
def case_runner(request: pytest.FixtureRequest) -> CaseRunner:
    """What asks and judges the cases of this process.

    A worker does not know which work unit it gets next, and looks ahead to none. Where every
    answer is known, no model is loaded.
    """
    config, items = request.config, request.session.items
    plan = get_plan(config)
    asked = (case for item in items if (case := get_case(item)) is not None)
    engine: Engine
    if plan.known and all(case.id in plan.known for case in asked):
        engine = LocalEngine(ReplayBackend(list(plan.known.values())))
    else:
        engine = request.getfixturevalue("engine")
    suspects = crashed_units(config)
    units: dict[int, list[Case]] = {}
    size = find_unit_size(config, len(items))
    numbers = assign_work_units((image_of(item.nodeid) for item in items), least=size)
    for item, number in zip(items, numbers, strict=True):
        case = get_case(item)
        if case is not None and number not in suspects:
            units.setdefault(number, []).append(case)
    runner = CaseRunner(
        plan,
        engine,
        units,
        grader=make_grader(config),
        ahead=not is_worker(config),
        wait=partial(
            config.stash[WATCHDOG].wait_for_prompts,
            limits_units=config.stash[ENGINE].name != RAY,  # a pool of replicas does it itself
            limits_prompts=not engine.limits_prompts,
        ),
        fatal=FATAL,
    )
    limit = plan.request.run_timeout
    runner.run_stop.request_after(find_seconds_left(config, limit), limit=limit)
    runner.run_stop.on_stop = partial(filter_tests, config, runner)
    follow_stops(config, runner)
    return runner


@pytest.fixture(scope="session")
def ask(request: pytest.FixtureRequest, case_runner: CaseRunner) -> Callable[[Case], Answer]:
    """``ask(case)`` is the model's answer to the case's prompt."""
    current, session = request.config.stash[CURRENT], request.session

    def ask_model(case: Case) -> Answer:
        state = current.state
        state.record = state.trouble = state.asked = None  # of an earlier try
        try:
            answer = case_runner.ask(case)
        except (CaseError, MachineError) as error:
            keep_error(case_runner, state, error, case)
            raise
        except RunStoppedError as error:
            if not case_runner.has_answers:
                session.shouldstop = str(error)
            pytest.skip(str(error))
        except (EngineError, UserError) as error:
            abort_run(session, error)
        state.asked = case, answer
        return answer

    return ask_model


@pytest.fixture(scope="session")
def judge(
    pytestconfig: pytest.Config, case_runner: CaseRunner
) -> Callable[[Case, Answer], Verdict]:
    """``judge(case, answer)`` is the verdict; JudgeError when there is none to be had."""
    current = pytestconfig.stash[CURRENT]

    def judge_answer(case: Case, answer: Answer) -> Verdict:
        try:
            verdict = case_runner.judge(case, answer)
        except (CaseError, MachineError) as error:
            keep_error(case_runner, current.state, error, case, answer)
            raise
        current.state.judged.append((verdict, case, answer))
        return verdict

    return judge_answer


@pytest.fixture(scope="session")
def record(pytestconfig: pytest.Config, case_runner: CaseRunner) -> Callable[[Verdict], None]:
    """``record(verdict)`` keeps the record of what the verdict was made of.

    A miss fails the test with ``--strict-cases`` only.
    """
    current = pytestconfig.stash[CURRENT]

    def keep(verdict: Verdict) -> None:
        judged = current.state.find_judged(verdict)
        if judged is None:
            pytest.fail("record(verdict) was called, but the model was not asked: ask(case) first.")
        current.state.record = case_runner.record(*judged, verdict)

    return keep


def keep_error(
    runner: CaseRunner,
    state: CaseState,
    error: CaseError | MachineError,
    case: Case,
    answer: Answer | None = None,
) -> None:
    """Keep the record of a case that ends in a model's, judge's or image's error.

    What this machine could not do is no record.
    """
    if isinstance(error, MachineError):
        state.trouble = str(error)
    elif state.case is not None:
        state.record = runner.record_error(case, answer, error)
