"""What is made of odd replies, and of backends that take several units at a time or hang."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from PIL import Image

from fakebench_suite.backends.base import Backend, Capability, Reply, Request
from fakebench_suite.errors import ModelError
from fakebench_suite.execution.engine import LocalEngine, WorkUnit
from fakebench_suite.execution.runner import check_reply
from fakebench_suite.types import Answer, FinishReason, Prompt, QuestionType


def make_answer(text: object = "fake", p_fake: float | None = None) -> Answer:
    """An answer in a word."""
    return Answer(text=text, tokens=1, seconds=0.1, batch_size=1, p_fake=p_fake)  # type: ignore[arg-type]


def make_unit(number: int) -> WorkUnit:
    """One request."""
    prompt = Prompt(case=f"{number}", image="a", question_type=QuestionType.WHAT, text="?")
    images = {"a": Image.new("RGB", (2, 2))}
    return WorkUnit(number=number, requests=[Request(prompt=prompt, images=images)], images=images)


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


@dataclass
class Gate(Backend):
    """Answers each unit when its event is set."""

    max_in_flight = 2
    events: dict[str, threading.Event] = field(default_factory=dict)

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One answer each."""
        self.events[requests[0].prompt.case].wait(30)
        return [make_answer() for _ in requests]


def test_units_in_flight_come_back_as_they_are_answered() -> None:
    """The second is answered while the first is under way, and there is room for no third."""
    backend = Gate(events={"0": threading.Event(), "1": threading.Event()})
    engine = LocalEngine(backend)
    engine.submit(make_unit(0))
    assert engine.has_room
    engine.submit(make_unit(1))
    assert not engine.has_room
    backend.events["1"].set()
    assert engine.wait().number == 1
    assert engine.holds(0)
    assert not engine.holds(1)
    backend.events["0"].set()
    assert engine.wait().number == 0


def test_a_broken_wait_leaves_hung_units_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held any more, and what comes late is not taken for another unit.

    The thread that is left behind keeps no process alive.
    """
    backend = Gate(events={"0": threading.Event(), "1": threading.Event()})
    engine = LocalEngine(backend)
    engine.submit(make_unit(0))

    class Broken:
        def get(self) -> None:
            raise KeyboardInterrupt

    results = engine._results
    monkeypatch.setattr(engine, "_results", Broken())
    with pytest.raises(KeyboardInterrupt):
        engine.wait()
    monkeypatch.setattr(engine, "_results", results)
    assert not engine.holds(0)
    assert engine.has_room
    threads = [one for one in threading.enumerate() if one.name == "fakebench-unit-0"]
    assert [one.daemon for one in threads] == [True]
    backend.events["0"].set()
    threads[0].join(30)
    backend.events["1"].set()
    engine.submit(make_unit(1))
    assert engine.wait().number == 1
