"""The time a run still takes, from when its cases began and ended."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.execution.forecast import (
    PredictedValue,
    TimePredictor,
    describe_seconds,
    forecast_total,
)
from fakebench_suite.types import Outcome, Task
from tests.factories import make_record

UNIT, SECONDS = 64, 30.0


def run_units(
    forecast: TimePredictor, units: int, *, worker: str = "gw0", warm_up: float = 0.0
) -> Iterator[int]:
    """Count the cases of so many units one by one: the first of each takes all of its time.

    The first unit takes ``warm_up`` seconds more.
    """
    for unit in range(units):
        for case in range(UNIT):
            began = unit * SECONDS + (warm_up if unit else 0.0)
            ended = (unit + 1) * SECONDS + warm_up
            forecast.add(worker, start=ended if case else began, stop=ended)
            yield unit * UNIT + case + 1


def test_bursts_do_not_change_what_is_predicted() -> None:
    """Equal units: from the second on every prediction is that of the rate, wherever it is made."""
    forecast = TimePredictor()
    for cases in run_units(forecast, 5):
        seconds = forecast.predict(1_000)
        if cases > UNIT:
            assert seconds == pytest.approx(1_000 * SECONDS / UNIT)
        else:
            assert seconds is None


def test_a_slow_first_unit_is_left_out() -> None:
    """A model is slower at first; from the third unit on, that is no part of the prediction."""
    forecast = TimePredictor()
    for cases in run_units(forecast, 5, warm_up=90.0):
        if cases > 2 * UNIT:
            assert forecast.predict(1_000) == pytest.approx(1_000 * SECONDS / UNIT)


def test_a_short_first_unit_says_nothing() -> None:
    """Seconds of getting ready would count for far too much."""
    forecast = TimePredictor()
    for start in (0.0, 3.0, 4.0, 5.0):
        assert forecast.predict(10) is None or start > 3.0
        forecast.add("main", start=start, stop=start + 1.0)
    assert forecast.predict(10) == pytest.approx(10.0)


def test_workers_share_what_is_left() -> None:
    """Those that have not finished a unit count as much as the others."""
    forecast = TimePredictor()
    for name in ("gw0", "gw1"):
        list(run_units(forecast, 3, worker=name))
    assert forecast.predict(640) == pytest.approx(150.0)
    forecast.add("gw2", start=89.0, stop=90.0)
    assert forecast.predict(640) == pytest.approx(100.0)


def test_what_other_workers_have_done_counts() -> None:
    """While the cases of one end, another is in the middle of its unit, and that is not left."""
    forecast = TimePredictor()
    list(run_units(forecast, 3, worker="gw0"))
    forecast.add("gw1", start=0.0, stop=70.0)
    assert forecast.predict(640) == pytest.approx((300.0 - 20.0) / 2)


@given(st.lists(st.floats(0.5, 2.0), min_size=30, max_size=60))
def test_cases_asked_one_by_one_are_predicted_by_their_mean(durations: list[float]) -> None:
    """Of single cases each may be a unit; the prediction is never off by more than they vary."""
    forecast, clock = TimePredictor(), 0.0
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


def test_an_interval_says_how_much_units_differ() -> None:
    """None for equal units; it holds the truth of unequal ones, and is none with few."""
    forecast = TimePredictor()
    for start, stop in ((0.0, 40.0), (40.0, 50.0)):
        forecast.add("main", start=start, stop=stop)
    assert forecast.estimate(10) == PredictedValue(value=400.0)
    for start, stop in ((50.0, 59.0), (59.0, 70.0), (70.0, 80.0)):
        forecast.add("main", start=start, stop=stop)
    forecast.finish()
    expected = forecast.estimate(10)
    assert expected is not None
    assert expected.value == pytest.approx(100.0)
    assert expected.low is not None
    assert expected.high is not None
    assert 80 < expected.low < 100 < expected.high < 120


@given(st.lists(st.integers(1, 9), min_size=2, max_size=12), st.integers(1, 5))
def test_a_sample_of_all_images_gives_the_sum(amounts: list[int], factor: int) -> None:
    """And a population that is larger, so many times as much."""
    records = [
        make_record(f"{number}.png", Outcome.CORRECT, task=task, suffix=task)
        for number in range(len(amounts))
        for task in (Task.DETECTION, Task.ANALYSIS)
    ]
    taken = {
        record.case.id: float(amounts[int(record.case.image.partition(".")[0])])
        for record in records
    }
    population = {str(task): factor * len(amounts) for task in (Task.DETECTION, Task.ANALYSIS)}
    total = forecast_total(records, taken, population)
    assert total is not None
    assert total.value == pytest.approx(2 * factor * sum(amounts))
    assert total.low is not None
    assert total.high is not None
    assert total.low <= total.value + 1e-6
    assert total.high >= total.value - 1e-6
    assert forecast_total(records, {}, population) is None
