"""Cases are asked while a prompt hangs."""

import threading
import time
from collections.abc import Generator, Sequence

import pytest

from fakebench_suite.backends.base import Backend, NotAsked, Reply, Request
from fakebench_suite.backends.registry import load_model
from fakebench_suite.errors import RunStoppedError
from fakebench_suite.execution import run_stop, runner
from fakebench_suite.execution.plan import RunRequest, make_plan
from fakebench_suite.execution.runner import execute
from fakebench_suite.types import Record
from tests.factories import make_answer


class OneHangs(Backend):
    """Has answers to all prompts but the third of a unit, which it waits for until it is told."""

    max_in_flight = 2

    def __init__(self) -> None:
        self.given_up = threading.Event()
        self.hung = 0

    def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
        """The answers, when the third is given up."""
        assert self.given_up.wait(30)
        replies: list[Reply] = [make_answer("fake") for _ in requests]
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
    monkeypatch.setattr(run_stop, "GIVE_UP_S", 0.3)
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


def test_the_grammar_of_replies_is_compiled_while_the_first_ones_are_awaited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once, in another thread: the model answers only when it has begun."""
    imported: list[str] = []
    begun = threading.Event()

    def note(name: str) -> None:
        assert threading.current_thread() is not threading.main_thread()
        imported.append(name)
        begun.set()

    class WaitsForImport(Backend):
        def run(self, requests: Sequence[Request]) -> Sequence[Reply]:
            assert begun.wait(5)
            return [make_answer("fake") for _ in requests]

    monkeypatch.setattr(runner, "import_module", note)
    plan = make_plan(RunRequest(model="coin", tasks=("detection",), sample=4))
    records = list(execute(plan, WaitsForImport()))
    assert all(record.answer is not None for record in records)
    assert imported == ["fakebench_suite.grading.verdict"]
