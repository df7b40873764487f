"""Patience with a server that no longer replies ends, and begins again when it does."""

import time

import pytest

from fakebench_suite.grading.judges import transport
from fakebench_suite.grading.judges.cache import RatingCache
from fakebench_suite.grading.judges.endpoint import EndpointJudge
from fakebench_suite.grading.judges.rubric import RatingRequest
from fakebench_suite.grading.judges.transport import (
    MIN_FAILURES,
    MIN_OUTAGE_S,
    PAUSE_S,
    CircuitBreaker,
    CircuitOpenError,
)
from tests.grading.judges.server import Endpoint, Reply, serve


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Zero."""
    return Clock()


def fail(breaker: CircuitBreaker, clock: Clock, *, times: int, every: float) -> None:
    """So many requests without a reply."""
    for _ in range(times):
        breaker.admit()
        breaker.note_failure("no whole reply")
        clock.now += every


def test_a_server_that_is_down_is_left_alone_for_a_while(clock: Clock) -> None:
    """After enough failures over enough time nothing is sent; then one request tries it."""
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, clock, times=MIN_FAILURES, every=MIN_OUTAGE_S / (MIN_FAILURES - 1))
    with pytest.raises(
        CircuitOpenError, match=rf"{MIN_FAILURES} requests in a row.*no whole reply"
    ):
        breaker.admit()
    clock.now += PAUSE_S
    breaker.admit()
    with pytest.raises(CircuitOpenError):
        breaker.admit()
    breaker.note_reply()
    fail(breaker, clock, times=MIN_FAILURES - 1, every=MIN_OUTAGE_S)
    breaker.admit()


def test_a_short_outage_stops_nothing(clock: Clock) -> None:
    """All requests under way fail at once while a server starts again."""
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, clock, times=200, every=MIN_OUTAGE_S / 250)
    breaker.admit()


def test_a_reply_of_any_kind_is_a_sign_of_life(clock: Clock) -> None:
    """Slow by turns is not down."""
    breaker = CircuitBreaker(clock=clock)
    for _ in range(10):
        fail(breaker, clock, times=MIN_FAILURES - 1, every=MIN_OUTAGE_S)
        breaker.note_reply()
    breaker.admit()


def test_texts_are_given_up_at_once_where_the_judge_hangs(
    cache: RatingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty texts cost a few time-outs instead of sixty, and each says why."""
    monkeypatch.setattr(transport, "MIN_FAILURES", 8)
    monkeypatch.setattr(transport, "MIN_OUTAGE_S", 0.0)

    def hang(_body: object, _number: int) -> Reply:
        time.sleep(1)
        return 200, ""

    with serve(Endpoint(behave=hang)) as endpoint:
        judge = EndpointJudge("m", endpoint.url, rounds=1, cache=cache, timeout=0.2)
        requests = [RatingRequest(question="?", reference=["a"], text=f"{n}") for n in range(60)]
        started = time.monotonic()
        judgements = judge.grade(requests)
        assert time.monotonic() - started < 15
        assert [one.unanswered for one in judgements] == [1] * 60
        assert "was not asked" in judgements[-1].reason
        asked = len(endpoint.asked)
        assert asked <= 64
        judge.grade(requests[:5])
        assert len(endpoint.asked) == asked
