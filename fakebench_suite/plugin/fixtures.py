"""Execution: the fixtures ``ask``, ``judge`` and ``record`` that every case is written with."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

import pytest

from fakebench_suite.backends.base import Backend
from fakebench_suite.backends.registry import load_model
from fakebench_suite.errors import CardError, ImageError, JudgeError, MachineError, ModelError
from fakebench_suite.execution.engine import Engine
from fakebench_suite.grading import verdict as verdicts
from fakebench_suite.plugin.collection import RunPlan, get_case, get_plan
from fakebench_suite.plugin.engines import ENGINE, LOCAL, abort_on_user_error
from fakebench_suite.plugin.judging import make_grader
from fakebench_suite.plugin.options import is_worker
from fakebench_suite.plugin.waiting import WAITING
from fakebench_suite.plugin.work_units import ENDS_RUN, CaseRunner, describe_error
from fakebench_suite.plugin.xdist.hooks import crashed_units
from fakebench_suite.plugin.xdist.routes import report_route
from fakebench_suite.provenance import collect_pixels
from fakebench_suite.runs.store import read_records
from fakebench_suite.tasks.prompts import build_prompt
from fakebench_suite.types import Answer, Case, Outcome, PixelDigest, Prompt, Record, Verdict

RECORD = pytest.StashKey[Record]()
TROUBLE = pytest.StashKey[str]()
"""Why this machine could not ask an item's case; it has no record."""
MODEL = pytest.StashKey[Backend]()
"""What was loaded for --model."""
PIXELS = pytest.StashKey[dict[str, PixelDigest]]()
"""The pictures shown so far, by image; of answers given again, those shown then."""
_ANSWERED = pytest.StashKey[Answer]()
ITEM = pytest.StashKey[pytest.Item]()
"""In a configuration's stash, the item that is run."""
_LASTING = pytest.StashKey[dict[str, object]]()
"""Fixtures that live as long as the session, once they are made."""
_REUSED = pytest.StashKey[dict[tuple[object, str], dict[str, object]]]()
"""By module or class and name of a test function, those of them that it was given."""


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Note a fixture that is the same for every case."""
    made = yield
    if fixturedef.scope == "session":
        request.config.stash.setdefault(_LASTING, {})[fixturedef.argname] = made
    return made


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Note whose turn it is, and give a test function its fixtures again without a search.

    Nearly all live as long as the session, and a search for each case is what a harness can do
    without (benchmarks/harness.py). Others, such as those that a module or class has of its own by
    one of the names, are left to pytest, and so are tests with parameters beside their case.
    """
    stash, case = item.config.stash, get_case(item)
    stash[ITEM] = item
    if case is None or not isinstance(item, pytest.Function) or len(item.callspec.params) > 1:
        return (yield)
    reused, place = stash.setdefault(_REUSED, {}), (item.parent, item.originalname)
    if place in reused:
        # pytest would make a fixture of the request anew; what a case's fixtures get is this.
        item.funcargs.update(reused[place], case=case, request=item._request)
        return (yield)
    yield
    lasting = stash.get(_LASTING, {})
    reused[place] = {name: one for name, one in lasting.items() if item.funcargs.get(name) is one}
    return None


