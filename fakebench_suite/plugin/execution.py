"""Execution: the fixtures ``ask``, ``judge`` and ``record`` that every case is written with."""

import os
from collections.abc import Callable, Iterator

import pytest

from fakebench_suite.adapters.adapter import Adapter
from fakebench_suite.adapters.cards import Kind, locate_weights
from fakebench_suite.errors import ImageError, JudgeError, ModelError, UserError
from fakebench_suite.judges import verdict as verdicts
from fakebench_suite.plugin.collection import get_plan
from fakebench_suite.plugin.routes import report_route
from fakebench_suite.plugin.slices import SliceAnswers
from fakebench_suite.prompts import build_prompt
from fakebench_suite.report.store import read_records
from fakebench_suite.types import Answer, Case, Outcome, Prompt, Record, Verdict

RECORD = pytest.StashKey[Record]()
_ANSWERED = pytest.StashKey[Answer]()


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    """The model under test, loaded when the first case asks."""
    plan = get_plan(request.config)
    if plan.settings.answers is not None:
        from fakebench_suite.adapters.replay import ReplayAdapter

        yield ReplayAdapter(list(read_records(plan.settings.answers)))
        return
    if plan.card.adapter is Kind.SCRIPTED:
        from fakebench_suite.adapters.scripted import ScriptedAdapter

        assert plan.card.script is not None
        yield ScriptedAdapter(plan.card.script)
        return
    from fakebench_suite.adapters.devices import choose_device
    from fakebench_suite.adapters.huggingface import HuggingFaceAdapter

    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    weights = locate_weights(plan.card)
    assert weights is not None
    try:
        device, claim = choose_device(workers)
        remote_code = plan.card.trust_remote_code and plan.settings.remote_code
        adapter = HuggingFaceAdapter(
            plan.card,
            weights,
            device=device,
            remote_code=remote_code,
            batch_tokens=plan.settings.batch_tokens,
        )
    except UserError as error:
        # Every case needs the model, so none can run: stop, here and in the other workers.
        request.session.shouldstop = str(error)
        pytest.fail(str(error), pytrace=False)
    with claim:
        yield adapter
    tokens = {"batch_tokens": adapter.batch_tokens}
    report_route(request.config, adapter.route.describe() | tokens)


@pytest.fixture(scope="session")
def slice_answers(request: pytest.FixtureRequest, model: Adapter) -> SliceAnswers:
    """The replies of this process."""
    return SliceAnswers(request.session.items, get_plan(request.config), model)


@pytest.fixture
def ask(request: pytest.FixtureRequest, slice_answers: SliceAnswers) -> Callable[[Case], Answer]:
    """``ask(case)`` is the model's answer to the case's prompt."""

    def ask_model(case: Case) -> Answer:
        answer = slice_answers.ask(case)
        request.node.stash[_ANSWERED] = answer
        return answer

    return ask_model


@pytest.fixture
def judge(
    request: pytest.FixtureRequest, slice_answers: SliceAnswers
) -> Callable[[Case, Answer], Verdict]:
    """``judge(case, answer)`` is the verdict; JudgeError when there is none to be had."""
    settings = get_plan(request.config).settings
    name = settings.judge.name if settings.judge else "exact"

    def judge_answer(case: Case, answer: Answer) -> Verdict:
        try:
            judgement = slice_answers.judgements.take(case)
            return verdicts.judge(case, answer, settings.rule, judgement, name)
        except JudgeError:
            raise
        except Exception as error:  # Whatever went wrong, the answer must not count as wrong.
            raise JudgeError(f"{type(error).__name__}: {error}") from error

    return judge_answer


@pytest.fixture
def record(request: pytest.FixtureRequest, case: Case) -> Callable[[Verdict], None]:
    """``record(verdict)`` keeps the case's record and fails the item, shortly, on a miss."""

    def keep(verdict: Verdict) -> None:
        prompt = build_prompt(case, get_plan(request.config).settings.style)
        answer = request.node.stash[_ANSWERED]
        request.node.stash[RECORD] = make_record(case, prompt, answer, verdict)
        if verdict.outcome.is_miss:
            pytest.fail(describe_miss(case, prompt, answer, verdict), pytrace=False)

    return keep


def make_record(case: Case, prompt: Prompt, answer: Answer | None, verdict: Verdict) -> Record:
    """The record of a case, signed with this process's worker name."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return Record(case=case, prompt=prompt.text, answer=answer, verdict=verdict, worker=worker)


def make_error_record(item: pytest.Item, case: Case, error: BaseException) -> Record | None:
    """The record of a case that ended in a model's, judge's or image's error; None for others."""
    match error:
        case ModelError():
            outcome = Outcome.MODEL_ERROR
        case ImageError():
            outcome = Outcome.IMAGE_ERROR
        case JudgeError():
            outcome = Outcome.JUDGE_ERROR
        case _:
            return None
    prompt = build_prompt(case, get_plan(item.config).settings.style)
    answer = item.stash.get(_ANSWERED, None)
    failed = error.failed_rounds if isinstance(error, JudgeError) else 0
    verdict = Verdict(outcome=outcome, why=str(error), failed_rounds=failed)
    return make_record(case, prompt, answer, verdict)


def describe_miss(case: Case, prompt: Prompt, answer: Answer, verdict: Verdict) -> str:
    """A card of four lines: asked, expected, said, why."""
    wanted = [str(case.label)] if case.label else []
    wanted += [clue.text for clue in case.expected or ()]
    return (
        f"{case.id}: {verdict.outcome}\n"
        f"  asked     {prompt.text}\n"
        f"  expected  {'; '.join(wanted)}\n"
        f"  said      {answer.text!r}\n"
        f"  why       {verdict.why}"
    )
