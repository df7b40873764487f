"""The time a run still takes, from when its cases began and ended."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.execution.forecast import TimeForecast, describe_seconds

UNIT, SECONDS = 64, 10.0


def run_units(forecast: TimeForecast, units: int, *, worker: str = "gw0") -> Iterator[int]:
    """Count the cases of so many units one by one: the first of each takes all of its time."""
    for unit in range(units):
        for case in range(UNIT):
            start = unit * SECONDS + (SECONDS if case else 0.0)
            forecast.add(worker, start=start, stop=(unit + 1) * SECONDS)
            yield unit * UNIT + case + 1


def test_bursts_do_not_change_what_is_predicted() -> None:
    """Equal units: from the second on every prediction is that of the rate, wherever it is made."""
    forecast = TimeForecast()
    for cases in run_units(forecast, 5):
        seconds = forecast.predict(1_000)
        if cases > UNIT:
            assert seconds == pytest.approx(1_000 * SECONDS / UNIT)
        else:
            assert seconds is None


def test_workers_share_what_is_left() -> None:
    """Those that have not finished a unit count as much as the others."""
    forecast = TimeForecast()
    for name in ("gw0", "gw1"):
        list(run_units(forecast, 3, worker=name))
    assert forecast.predict(640) == pytest.approx(50.0)
    next(run_units(forecast, 1, worker="gw2"))
    assert forecast.predict(640) == pytest.approx(100 / 3)


@given(st.lists(st.floats(0.5, 2.0), min_size=30, max_size=60))
def test_cases_asked_one_by_one_are_predicted_by_their_mean(durations: list[float]) -> None:
    """Of single cases each may be a unit; the prediction is never off by more than they vary."""
    forecast, clock = TimeForecast(), 0.0
    for seconds in durations:
        forecast.add("main", start=clock, stop=clock + seconds)
        clock += seconds
    predicted = forecast.predict(1)
    assert predicted is not None
    assert min(durations) <= predicted <= max(durations)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.6, "60 s"),
        (150.0, "2 min"),
        (3_599.0, "1 h 0 min"),
        (12_000.0, "3 h 20 min"),
    ],
)
def test_times_in_words(seconds: float, words: str) -> None:
    """Two units at most."""
    assert describe_seconds(seconds) == words