def open_model(plan: RunPlan, *, workers: int = 1) -> AbstractContextManager[Backend]:
    """The model of a plan while the block runs; raises CardError where it does not load."""
    return load_model(
        plan.card,
        remote_code=plan.card.trust_remote_code and plan.settings.remote_code,
        batch_tokens=plan.settings.batch_tokens,
        workers=workers,
    )


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The model under test, loaded when the first case asks."""
    plan = get_plan(request.config)
    if plan.settings.answers is not None:
        from fakebench_suite.backends.replay import ReplayBackend

        records = list(read_records(plan.settings.answers))
        request.config.stash[PIXELS] = {
            name: shown for name, shown in collect_pixels(records).items() if shown is not None
        }
        yield ReplayBackend(records)
        return
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    with ExitStack() as held:
        with abort_on_user_error(request.session):
            waiting = request.config.stash[WAITING].wait("its checkpoint", limited=False)
            try:
                with waiting:
                    loaded = held.enter_context(open_model(plan, workers=workers))
            except pytest.fail.Exception as error:  # pytest would give it to every case.
                raise CardError(
                    f"{plan.card.name} was not loaded, because the first test was stopped: {error} "
                    "Allow more time for a test."
                ) from error
        request.config.stash[MODEL] = loaded
        yield loaded
    describe = getattr(loaded, "describe", None)  # a script takes no route
    if describe is not None:
        report_route(request.config, describe())


@pytest.fixture(scope="session")
def slice_answers(request: pytest.FixtureRequest, engine: Engine) -> CaseRunner:
    """The replies of this process.

    A worker is not told which slice it gets next, and looks ahead to none.
    """
    answers = CaseRunner(
        request.session.items,
        get_plan(request.config),
        engine,
        ahead=not is_worker(request.config),
        suspects=crashed_units(request.config),
        judgements=make_grader(request.config),
        waiting=partial(
            request.config.stash[WAITING].wait,
            limited=request.config.stash[ENGINE].name == LOCAL,  # a fleet has limits of its own
        ),
    )
    request.config.stash.setdefault(PIXELS, answers.pixels)
    return answers


def forget_try(item: pytest.Item) -> None:
    """Drop what an earlier try of the same item left behind."""
    if RECORD in item.stash:
        del item.stash[RECORD]
    if _ANSWERED in item.stash:
        del item.stash[_ANSWERED]
    if TROUBLE in item.stash:
        del item.stash[TROUBLE]


@pytest.fixture(scope="session")
def ask(request: pytest.FixtureRequest, slice_answers: CaseRunner) -> Callable[[Case], Answer]:
    """``ask(case)`` is the model's answer to the case's prompt."""
    stash, session = request.config.stash, request.session

    def ask_model(case: Case) -> Answer:
        item = stash[ITEM]
        forget_try(item)
        with abort_on_user_error(session), record_errors(item):
            answer = slice_answers.ask(case)
        item.stash[_ANSWERED] = answer
        return answer

    return ask_model


@pytest.fixture(scope="session")
def judge(
    request: pytest.FixtureRequest, slice_answers: CaseRunner
) -> Callable[[Case, Answer], Verdict]:
    """``judge(case, answer)`` is the verdict; JudgeError when there is none to be had."""
    stash, settings = request.config.stash, get_plan(request.config).settings
    name = settings.judge.name if settings.judge else "exact"

    def judge_answer(case: Case, answer: Answer) -> Verdict:
        with record_errors(stash[ITEM]):
            try:
                judgement = slice_answers.judgements.take(case, answer)
                return verdicts.judge(case, answer, settings.reply_parser, judgement, name)
            except (JudgeError, *ENDS_RUN):
                raise
            except BaseException as error:  # Whatever it is, the answer must not count as wrong.
                raise JudgeError(describe_error(error)) from error

    return judge_answer


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> Callable[[Verdict], None]:
    """``record(verdict)`` keeps the case's record; its report fails, shortly, on a miss."""
    stash, style = request.config.stash, get_plan(request.config).settings.style

    def keep(verdict: Verdict) -> None:
        item = stash[ITEM]
        case = get_case(item)
        assert case is not None, "record is for tests that are given a case"
        prompt = build_prompt(case, style)
        answer = item.stash[_ANSWERED]
        item.stash[RECORD] = make_record(item, case, prompt, answer, verdict)

    return keep


def make_record(
    item: pytest.Item, case: Case, prompt: Prompt, answer: Answer | None, verdict: Verdict
) -> Record:
    """The record of a case and the picture it was shown, signed with this worker's name."""
    return Record(
        case=case,
        prompt=prompt.text,
        answer=answer,
        verdict=verdict,
        worker=os.environ.get("PYTEST_XDIST_WORKER", "main"),
        pixels=item.config.stash.get(PIXELS, {}).get(case.image),
    )


@contextmanager
def record_errors(item: pytest.Item) -> Generator[None, None, None]:
    """Keep the record of a case that ends in a model's, judge's or image's error."""
    try:
        yield
    except (ModelError, ImageError, JudgeError) as error:
        record = make_error_record(item, error)
        if record is not None:
            item.stash[RECORD] = record
        raise
    except MachineError as error:
        item.stash[TROUBLE] = str(error)
        raise


def make_error_record(
    item: pytest.Item, error: ModelError | ImageError | JudgeError
) -> Record | None:
    """The record of a case that ended in an error; None where the item is given no case."""
    case = get_case(item)
    if case is None:
        return None
    match error:
        case ModelError():
            outcome = Outcome.MODEL_ERROR
        case ImageError():
            outcome = Outcome.IMAGE_ERROR
        case JudgeError():
            outcome = Outcome.JUDGE_ERROR
    prompt = build_prompt(case, get_plan(item.config).settings.style)
    answer = item.stash.get(_ANSWERED, None)
    failed = error.failed_rounds if isinstance(error, JudgeError) else 0
    verdict = Verdict(outcome=outcome, reason=str(error), failed_rounds=failed)
    return make_record(item, case, prompt, answer, verdict)
