"""Execution: the fixtures ``ask``, ``judge`` and ``record`` that every case is written with."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from fakebench_suite.adapters.adapter import Adapter, Reply
from fakebench_suite.adapters.cards import Kind, locate_weights
from fakebench_suite.errors import ImageError, ModelError, UserError
from fakebench_suite.judges import verdict as verdicts
from fakebench_suite.plugin.collection import Plan, cut_slices, get_case, get_plan
from fakebench_suite.prompts import build_prompt
from fakebench_suite.types import Answer, Case, Outcome, Prompt, Record, Verdict

RECORD = pytest.StashKey[Record]()
_ANSWERED = pytest.StashKey[Answer]()


class SliceAnswers:
    """Answers whole slices at the first question of each, and hands the replies out one by one."""

    def __init__(self, items: Sequence[pytest.Item], plan: Plan, model: Adapter) -> None:
        self._plan, self._model = plan, model
        self._ready: dict[str, Reply | ImageError] = {}
        self._members: dict[int, list[Case]] = {}
        self._slices: dict[str, int] = {}
        numbers = cut_slices([item.nodeid for item in items])
        for item in items:
            case = get_case(item)
            if case is not None:
                number = numbers[item.nodeid]
                self._slices[case.id] = number
                self._members.setdefault(number, []).append(case)

    def ask(self, case: Case) -> Answer:
        """The model's answer; raises ModelError or ImageError when there is none."""
        if case.id not in self._ready:
            # The slice is forgotten once answered: a case that runs twice is asked alone.
            members = self._members.pop(self._slices.get(case.id, -1), [])
            self._answer(members if case in members else [case])
        reply = self._ready.pop(case.id)
        if isinstance(reply, Answer):
            return reply
        raise reply

    def _answer(self, cases: Sequence[Case]) -> None:
        images, prompts = {}, []
        broken: dict[str, ImageError] = {}
        for case in cases:
            if case.image not in images and case.image not in broken:
                try:
                    images[case.image] = self._plan.dataset.open_image(case)
                except ImageError as error:
                    broken[case.image] = error
            if case.image in broken:
                self._ready[case.id] = broken[case.image]
            else:
                prompts.append(build_prompt(case, self._plan.settings.style))
        for prompt, reply in zip(prompts, self._model.answer(prompts, images), strict=True):
            self._ready[prompt.case] = mend_text(reply)


def mend_text(reply: Reply) -> Reply:
    """The reply as text that UTF-8 can carry: half a surrogate pair becomes U+FFFD."""
    if isinstance(reply, Answer):
        return replace(reply, text=_mend(reply.text))
    return ModelError(_mend(str(reply)))


def _mend(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    """The model under test, loaded when the first case asks."""
    plan = get_plan(request.config)
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
        adapter = HuggingFaceAdapter(plan.card, weights, device=device, remote_code=remote_code)
    except UserError as error:
        # Every case needs the model, so none can run: stop, here and in the other workers.
        request.session.shouldstop = str(error)
        pytest.fail(str(error), pytrace=False)
    with claim:
        yield adapter


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
def judge() -> Callable[[Case, Answer], Verdict]:
    """``judge(case, answer)`` is the verdict."""
    return verdicts.judge


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
    """The record of a case that ended in a model's or an image's error; None for any other."""
    match error:
        case ModelError():
            outcome = Outcome.MODEL_ERROR
        case ImageError():
            outcome = Outcome.IMAGE_ERROR
        case _:
            return None
    prompt = build_prompt(case, get_plan(item.config).settings.style)
    return make_record(case, prompt, None, Verdict(outcome=outcome, why=str(error)))


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
