"""A minute has no more requests and tokens than the user allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.endpoints.pacing import FIRST_TOKENS, WINDOW_S, Pace


def send(pace: Pace, count: int, tokens: float | None = None) -> list[float]:
    """When so many requests were sent, one after another as soon as each might be."""
    now, times = 0.0, []
    for _ in range(count):
        for _ in range(3):  # Another request may have taken the place that was waited for.
            now += pace.compute_wait(now)
        assert pace.compute_wait(now) == pytest.approx(0, abs=1e-6)
        request = pace.note_sent(now)
        times.append(now)
        if tokens is not None:
            pace.note_tokens(request, tokens)
    return times


def test_without_limits_nothing_waits() -> None:
    """Whatever was sent before."""
    assert send(Pace(None, None), 1000, tokens=10**9) == [0.0] * 1000


@given(st.integers(1, 20), st.integers(1, 60))
def test_no_minute_has_more_requests(limit: int, count: int) -> None:
    """Wherever it begins; and as many as the limit are sent at once."""
    times = send(Pace(limit, None), count)
    for number in range(limit, count):
        assert times[number] - times[number - limit] >= WINDOW_S - 1e-6
    assert times[: min(limit, count)] == [0.0] * min(limit, count)


@given(st.floats(1, 5000), st.integers(1, 40))
def test_no_minute_has_more_tokens(tokens: float, count: int) -> None:
    """Once it is known what a request takes; one alone may exceed the limit."""
    limit = 10_000.0
    times = send(Pace(None, limit), count, tokens=tokens)
    fit = max(1, int(limit / tokens))
    for start in range(count):
        inside = [time for time in times[start:] if time < times[start] + WINDOW_S - 1e-6]
        assert len(inside) <= max(fit, int(limit / FIRST_TOKENS))


def test_what_a_request_takes_is_expected_before_it_is_known() -> None:
    """So that many in flight do not exceed the limit of the first minute."""
    pace = Pace(None, 10 * FIRST_TOKENS)
    sent = [pace.note_sent(0.0) for _ in range(10)]
    assert pace.compute_wait(0.0) == WINDOW_S
    for request in sent:
        pace.note_tokens(request, FIRST_TOKENS / 2)
    assert pace.expected_tokens == FIRST_TOKENS / 2
    assert pace.compute_wait(1.0) == 0
    late = pace.note_sent(1.0)
    assert pace.compute_wait(WINDOW_S + 2) == 0
    pace.note_tokens(late, 10**9)  # It is not of the last minute any more.
    assert pace._total == 0


def test_a_share_below_one_request_is_one() -> None:
    """In as many minutes as there are workers to a request."""
    assert send(Pace(0.25, None), 2) == [0.0, 4 * WINDOW_S]
