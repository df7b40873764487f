"""Work units: answered whole, cut where their images have no room, or several at a time."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from PIL import Image

from fakebench_suite.backends.base import Backend, Reply, Request
from fakebench_suite.errors import ModelError
from fakebench_suite.execution.engine import (
    MAX_IMAGE_BYTES,
    LocalEngine,
    WorkUnit,
    answer_work_unit,
    cut_by_room,
    try_work_unit,
)
from fakebench_suite.types import Prompt, QuestionType
from tests.factories import make_answer
from tests.fakes import FakeModel


def make_request(case: str, image: str) -> Request:
    """A request about one image of four pixels."""
    prompt = Prompt(case=case, image=image, question_type=QuestionType.WHAT, text="?")
    return Request(prompt=prompt, images={image: Image.new("RGB", (2, 2))})


def make_unit(number: int) -> WorkUnit:
    """One request."""
    prompt = Prompt(case=f"{number}", image="a", question_type=QuestionType.WHAT, text="?")
    images = {"a": Image.new("RGB", (2, 2))}
    return WorkUnit(number=number, requests=[Request(prompt=prompt, images=images)], images=images)


@dataclass(kw_only=True)
class Counting(FakeModel):
    """Keeps how many requests it was given at once."""

    sizes: list[int] = field(default_factory=list)

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One answer each."""
        self.sizes.append(len(requests))
        return [make_answer(request.prompt.case) for request in requests]


def test_a_unit_is_answered_by_case_id() -> None:
    """In one call, however many images it has."""
    backend = Counting()
    requests = [make_request("1", "a"), make_request("2", "a"), make_request("3", "b")]
    unit = WorkUnit(number=7, requests=requests, images={})
    replies = answer_work_unit(backend, unit)
    assert {name: getattr(reply, "text", None) for name, reply in replies.items()} == {
        "1": "1", "2": "2", "3": "3",
    }  # fmt: skip
    assert backend.sizes == [3]
    assert try_work_unit(backend, unit).number == 7


def test_images_without_room_side_by_side_are_asked_apart() -> None:
    """The cases of one image stay together, and each request is asked once, in order."""
    requests = [make_request(f"{number}", name) for number, name in enumerate("aabbc")]
    sizes = {"a": MAX_IMAGE_BYTES // 2 + 1, "b": MAX_IMAGE_BYTES // 2, "c": 1}
    batches = [[request.prompt.case for request in batch] for batch in cut_by_room(requests, sizes)]
    assert batches == [["0", "1"], ["2", "3", "4"]]
    backend = Counting()
    answer_work_unit(backend, WorkUnit(number=0, requests=requests, images={}, sizes=sizes))
    assert backend.sizes == [2, 3]
    assert list(cut_by_room([], sizes)) == []


@pytest.mark.parametrize("error", [RuntimeError("broken"), SystemExit(3), GeneratorExit()])
def test_what_a_backend_raises_is_the_result_of_its_unit(error: BaseException) -> None:
    """Also what is no Exception; an interrupt is not."""

    class Raising(FakeModel):
        def run(self, _requests: Sequence[Request]) -> Sequence[Reply]:
            raise exception

    exception: BaseException = error
    assert try_work_unit(Raising(), make_unit(3)).replies is error
    exception = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        try_work_unit(Raising(), make_unit(3))


def test_too_few_replies_are_an_error_of_the_unit() -> None:
    """No reply is given to another request."""

    class Short(FakeModel):
        def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
            return [ModelError("no")] * (len(requests) - 1)

    unit = WorkUnit(number=0, requests=[make_request("1", "a"), make_request("2", "a")], images={})
    assert isinstance(try_work_unit(Short(), unit).replies, ValueError)


def test_a_backend_of_one_unit_works_in_the_thread_that_waits() -> None:
    """Units are answered in order, none before it is waited for."""

    class Threads(FakeModel):
        def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
            threads.append(threading.current_thread())
            return [make_answer("fake") for _ in requests]

    threads: list[threading.Thread] = []
    engine = LocalEngine(Threads())
    engine.submit(make_unit(1))
    assert not engine.has_room
    engine.submit(make_unit(2))
    assert threads == []
    assert engine.holds(2)
    assert [engine.wait().number, engine.wait().number] == [1, 2]
    assert threads == [threading.current_thread()] * 2
    assert not engine.holds(2)


@dataclass
class Gate(Backend):
    """Answers each unit when its event is set."""

    max_in_flight = 2
    events: dict[str, threading.Event] = field(default_factory=dict)

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """One answer each."""
        self.events[requests[0].prompt.case].wait(30)
        return [make_answer("fake") for _ in requests]


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


def test_a_backend_gives_up_what_it_is_told_to() -> None:
    """The others of its unit are returned with their answers."""

    class Waiting(Gate):
        def give_up(self) -> None:
            for event in self.events.values():
                event.set()

    engine = LocalEngine(Waiting(events={"0": threading.Event()}))
    engine.submit(make_unit(0))
    engine.stop("Enough.")
    assert engine.holds(0)
    engine.give_up()
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
    threads = [thread for thread in threading.enumerate() if thread.name == "fakebench-unit-0"]
    assert [thread.daemon for thread in threads] == [True]
    backend.events["0"].set()
    threads[0].join(30)
    backend.events["1"].set()
    engine.submit(make_unit(1))
    assert engine.wait().number == 1
