"""Detection statistics over many resamples at once, by weights.

Each takes who is fake (n), a score per case (n) and case weights (resamples x n), and gives one
value per resample. With unit weights they are scikit-learn's, which has no form for resamples;
the tests hold them against it.
"""

import numpy as np
from numpy.typing import NDArray

BINS = 10
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def matthews_corrcoef(fake: Bools, said_fake: Floats, weights: Floats) -> Floats:
    """Matthews correlation coefficient; 0, as in scikit-learn, where all replies are the same."""
    said = said_fake > 0
    tp, fn, fp, tn = (
        weights @ (truth & word).astype(float) for truth in (fake, ~fake) for word in (said, ~said)
    )
    scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    coefficient = np.divide(tp * tn - fp * fn, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.asarray(coefficient)


def f1_score(fake: Bools, said_fake: Floats, weights: Floats) -> Floats:
    """Harmonic mean of precision and recall of "fake"; 0, as in scikit-learn, without a hit."""
    said = said_fake > 0
    hits = weights @ (fake & said).astype(float)
    total = weights @ fake.astype(float) + weights @ said.astype(float)
    return np.asarray(np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0))


def roc_auc(fake: Bools, chances: Floats, weights: Floats) -> Floats:
    """Area under the ROC curve: the chance that a fake ranks above a real one, ties one half."""
    fakes, reals = _stack(fake, chances, weights)
    below = np.cumsum(reals, axis=1) - reals / 2
    area = (fakes * below).sum(axis=1)
    return np.asarray(area / (fakes.sum(axis=1) * reals.sum(axis=1)))


def average_precision(fake: Bools, chances: Floats, weights: Floats) -> Floats:
    """Precision averaged over the recall that each threshold adds."""
    fakes, reals = (side[:, ::-1] for side in _stack(fake, chances, weights))
    hits, alarms = np.cumsum(fakes, axis=1), np.cumsum(reals, axis=1)
    called = hits + alarms
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    return np.asarray((fakes * precision).sum(axis=1) / fakes.sum(axis=1))


def equal_error_rate(fake: Bools, chances: Floats, weights: Floats) -> Floats:
    """Error rate at the threshold where reals called fake and fakes called real are equally many.

    Between two thresholds the ROC curve is a straight line, as scikit-learn draws it.
    """
    fakes, reals = (side[:, ::-1] for side in _stack(fake, chances, weights))
    start = np.zeros((len(weights), 1))
    alarms = np.cumsum(np.hstack([start, reals]), axis=1) / reals.sum(axis=1, keepdims=True)
    misses = 1 - np.cumsum(np.hstack([start, fakes]), axis=1) / fakes.sum(axis=1, keepdims=True)
    gaps = alarms - misses  # It rises from -1, where nothing is called fake, to 1.
    after = np.maximum((gaps >= 0).argmax(axis=1), 1)
    rows = np.arange(len(weights))
    below, above = gaps[rows, after - 1], gaps[rows, after]
    share = -below / (above - below)
    first, second = alarms[rows, after - 1], alarms[rows, after]
    return np.asarray(first + share * (second - first))


def best_threshold_accuracy(fake: Bools, chances: Floats, weights: Floats) -> Floats:
    """Accuracy at the best threshold for these cases, an upper bound."""
    fakes, reals = (side[:, ::-1] for side in _stack(fake, chances, weights))
    gained = np.cumsum(fakes - reals, axis=1).max(axis=1)
    right = np.maximum(gained, 0) + reals.sum(axis=1)
    return np.asarray(right / weights.sum(axis=1))


def expected_calibration_error(fake: Bools, chances: Floats, weights: Floats) -> Floats:
    """Expected calibration error over ten equal bins of P(fake) (Guo et al. 2017, equation 3)."""
    places = np.minimum((chances * BINS).astype(int), BINS - 1)
    gaps = (fake - chances)[:, None] * (places[:, None] == np.arange(BINS))
    return np.asarray(np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1))


def _stack(fake: Bools, chances: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The weight of fakes and of reals at each distinct score, rising: resamples x scores."""
    order = np.argsort(chances, kind="stable")
    ranked = chances[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    sides = (weights[:, order] * side[order] for side in (fake, ~fake))
    fakes, reals = (np.add.reduceat(side, starts, axis=1) for side in sides)
    return fakes, reals
