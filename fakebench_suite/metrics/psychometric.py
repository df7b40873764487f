"""Detection over the strength of a forgery: a logistic curve with lapses, by maximum likelihood.

The share called fake at strength s is ``g + (1 - g - l) / (1 + exp(-b (ln s - a)))``: g is the
share at strength 0 (false alarms), l the lapses at any strength, at most MAX_LAPSE, a and b the
place and the slope on the logarithm of the strength (Wichmann and Hill 2001, Perception &
Psychophysics 63, 1293-1313). The threshold is the strength at which TARGET are called fake.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from fakebench_suite.metrics.intervals import NOTHING, Estimate, estimate_mean
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.types import Authenticity, Record, Task

TARGET = 0.75
MAX_LAPSE = 0.1
METRIC = "threshold_strength"
ALL = "all"
_RESAMPLES = 500
_SEED = 0
_BOUNDS = (
    (math.log(0.005), math.log(20)),
    (math.log(0.5), math.log(40)),
    (0, 0.98),
    (0, MAX_LAPSE),
)
_STARTS = (0.1, 0.3, 0.8)
"""Strengths at which a fit begins; of all fits, the likeliest counts."""
_EPSILON = 1e-6
_MIN_LEVELS = 3
"""Strengths above 0 below which there is no curve."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The share of images called fake at a strength, with its interval."""

    strength: float
    share: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A fitted curve."""

    levels: tuple[Level, ...]
    midpoint: float
    """ln of the strength, ``a``."""
    slope: float
    false_alarms: float
    lapses: float

    def predict(self, strength: float) -> float:
        """The share called fake at a strength."""
        if strength <= 0:
            return self.false_alarms
        rise = float(expit(self.slope * (math.log(strength) - self.midpoint)))
        return self.false_alarms + (1 - self.false_alarms - self.lapses) * rise


@dataclass(frozen=True, slots=True, kw_only=True)
class StrengthTable:
    """Images called fake and shown, for each pair (rows) and strength (columns)."""

    strengths: Floats
    called_fake: Floats
    shown: Floats
    groups: tuple[str, ...]


def list_graded(records: Iterable[Record]) -> Mapping[str, list[Record]]:
    """The records of graded probes, all and by the criterion of their forgery, by case id.

    Each criterion has the untouched images of its own pairs.
    """
    graded = sorted(
        (
            record
            for record in records
            if record.case.task == Task.DETECTION
            and record.case.strength is not None
            and not record.verdict.outcome.is_error
        ),
        key=lambda record: record.case.id,
    )
    criteria = {_pair_of(r): r.case.criterion for r in graded if r.case.criterion is not None}
    parts = {ALL: graded} if graded else {}
    for name in CRITERIA:
        part = [record for record in graded if criteria.get(_pair_of(record)) == name]
        if part:
            parts[f"criterion={name}"] = part
    return parts


def score_strengths(records: Iterable[Record]) -> Iterator[tuple[str, str, Estimate]]:
    """Yield metric, subgroup and the threshold with its interval, where there are graded probes.

    A threshold that is not reached has no value, and an interval that ends beyond the strengths
    shown has no upper bound.
    """
    for subgroup, part in list_graded(records).items():
        table = tabulate_strengths(part)
        if table.strengths.size > _MIN_LEVELS:
            yield METRIC, subgroup, estimate_threshold(table, n=len(part))


def fit_records(records: Sequence[Record]) -> Curve | None:
    """The curve of some records of graded probes; None of fewer than three strengths above 0."""
    table = tabulate_strengths(records)
    if table.strengths.size <= _MIN_LEVELS:
        return None
    a, b, false_alarms, lapses = _fit(table.strengths, *_sum(table))
    levels = tuple(
        Level(strength=float(strength), share=_estimate_share(table, column))
        for column, strength in enumerate(table.strengths)
    )
    return Curve(
        levels=levels,
        midpoint=float(a),
        slope=float(math.exp(b)),
        false_alarms=float(false_alarms),
        lapses=float(lapses),
    )


def _estimate_share(table: StrengthTable, column: int) -> Estimate:
    shown = table.shown[:, column] > 0
    values = table.called_fake[shown, column] / table.shown[shown, column]
    groups = [name for name, is_shown in zip(table.groups, shown, strict=True) if is_shown]
    return estimate_mean(values, groups) if groups else NOTHING


def _pair_of(record: Record) -> str:
    """The untouched image, which all images of a pair are resampled with."""
    case = record.case
    return case.image if case.label is Authenticity.REAL else str(case.paired_image)


def tabulate_strengths(records: Sequence[Record]) -> StrengthTable:
    """The replies of graded probes by pair and strength; without a verdict, none is "fake"."""
    groups = sorted({_pair_of(record) for record in records})
    strengths = sorted({float(record.case.strength or 0) for record in records})
    rows = {name: index for index, name in enumerate(groups)}
    columns = {strength: index for index, strength in enumerate(strengths)}
    shown = np.zeros((len(groups), len(strengths)))
    called_fake = np.zeros_like(shown)
    for record in records:
        place = rows[_pair_of(record)], columns[float(record.case.strength or 0)]
        shown[place] += 1
        called_fake[place] += record.verdict.label == Authenticity.FAKE
    return StrengthTable(
        strengths=np.array(strengths), called_fake=called_fake, shown=shown, groups=tuple(groups)
    )


def _sum(table: StrengthTable) -> tuple[Floats, Floats]:
    return table.called_fake.sum(axis=0), table.shown.sum(axis=0)


def estimate_threshold(table: StrengthTable, *, n: int) -> Estimate:
    """The threshold with its 95 % percentile interval over resampled pairs.

    Where all resamples agree, the interval reaches to the strengths shown on either side.
    """
    strengths = table.strengths
    best = _fit(strengths, *_sum(table))
    value = _solve(best, strengths)
    if value is None:
        return Estimate(value=None, low=None, high=None, n=n)
    rng, count = np.random.default_rng(_SEED), len(table.groups)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=_RESAMPLES)
    fits = _refit(strengths, weights @ table.called_fake, weights @ table.shown, start=best)
    solved = [_solve(fit, strengths) for fit in fits]
    spread = np.array([math.inf if one is None else one for one in solved])
    low, high = np.quantile(spread, [0.025, 0.975], method="inverted_cdf")
    if high - low < _EPSILON:
        low = max((one for one in strengths if one < value), default=value)
        high = min((one for one in strengths if one > value), default=value)
    return Estimate(
        value=value,
        low=min(float(low), value) if math.isfinite(low) else None,
        high=max(float(high), value) if math.isfinite(high) else None,
        n=n,
    )


def _solve(parameters: Floats, strengths: Floats) -> float | None:
    """The strength at which TARGET are called fake; None where none of those shown reaches it.

    A threshold below the least strength shown is that strength. There is none where as many
    untouched images are called fake.
    """
    a, b, false_alarms, lapses = parameters
    rise = (TARGET - false_alarms) / (1 - false_alarms - lapses)
    if false_alarms >= TARGET or rise >= 1:
        return None
    logarithm = a + logit(rise) / math.exp(b)
    if logarithm > math.log(strengths.max()) + _EPSILON:
        return None
    return float(max(math.exp(logarithm), strengths[strengths > 0].min()))


def _fit(strengths: Floats, called_fake: Floats, shown: Floats) -> Floats:
    """The likeliest midpoint, logarithm of the slope, false alarms and lapses."""
    untouched = shown[strengths == 0].sum()
    alarms = float(called_fake[strengths == 0].sum() / untouched) if untouched else 0.0
    fits = [
        minimize(
            lambda parameters: _lose(parameters, strengths, called_fake, shown),
            np.array([math.log(strength), math.log(3), min(alarms, 0.9), 0.02]),
            jac=True,
            method="L-BFGS-B",
            bounds=_BOUNDS,
        )
        for strength in _STARTS
    ]
    best: Floats = min(fits, key=lambda fit: float(fit.fun)).x
    return best


def _lose(
    parameters: Floats, strengths: Floats, called_fake: Floats, shown: Floats
) -> tuple[float, Floats]:
    """The negative log-likelihood per image, and its gradient."""
    share, slopes = _predict(parameters[None], strengths)
    loss = _measure_loss(share, called_fake, shown)[0]
    outer = (called_fake - shown * share[0]) / (share[0] * (1 - share[0]))
    gradient: Floats = -(outer[:, None] * slopes[0]).sum(axis=0) / shown.sum()
    return float(loss / shown.sum()), gradient


def _predict(parameters: Floats, strengths: Floats) -> tuple[Floats, Floats]:
    """The share called fake at each strength, and its derivatives by the parameters.

    ``parameters`` is fits x 4; returns fits x strengths, and fits x strengths x 4.
    """
    a, b, false_alarms, lapses = (column[:, None] for column in parameters.T)
    raised = strengths > 0
    slope = np.exp(b)
    distance = np.where(raised, np.log(np.where(raised, strengths, 1.0)) - a, 0.0)
    rise = np.where(raised, expit(slope * distance), 0.0)
    height = 1 - false_alarms - lapses
    bent = height * rise * (1 - rise) * slope
    share = np.clip(false_alarms + height * rise, _EPSILON, 1 - _EPSILON)
    return share, np.stack([-bent, bent * distance, 1 - rise, -rise], axis=-1)


def _measure_loss(share: Floats, called_fake: Floats, shown: Floats) -> Floats:
    loss: Floats = -(called_fake * np.log(share) + (shown - called_fake) * np.log1p(-share)).sum(-1)
    return loss


def _refit(strengths: Floats, called_fake: Floats, shown: Floats, *, start: Floats) -> Floats:
    """The likeliest parameters of all resamples at once, by damped Fisher scoring from ``start``.

    One by one they would take a hundred times as long.
    """
    low, high = np.array(_BOUNDS).T
    parameters = np.tile(start, (len(called_fake), 1))
    damping = np.full(len(parameters), 1.0)
    share, slopes = _predict(parameters, strengths)
    loss = _measure_loss(share, called_fake, shown)
    for _ in range(_STEPS):
        spread = share * (1 - share)
        gradient = np.einsum("rs,rsp->rp", (called_fake - shown * share) / spread, slopes)
        information = np.einsum("rs,rsp,rsq->rpq", shown / spread, slopes, slopes)
        information += damping[:, None, None] * np.eye(len(start))
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        moved = np.clip(parameters + step, low, high)
        if np.abs(moved - parameters).max() < _SETTLED:
            break
        moved_share, moved_slopes = _predict(moved, strengths)
        moved_loss = _measure_loss(moved_share, called_fake, shown)
        better = moved_loss < loss
        parameters[better], loss[better] = moved[better], moved_loss[better]
        share[better], slopes[better] = moved_share[better], moved_slopes[better]
        damping = np.clip(np.where(better, damping / 3, damping * 4), _LEAST_DAMPING, _MOST_DAMPING)
    return parameters


_STEPS, _SETTLED = 60, 1e-3
_LEAST_DAMPING, _MOST_DAMPING = 1e-6, 1e9
