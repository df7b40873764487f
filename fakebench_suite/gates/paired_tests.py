"""Paired tests of two runs over the same cases.

The unit of every test is the image, because the outcomes of cases on one image are correlated.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap, norm, t

from fakebench_suite.metrics.intervals import expanded_percentile
from fakebench_suite.tasks.robustness import SEARCH
from fakebench_suite.types import Outcome, Record

RESAMPLES = 2000
MIN_IMAGES = 2
"""Fewest images for a bootstrap."""
_ALIKE = 1e-9
"""Changes closer than this count as equal, despite rounding."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifferences:
    """Differences of two runs over the same cases, summed by image."""

    drop: Floats
    """Baseline minus this run, one sum per image; each case adds -1 to 1."""
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
    names, index = np.unique([images[case] for case in both], return_inverse=True)
    drops = np.array([old[case] - new[case] for case in both], dtype=float)
    return PairedDifferences(
        drop=np.bincount(index, weights=drops, minlength=len(names)).astype(np.float64),
        sizes=np.bincount(index, minlength=len(names)).astype(np.float64),
    )


def case_values(records: Sequence[Record], task: str, metric: str) -> dict[str, float]:
    """The value of each scored case of a task: 1 or 0 for a pass or a miss, or half its score.

    Cases of the search have none: their verdict is on the reply to the flip that was found.
    """
    if metric == "accuracy":
        return {
            record.case.id: float(record.verdict.outcome is Outcome.CORRECT)
            for record in records
            if record.case.task == task
            and record.case.perturbation != SEARCH
            and not record.verdict.outcome.is_error
            and record.verdict.outcome is not Outcome.UNSCORED
        }
    return {
        record.case.id: record.verdict.score / 2
        for record in records
        if record.case.task == task and record.verdict.ratings and record.verdict.score is not None
    }


def mcnemar(
    pairs: PairedDifferences, alternative: Literal["greater", "two-sided"] = "greater"
) -> float:
    """The p-value of the exact McNemar test that more images became worse than better.

    An image with several cases counts as worse or better by their sum.
    """
    worse, better = int((pairs.drop > 0).sum()), int((pairs.drop < 0).sum())
    if worse + better == 0:
        return 1.0
    return float(binomtest(worse, worse + better, 0.5, alternative=alternative).pvalue)


def drop_interval(
    pairs: PairedDifferences, level: float, *, binary: bool
) -> tuple[float, float, float]:
    """Lower bound, upper bound and p-value of the drop, by a paired bootstrap over images.

    Each bound is one-sided at ``level``. With ``binary``, for cases that pass or miss, the bounds
    are at least as wide as the exact (Clopper-Pearson) bounds of the share of changed images: a
    bootstrap over one changed image, or none, underestimates the spread. No bound is beyond -1 or
    1.
    """
    images, mean = len(pairs.drop), pairs.mean
    worse, better = int((pairs.drop > 0).sum()), int((pairs.drop < 0).sum())
    has_changes = worse + better > 0 and images >= MIN_IMAGES
    low, high, p = bootstrap_drop(pairs, level) if has_changes else (mean, mean, 1.0)
    if not has_changes or np.ptp(pairs.drop / pairs.sizes) < _ALIKE:
        # Where all images change alike, resampling them would claim certainty.
        unseen = 1 - level ** (1 / images)
        return max(-1.0, mean - unseen), min(1.0, mean + unseen), p
    if not binary:
        return low, high, p
    room_up, room_down = (
        float(binomtest(count, images).proportion_ci(1 - 2 * level, "exact").high) - count / images
        for count in (worse, better)
    )
    # Where images have unequally many cases, the room is not that of the cases.
    return max(-1.0, min(low, mean - room_down)), min(1.0, max(high, mean + room_up)), p


def bootstrap_drop(pairs: PairedDifferences, level: float) -> tuple[float, float, float]:
    """Lower bound, upper bound and p-value of the bootstrap alone, expanded for few images.

    Requires at least two images, one of them changed.
    """

    def ratio(drop: Floats, sizes: Floats, axis: int = -1) -> Floats:
        ratios: Floats = drop.sum(axis=axis) / sizes.sum(axis=axis)
        return ratios

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
