"""Intervals of thresholds cover the true one as often as they say, by simulation."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from fakebench_suite.metrics.names import MIN_PAIRS
from fakebench_suite.metrics.psychometric import (
    TARGET,
    StrengthTable,
    estimate_threshold,
)
from fakebench_suite.metrics.psychometric_curve import Floats
from fakebench_suite.metrics.threshold_interval import bound_threshold

STRENGTHS = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0])


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Who calls images fake by a known curve, whose midpoint differs from pair to pair."""

    threshold: float
    slope: float
    low: float
    lapses: float
    spread: float = 0.0
    """Standard deviation over pairs of the logarithm of the midpoint."""

    def find_midpoint(self) -> float:
        """The midpoint with which the mean over pairs reaches the target at the threshold."""
        deviations = norm.ppf((np.arange(200) + 0.5) / 200) * self.spread
        height = 1 - self.low - self.lapses

        def miss(midpoint: float) -> float:
            distance = math.log(self.threshold) - midpoint - deviations
            return float(self.low + height * expit(self.slope * distance).mean() - TARGET)

        return float(brentq(miss, -8.0, 8.0))

    def answer(self, rng: np.random.Generator, pairs: int) -> StrengthTable:
        """The replies to that many pairs at each strength."""
        raised = STRENGTHS > 0
        midpoints = self.find_midpoint() + rng.normal(size=(pairs, 1)) * self.spread
        distance = np.log(np.where(raised, STRENGTHS, 1.0)) - midpoints
        rise = (1 - self.low - self.lapses) * expit(self.slope * distance)
        chance = self.low + np.where(raised, rise, 0.0)
        called_fake = (rng.random(chance.shape) < chance).astype(float)
        return StrengthTable(
            strengths=STRENGTHS,
            called_fake=called_fake,
            shown=np.ones_like(called_fake),
            groups=tuple(map(str, range(pairs))),
        )


def draw_observer(rng: np.random.Generator, spread: float) -> Observer:
    """One of those that there may be."""
    return Observer(
        threshold=math.exp(rng.uniform(math.log(0.1), math.log(0.6))),
        slope=math.exp(rng.uniform(math.log(2), math.log(8))),
        low=rng.uniform(0, 0.2),
        lapses=rng.uniform(0, 0.05),
        spread=spread,
    )


def measure_coverage(*, pairs: int, draws: int, spread: float = 0.0) -> float:
    """The share of intervals of thresholds with a value that hold the true one."""
    rng = np.random.default_rng(11)
    hits = []
    for _ in range(draws):
        observer = draw_observer(rng, spread)
        found = estimate_threshold(observer.answer(rng, pairs), n=pairs)
        if found.value is not None:
            assert found.low is not None
            high = math.inf if found.high is None else found.high
            hits.append(found.low <= observer.threshold <= high)
    assert len(hits) > 0.8 * draws
    return float(np.mean(hits))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("pairs", "spread", "draws"),
    [(MIN_PAIRS, 0.5, 400), (12, 0.0, 400), (12, 0.5, 300), (60, 0.0, 200), (120, 0.5, 300)],
)
def test_intervals_cover_as_often_as_they_say(pairs: int, spread: float, draws: int) -> None:
    """From the fewest pairs that have a threshold to all, also where pairs differ."""
    assert 0.93 <= measure_coverage(pairs=pairs, draws=draws, spread=spread) <= 0.97


def test_intervals_of_twelve_pairs_are_not_too_narrow() -> None:
    """The number of pairs of a criterion; a bootstrap over so few covered three in four."""
    assert measure_coverage(pairs=12, draws=100) >= 0.9


@pytest.mark.parametrize("threshold", [0.25, 0.3, 0.35])
def test_a_steep_curve_has_the_interval_between_two_strengths(threshold: float) -> None:
    """Nothing is known within it, so it holds the threshold wherever that lies."""
    observer = Observer(threshold=threshold, slope=40, low=0, lapses=0)
    found = estimate_threshold(observer.answer(np.random.default_rng(0), 60), n=60)
    assert found.low is not None
    assert found.high is not None
    assert 0.19 < found.low < 0.22
    assert 0.37 < found.high < 0.41


def test_pairs_that_differ_widen_the_interval() -> None:
    """The same shares say less where a pair is called fake at every strength or at none."""
    rng = np.random.default_rng(3)
    table = Observer(threshold=0.35, slope=2, low=0.1, lapses=0).answer(rng, 40)
    alike = np.sort(table.called_fake, axis=0)  # As few pairs as can be have all the hits.

    def width(called_fake: Floats) -> float:
        low, high = bound_threshold(STRENGTHS, called_fake, table.shown, target=TARGET)
        assert high is not None
        return math.log(high / low)

    assert width(alike) > 1.05 * width(table.called_fake)


@pytest.mark.parametrize(("slope", "low"), [(3.0, 0.0), (2.5, 0.1)])
def test_an_interval_ends_where_curves_fit_too_badly(slope: float, low: float) -> None:
    """Its bounds are those of a search over all curves through a threshold."""
    table = Observer(threshold=0.3, slope=slope, low=low, lapses=0).answer(
        np.random.default_rng(1), 30
    )
    called_fake, shown = table.called_fake.sum(axis=0), table.shown.sum(axis=0)
    # Each pair has its part of the hits, so that the pairs are no more different than replies are.
    even, start = np.zeros_like(table.called_fake), 0
    for column, hits in enumerate(called_fake.astype(int)):
        even[np.arange(start, start + hits) % len(even), column] = 1
        start += hits
    bounds = bound_threshold(STRENGTHS, even, table.shown, target=TARGET)
    slopes, alarms, lapses = np.meshgrid(
        np.geomspace(0.7, 20, 120), np.linspace(0, 0.4, 61), np.linspace(0, 0.1, 6)
    )
    height = 1 - alarms - lapses

    def lose(threshold: float) -> float:
        midpoint = math.log(threshold) - logit((TARGET - alarms) / height) / slopes
        loss = np.zeros_like(slopes)
        for strength, hits, number in zip(STRENGTHS, called_fake, shown, strict=True):
            share = alarms
            if strength:
                share = alarms + height * expit(slopes * (math.log(strength) - midpoint))
            share = np.clip(share, 1e-6, 1 - 1e-6)
            loss -= hits * np.log(share) + (number - hits) * np.log1p(-share)
        return float(loss.min())

    least = min(lose(threshold) for threshold in np.geomspace(0.2, 0.5, 60))
    for bound in bounds:
        assert bound is not None
        assert 2 * (lose(bound) - least) == pytest.approx(3.84, abs=0.3)
