"""The interval of a threshold by profile likelihood.

It holds the thresholds with which some curve explains the replies nearly as well as the likeliest
one does: twice the difference of log-likelihoods is at most the 95 % quantile of chi-squared
(Venzon and Moolgavkar 1988, Applied Statistics 37, 87-94). Replies on one pair are alike, so the
quantile is that of F with one degree of freedom less than there are pairs, times how much more the
pairs differ than independent replies would, where that is more. A bootstrap over few pairs, or of a
curve that rises between two strengths, is too sure.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import logit
from scipy.stats import chi2, f

from fakebench_suite.metrics.psychometric_curve import (
    MAX_LAPSE,
    Floats,
    measure_loss,
    predict_shares,
)

_THRESHOLDS = 64
"""Between the least and the greatest strength, at which the likelihood is profiled."""
_SLOPES = np.geomspace(0.7, 150, 12)
_FALSE_ALARMS = (0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
_LAPSES = (0, 0.03, MAX_LAPSE)
"""From all combinations of these, the likeliest one at each threshold is refined."""
_LOW = np.array([math.log(0.5), 0, 0])
_ROOM = 0.01
"""Least distance of false alarms from the target, beyond which no threshold is left."""
_MOST_SLOPE = 200.0
"""Steeper curves are steps between any two strengths that are shown."""
_STEPS = 25
_LEAST_DAMPING, _MOST_DAMPING = 1e-6, 1e9
_RIDGE = 1e-3
"""Keeps the information invertible where a parameter does not matter, such as a step's slope."""
_QUANTILE = float(chi2.ppf(0.95, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Profile:
    """The likeliest curves through each of the thresholds."""

    thresholds: Floats
    """Their logarithms."""
    losses: Floats
    shares: Floats
    """Thresholds x strengths."""
    slopes: Floats
    """Derivatives of the shares by ln threshold, ln b, g and l: thresholds x strengths x 4."""


def bound_threshold(
    strengths: Floats, called_fake: Floats, shown: Floats, *, target: float
) -> tuple[float, float | None]:
    """The 95 % interval of the strength at which the share ``target`` is called fake.

    It ends at the least strength shown, and has no upper bound where it reaches beyond the
    greatest one. ``called_fake`` and ``shown`` are pairs x strengths.
    """
    profile = _profile(strengths, called_fake.sum(axis=0), shown.sum(axis=0), target)
    best = int(profile.losses.argmin())
    deviance = 2 * (profile.losses - profile.losses[best])
    dispersion = _measure_dispersion(profile, best, called_fake, shown)
    limit = max(_QUANTILE, float(f.ppf(0.95, 1, len(shown) - 1)) * dispersion)
    inside = np.flatnonzero(deviance <= limit)
    first, last = int(inside[0]), int(inside[-1])
    low = profile.thresholds[0]
    if first > 0:
        low = _interpolate(profile.thresholds, deviance, limit, inner=first, outer=first - 1)
    if last == len(deviance) - 1:
        return float(math.exp(low)), None
    high = _interpolate(profile.thresholds, deviance, limit, inner=last, outer=last + 1)
    return float(math.exp(low)), float(math.exp(high))


def _interpolate(
    thresholds: Floats, deviance: Floats, limit: float, *, inner: int, outer: int
) -> float:
    """The threshold between two at which the deviance, which is about square, crosses the limit."""
    near, crossing, far = np.sqrt([deviance[inner], limit, deviance[outer]])
    part = (crossing - near) / (far - near)
    return float(thresholds[inner] + part * (thresholds[outer] - thresholds[inner]))


def _profile(strengths: Floats, called_fake: Floats, shown: Floats, target: float) -> _Profile:
    """The likeliest curve through each threshold, by damped Fisher scoring for all at once."""
    thresholds, starts, logs, inverse_logs = _list_starts(tuple(map(float, strengths)), target)
    losses = -(logs @ called_fake + inverse_logs @ (shown - called_fake))
    rows = np.arange(len(thresholds))
    parameters = starts[rows, losses.argmin(axis=1)]
    high = np.array([math.log(_MOST_SLOPE), target - _ROOM, MAX_LAPSE])
    damping = np.full(len(thresholds), 1.0)
    shares, slopes = _predict(thresholds, parameters, strengths, target)
    loss = measure_loss(shares, called_fake, shown)
    for _ in range(_STEPS):
        spread, free = shares * (1 - shares), slopes[..., 1:]
        gradient = np.einsum("ts,tsp->tp", (called_fake - shown * shares) / spread, free)
        information = np.einsum("ts,tsp,tsq->tpq", shown / spread, free, free)
        # A parameter that would leave its bounds stays, and the others move as if it were fixed.
        moves = ~((parameters <= _LOW) & (gradient < 0) | (parameters >= high) & (gradient > 0))
        gradient, information = gradient * moves, information * moves[:, None] * moves[..., None]
        information += damping[:, None, None] * np.eye(free.shape[-1])
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        moved = np.clip(parameters + step, _LOW, high)
        moved_shares, moved_slopes = _predict(thresholds, moved, strengths, target)
        moved_loss = measure_loss(moved_shares, called_fake, shown)
        better = moved_loss < loss
        parameters[better], loss[better] = moved[better], moved_loss[better]
        shares[better], slopes[better] = moved_shares[better], moved_slopes[better]
        damping = np.clip(np.where(better, damping / 4, damping * 4), _LEAST_DAMPING, _MOST_DAMPING)
    return _Profile(thresholds=thresholds, losses=loss, shares=shares, slopes=slopes)


@lru_cache(maxsize=4)
def _list_starts(
    strengths: tuple[float, ...], target: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """The logarithms of thresholds, curves through each, and logs of their shares and of the rest.

    Curves are thresholds x combinations x 3 (ln b, g, l), logs are thresholds x combinations x
    strengths. They are the same for all criteria.
    """
    shown = np.array(strengths)
    thresholds = np.linspace(math.log(shown[shown > 0].min()), math.log(shown.max()), _THRESHOLDS)
    alarms = [share for share in _FALSE_ALARMS if share <= target - _ROOM]
    axes = np.meshgrid(np.log(_SLOPES), alarms, _LAPSES, indexing="ij")
    curves = np.stack(axes, axis=-1).reshape(-1, 3)
    every = np.tile(curves, (_THRESHOLDS, 1))
    shares, _ = _predict(np.repeat(thresholds, len(curves)), every, shown, target)
    shares = shares.reshape(_THRESHOLDS, len(curves), -1)
    return (
        thresholds,
        every.reshape(_THRESHOLDS, len(curves), -1),
        np.log(shares),
        np.log1p(-shares),
    )


def _predict(
    thresholds: Floats, parameters: Floats, strengths: Floats, target: float
) -> tuple[Floats, Floats]:
    """Shares and derivatives of curves (fits x 3: ln b, g, l) through thresholds (fits)."""
    b, false_alarms, lapses = parameters.T
    height, slope = 1 - false_alarms - lapses, np.exp(b)
    rise = (target - false_alarms) / height
    offset = logit(rise) / slope
    curves = np.column_stack([thresholds - offset, b, false_alarms, lapses])
    shares, slopes = predict_shares(curves, strengths)
    by_rise = 1 / (rise * (1 - rise) * slope)
    # The place follows from the threshold and the others: the chain rule.
    moves = (
        np.ones_like(b),
        offset,
        by_rise * (1 - lapses - target) / height**2,
        -by_rise * (target - false_alarms) / height**2,
    )
    by_place = slopes[..., 0]
    chained = [by_place * move[:, None] for move in moves]
    for index in (1, 2, 3):
        chained[index] = chained[index] + slopes[..., index]
    return shares, np.stack(chained, axis=-1)


def _measure_dispersion(profile: _Profile, best: int, called_fake: Floats, shown: Floats) -> float:
    """The variance of ln threshold over pairs, divided by that of independent replies."""
    share, slopes = profile.shares[best], profile.slopes[best]
    spread = share * (1 - share)
    information = np.einsum("s,sp,sq->pq", shown.sum(axis=0) / spread, slopes, slopes)
    inverse = np.linalg.inv(information + _RIDGE * np.eye(len(information)))
    scores = ((called_fake - shown * share) / spread) @ slopes
    pairs = len(scores)
    robust = inverse @ (scores.T @ scores) @ inverse * pairs / (pairs - 1)
    return float(robust[0, 0] / inverse[0, 0])
