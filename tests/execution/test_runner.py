"""What is made of the odd replies of a backend."""

import math
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from fakebench_suite.backends.base import Backend, Capability, NotAsked, Reply, Request
from fakebench_suite.backends.registry import load_model
from fakebench_suite.errors import ModelError, RunStoppedError
from fakebench_suite.execution import runner
from fakebench_suite.execution.plan import RunRequest, make_plan
from fakebench_suite.execution.runner import check_reply, execute
from fakebench_suite.runs.record_lines import decode_record, encode_record
from fakebench_suite.types import Answer, FinishReason, Outcome, Record
from tests.factories import make_record


def make_answer(text: object = "fake", p_fake: float | None = None) -> Answer:
    """An answer in a word."""
    return Answer(text=text, tokens=1, seconds=0.1, batch_size=1, p_fake=p_fake)  # type: ignore[arg-type]


def odd_answer(**fields: object) -> Answer:
    """An answer whose fields hold what they may not."""
    return replace(make_answer(), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "answer",
    [
        replace(make_answer(), option_probability_mass=0.0),
        replace(make_answer(), finish_reason=FinishReason.CONTENT_FILTER),
    ],
)
def test_an_answer_may_say_why_it_has_no_probability(answer: Answer) -> None:
    """Neither option was likely enough, or the server refused."""
    assert check_reply(answer, want=Capability.PROBABILITIES) == answer


@pytest.mark.parametrize(
    ("reply", "want", "message"),
    [
        ("yes", Capability.TEXT, "gave str in place of an Answer"),
        (None, Capability.TEXT, "gave NoneType in place of an Answer"),
        (make_answer(text=None), Capability.TEXT, "gave NoneType as the text"),
        (make_answer(), Capability.PROBABILITIES, "asked for probabilities and gave none"),
        (make_answer(p_fake=math.nan), Capability.PROBABILITIES, "gave nan as the probability"),
        (make_answer(p_fake=97.0), Capability.PROBABILITIES, "gave 97.0 as the probability"),
        (odd_answer(p_fake="0.3"), Capability.PROBABILITIES, "Expected `float | null`, got `str`"),
        (odd_answer(tokens="two"), Capability.TEXT, "Expected `int`, got `str` - at `$.tokens`"),
        (odd_answer(batch_size=None), Capability.TEXT, "got `null` - at `$.batch_size`"),
        (odd_answer(usage={"cost": []}), Capability.TEXT, "at `$.usage.cost`"),
        (odd_answer(reasoning=object()), Capability.TEXT, "object in place of a plain value"),
        (odd_answer(seconds=math.nan), Capability.TEXT, "gave nan as the seconds"),
    ],
)
def test_what_is_no_answer_to_the_request_is_an_error_of_the_model(
    reply: object, want: Capability, message: str
) -> None:
    """It is never read as a label."""
    error = check_reply(reply, want=want)
    assert isinstance(error, ModelError)
    assert message in str(error)


def test_an_answer_to_the_request_is_kept() -> None:
    """With or without a probability, and at both ends of the scale."""
    assert check_reply(make_answer(), want=Capability.TEXT) == make_answer()
    for chance in (0.0, 1.0):
        answer = make_answer(p_fake=chance)
        assert check_reply(answer, want=Capability.PROBABILITIES) == answer


def test_numbers_of_numpy_are_recorded_as_plain_ones() -> None:
    """As a model that computes by itself gives them."""
    answer = odd_answer(
        p_fake=np.float64(0.25), tokens=np.int64(3), batch_size=np.int32(2), seconds=np.float32(0.5)
    )
    checked = check_reply(answer, want=Capability.PROBABILITIES)
    assert isinstance(checked, Answer)
    fields = (checked.p_fake, checked.tokens, checked.batch_size, checked.seconds)
    assert fields == (0.25, 3, 2, 0.5)
    assert {type(field) for field in fields} == {int, float}
    record = replace(make_record("a.png", Outcome.CORRECT), answer=checked)
    assert decode_record(encode_record(record)) == record


class OneHangs(Backend):
    """Has answers to all prompts but the third of a unit, which it waits for until it is told."""

    max_in_flight = 2

    def __init__(self) -> None:
        self.given_up = threading.Event()
        self.hung = 0

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """The answers, when the third is given up."""
        assert self.given_up.wait(30)
        replies: list[Reply] = [make_answer() for _ in requests]
        if len(replies) > 2:
            replies[2] = NotAsked("It was given up.")
            self.hung += 1
        return replies

    def give_up(self) -> None:
        """Wait no longer."""
        self.given_up.set()


def test_a_prompt_that_hangs_costs_a_stopped_run_itself_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All others are recorded, soon after the time of the run is over."""
    monkeypatch.setattr(runner, "GIVE_UP_S", 0.3)
    plan = make_plan(RunRequest(model="coin", tasks=("detection",), sample=12, run_timeout=0.2))
    backend, started = OneHangs(), time.monotonic()
    records: list[Record] = []
    with pytest.raises(RunStoppedError, match=r"--run-timeout=0\.2 is over"):
        records.extend(execute(plan, backend))
    assert time.monotonic() - started < 20
    assert backend.hung >= 1
    assert len(records) == len(plan.cases) - backend.hung
    assert all(record.answer is not None for record in records)


def test_the_time_of_a_run_that_has_ended_stops_no_other() -> None:
    """Whose backend may be the same: the timer ends with the run, also with one that is left."""
    plan = make_plan(RunRequest(model="coin", sample=3, run_timeout=600.0))
    with load_model(plan.card, plan.load_options()) as backend:
        left = execute(plan, backend)
        assert isinstance(left, Generator)
        next(left)
        (timer,) = (t for t in threading.enumerate() if isinstance(t, threading.Timer))
        left.close()
        timer.join(5)
        assert not timer.is_alive()
        assert len(list(execute(plan, backend))) == len(plan.cases)
    assert not any(
        isinstance(thread, threading.Timer) and not thread.finished.is_set()
        for thread in threading.enumerate()
    )
