"""Patience with a server that no longer replies ends, and begins again when it does."""

import pytest

from fakebench_suite.endpoints.transport import (
    MIN_FAILURES,
    MIN_OUTAGE_S,
    PAUSE_S,
    CircuitBreaker,
    CircuitOpenError,
)


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
