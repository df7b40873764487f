"""Two runs case by case: how much worse is this one, and could it be luck.

The unit is the image, because cases on one image stand or fall together.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap, norm, t

from fakebench_suite.metrics.intervals import expanded_percentile
from fakebench_suite.types import Outcome, Record, Task

RESAMPLES = 2000
FEWEST = 2
"""Images that can be resampled."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifferences:
    """What two runs made of the same cases, summed by image."""

    drop: Floats
    """Baseline less this run, one sum per image; in full marks, -1 to 1 a case."""
    sizes: Floats
    """Cases per image."""

    @property
    def n(self) -> int:
        """Cases both runs have."""
        return int(self.sizes.sum())

    @property
    def mean(self) -> float:
        """The drop per case; positive is worse."""
        return float(self.drop.sum() / self.sizes.sum())


def pair_by_image(
    old: Mapping[str, float], new: Mapping[str, float], images: Mapping[str, str]
) -> PairedDifferences:
    """The cases both runs have a value for, by image."""
    both = sorted(old.keys() & new.keys())
    names, index = np.unique([images[one] for one in both], return_inverse=True)
    drops = np.array([old[one] - new[one] for one in both], dtype=float)
    return PairedDifferences(
        drop=np.bincount(index, weights=drops, minlength=len(names)).astype(np.float64),
        sizes=np.bincount(index, minlength=len(names)).astype(np.float64),
    )


def collect(records: Sequence[Record], task: Task, metric: str) -> dict[str, float]:
    """The value of each graded case of a task, 0 to 1: right or wrong, or its marks over 2."""
    if metric == "accuracy":
        return {
            one.case.id: float(one.verdict.outcome is Outcome.CORRECT)
            for one in records
            if one.case.task is task
            and not one.verdict.outcome.is_error
            and one.verdict.outcome is not Outcome.UNSCORED
        }
    return {
        one.case.id: one.verdict.score / 2
        for one in records
        if one.case.task is task and one.verdict.ratings and one.verdict.score is not None
    }


def mcnemar(
    pairs: PairedDifferences, alternative: Literal["greater", "two-sided"] = "greater"
) -> float:
    """Exact McNemar: the chance of so many images turning worse (or either way), were both alike.

    Where images are asked more than once, an image counts as worse or better by its sum.
    """
    worse, better = int((pairs.drop > 0).sum()), int((pairs.drop < 0).sum())
    if worse + better == 0:
        return 1.0
    return float(binomtest(worse, worse + better, 0.5, alternative=alternative).pvalue)


def drop_interval(
    pairs: PairedDifferences, level: float, *, whole: bool
) -> tuple[float, float, float]:
    """A paired bootstrap over images: lower and upper bound of the drop, and its p-value.

    The bounds are one-sided at ``level`` each. Where cases change as a whole, from right to wrong
    or back, they are never closer than the exact (Clopper-Pearson) ones of how many images may
    turn: a bootstrap over one changed image, or none, knows nothing of those that might have.
    """
    images, mean = len(pairs.drop), pairs.mean
    worse, better = int((pairs.drop > 0).sum()), int((pairs.drop < 0).sum())
    if worse + better == 0 or images < FEWEST:
        unseen = 1 - level ** (1 / images)
        return mean - unseen, mean + unseen, 1.0
    low, high, p = bootstrap_drop(pairs, level)
    if not whole:
        return low, high, p
    room_up, room_down = (
        float(binomtest(count, images).proportion_ci(1 - 2 * level, "exact").high) - count / images
        for count in (worse, better)
    )
    return min(low, mean - room_down), max(high, mean + room_up), p


def bootstrap_drop(pairs: PairedDifferences, level: float) -> tuple[float, float, float]:
    """The bounds and p-value of the bootstrap alone, expanded for few images.

    It needs two images, and a change in some.
    """

    def ratio(drop: Floats, sizes: Floats, axis: int = -1) -> Floats:
        found: Floats = drop.sum(axis=axis) / sizes.sum(axis=axis)
        return found

    result = bootstrap(
        (pairs.drop, pairs.sizes),
        ratio,
        n_resamples=RESAMPLES,
        batch=200,
        paired=True,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    spread = result.bootstrap_distribution
    share, images = (1 + float((spread <= 0).sum())) / (1 + RESAMPLES), len(pairs.drop)
    tail = expanded_percentile(level, images)
    # The p-value is the level at which the expanded bound would just reach no drop.
    p = float(t.sf(norm.isf(share) / math.sqrt(images / (images - 1)), images - 1))
    return float(np.quantile(spread, tail)), float(np.quantile(spread, 1 - tail)), p
