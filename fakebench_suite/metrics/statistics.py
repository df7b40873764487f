"""Intervals: Wilson for plain proportions, bootstrap over image groups where cases share images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap
from statsmodels.stats.proportion import proportion_confint

RESAMPLES = 2000
_SEED = 0
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value with its 95 % interval over ``n`` cases; None throughout where n is 0."""

    value: float | None
    low: float | None
    high: float | None
    n: int


NOTHING = Estimate(value=None, low=None, high=None, n=0)


def estimate_mean(values: ArrayLike, groups: Sequence[str]) -> Estimate:
    """The mean of one value per case.

    A 0/1 outcome asked once per image gets a Wilson interval, which stays honest at 0 and 1.
    Anything else gets a percentile bootstrap that resamples whole image groups; where all cases
    agree, resampling would claim certainty, so each group counts as one Wilson trial instead.
    """
    cases = np.asarray(values, dtype=float)
    if cases.size == 0:
        return NOTHING
    value = float(cases.mean())
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    sums: Floats = np.bincount(index, weights=cases).astype(np.float64)
    sizes: Floats = np.bincount(index).astype(float)
    binary, constant = bool(np.isin(cases, (0.0, 1.0)).all()), bool(cases.std() == 0)
    low: float | None = None
    high: float | None = None
    if binary and (constant or len(sums) == cases.size):
        low, high = map(float, proportion_confint(value * len(sums), len(sums), method="wilson"))
    elif len(sums) > 1:
        low, high = _bootstrap_ratio(sums, sizes)
    return Estimate(value=value, low=low, high=high, n=cases.size)


def estimate_balanced(values: ArrayLike, fake: ArrayLike, groups: Sequence[str]) -> Estimate:
    """Balanced accuracy: the mean of the two classes' accuracies, which share no image.

    Its interval is recovered from theirs (MOVER, Zou and Donner 2008, Statistics in Medicine 27,
    1693-1702); for plain proportions that is Newcombe's hybrid score interval.
    """
    cases, is_fake = np.asarray(values, dtype=float), np.asarray(fake, dtype=bool)
    names = np.asarray(groups)
    one, two = (estimate_mean(cases[side], names[side].tolist()) for side in (is_fake, ~is_fake))
    if one.value is None or two.value is None:
        return NOTHING
    value = (one.value + two.value) / 2
    if one.low is None or one.high is None or two.low is None or two.high is None:
        return Estimate(value=value, low=None, high=None, n=cases.size)
    below = math.hypot(one.value - one.low, two.value - two.low) / 2
    above = math.hypot(one.high - one.value, two.high - two.value) / 2
    return Estimate(
        value=value, low=max(0.0, value - below), high=min(1.0, value + above), n=cases.size
    )


def _bootstrap_ratio(sums: Floats, sizes: Floats) -> tuple[float, float]:
    """95 % percentile interval of the mean case value when whole groups are resampled."""

    def ratio(some_sums: Floats, some_sizes: Floats, axis: int = -1) -> Floats:
        mean: Floats = some_sums.sum(axis=axis) / some_sizes.sum(axis=axis)
        return mean

    result = bootstrap(
        (sums, sizes),
        ratio,
        n_resamples=RESAMPLES,
        batch=200,
        paired=True,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
