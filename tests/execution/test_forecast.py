"""The time a run still takes, from when its cases began and ended."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

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
    forecast: TimePredictor,
    units: int,
    *,
    worker: str = "gw0",
    warm_up: float = 0.0,
    answer_seconds: float | None = None,
) -> Iterator[int]:
    """Count the cases of so many units one by one: the first of each takes all of its time.

    The first unit takes ``warm_up`` seconds more.
    """
    for unit in range(units):
        for case in range(UNIT):
            began = unit * SECONDS + (warm_up if unit else 0.0)
            ended = (unit + 1) * SECONDS + warm_up
            forecast.add(
                worker,
                image=f"{unit}",
                start=ended if case else began,
                stop=ended,
                answer_seconds=answer_seconds,
            )
            yield unit * UNIT + case + 1


def run_single_cases(forecast: TimePredictor, ends: Sequence[float]) -> None:
    """Count cases that are a unit each, from 0 s on."""
    for start, stop in itertools.pairwise([0.0, *ends]):
        forecast.add("main", image=f"{stop}", start=start, stop=stop)


def test_bursts_do_not_change_what_is_predicted() -> None:
    """Equal units: from the second on each prediction is right, wherever in a burst it is made."""
    forecast = TimePredictor()
    for cases in run_units(forecast, 5):
        seconds = forecast.predict(10 * UNIT - cases)
        if cases > UNIT:
            assert seconds == pytest.approx((10 - math.ceil(cases / UNIT)) * SECONDS)
        else:
            assert seconds is None


def test_a_slow_first_unit_is_left_out() -> None:
    """A model is slower at first; from the third unit on, that is no part of the prediction."""
    forecast = TimePredictor()
    for cases in run_units(forecast, 5, warm_up=90.0):
        if cases > 2 * UNIT:
            left = 10 - math.ceil(cases / UNIT)
            assert forecast.predict(10 * UNIT - cases) == pytest.approx(left * SECONDS)


@pytest.mark.parametrize("workers", [1, 2])
def test_answers_say_how_long_others_take(workers: int) -> None:
    """From the first on, by what the backend says of each: what is done once is no part of it."""
    forecast = TimePredictor(workers=workers)
    each = SECONDS / UNIT
    for cases in run_units(forecast, 1, warm_up=90.0, answer_seconds=each):
        predicted = forecast.predict(10 * UNIT - cases)
        assert predicted == pytest.approx(9 * SECONDS / workers)


def test_recording_takes_time_too() -> None:
    """Answers that are there are tested and recorded one by one; what is slow once is left out."""
    forecast = TimePredictor()
    clock = 0.0
    for case in range(UNIT):
        start, clock = clock, clock + {0: SECONDS, 1: 5.0}.get(case, 0.1)
        forecast.add("main", image="0", start=start, stop=clock, answer_seconds=SECONDS / UNIT)
    assert forecast.predict(UNIT) == pytest.approx(SECONDS + UNIT * 0.1)


def test_answers_that_overlap_say_nothing() -> None:
    """A server has several at a time; two units after the first say how long others take."""
    forecast = TimePredictor()
    for cases in run_units(forecast, 5, answer_seconds=10 * SECONDS / UNIT):
        predicted = forecast.predict(10 * UNIT - cases)
        if cases > 3 * UNIT:
            assert predicted == pytest.approx((10 - math.ceil(cases / UNIT)) * SECONDS)
        else:
            assert predicted is None


def test_a_plan_takes_what_units_it_has() -> None:
    """Once the sample has ended, few units of a server are better than none."""
    forecast = TimePredictor(workers=2)
    for name in ("gw0", "gw1"):
        list(run_units(forecast, 2, worker=name, answer_seconds=10 * SECONDS / UNIT))
    assert forecast.predict(10 * UNIT) is not None  # one typical unit of each worker
    forecast = TimePredictor()
    list(run_units(forecast, 2, answer_seconds=10 * SECONDS / UNIT))
    assert forecast.predict(10 * UNIT) is None
    forecast.finish()
    assert forecast.predict(10 * UNIT) == pytest.approx(10 * SECONDS)


def test_an_interval_is_of_what_the_value_comes_from() -> None:
    """Where answers say the time, how much units differ says nothing of it."""
    forecast = TimePredictor(workers=2)
    list(run_units(forecast, 4, worker="gw0", answer_seconds=SECONDS / UNIT / 2))
    list(run_units(forecast, 1, worker="gw1", answer_seconds=SECONDS / UNIT / 2))
    forecast.finish()
    expected = forecast.estimate(1_000)
    assert expected is not None
    assert expected.low is None or expected.low <= expected.value <= (expected.high or 0)


def test_without_answers_a_short_first_unit_says_nothing() -> None:
    """Seconds of getting ready would count for far too much."""
    forecast = TimePredictor(least=1)
    run_single_cases(forecast, [3.0, 4.0])
    assert forecast.predict(10) is None
    forecast.add("main", image="third", start=4.0, stop=5.0)
    assert forecast.predict(10) == pytest.approx(10.0)


def test_workers_share_what_is_left() -> None:
    """Those that have not finished a unit count as much as the others."""
    forecast = TimePredictor(workers=2)
    for name in ("gw0", "gw1"):
        list(run_units(forecast, 3, worker=name))
    assert forecast.predict(640) == pytest.approx(150.0)
    forecast = TimePredictor(workers=3)
    for name in ("gw0", "gw1"):
        list(run_units(forecast, 3, worker=name))
    assert forecast.predict(640) == pytest.approx(100.0)


def test_what_other_workers_have_done_counts() -> None:
    """While the cases of one end, another is in the middle of its unit, and that is not left."""
    forecast = TimePredictor(workers=2)
    list(run_units(forecast, 3, worker="gw0"))
    for _ in range(UNIT):
        forecast.add("gw1", image="0", start=0.0, stop=70.0)
    assert forecast.predict(640) == pytest.approx((300.0 - 20.0) / 2)


@given(st.lists(st.floats(0.5, 2.0), min_size=30, max_size=60))
def test_units_of_one_case_are_predicted_by_their_mean(durations: list[float]) -> None:
    """The prediction is never off by more than they vary."""
    forecast = TimePredictor(least=1)
    run_single_cases(forecast, list(itertools.accumulate(durations)))
    predicted = forecast.predict(1)
    assert predicted is not None
    assert min(durations) - 1e-9 <= predicted <= max(durations) + 1e-9


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
    forecast = TimePredictor(least=1)
    run_single_cases(forecast, [40.0, 50.0])
    assert forecast.estimate(10) == PredictedValue(value=400.0)
    forecast = TimePredictor(least=1)
    run_single_cases(forecast, [40.0, 50.0, 59.0, 70.0, 80.0])
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


def test_one_image_says_nothing_of_others() -> None:
    """Its sum has no interval, whatever it is drawn from."""
    record = make_record("0.png", Outcome.CORRECT)
    total = forecast_total([record], {record.case.id: 7.0}, {Task.DETECTION: 3})
    assert total == PredictedValue(value=21.0)


def test_a_pair_of_probes_says_nothing_of_others() -> None:
    """Both images show one photograph, and are drawn together."""
    records = [
        replace(record, case=replace(record.case, paired_image=other))
        for name, other in (("a", "a-forged"), ("a-forged", "a"))
        for record in [make_record(name, Outcome.CORRECT)]
    ]
    taken = {record.case.id: 7.0 + n for n, record in enumerate(records)}
    total = forecast_total(records, taken, {Task.DETECTION: 4})
    assert total == PredictedValue(value=30.0)
