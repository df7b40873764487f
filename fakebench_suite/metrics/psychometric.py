"""Detection over the strength of a forgery: curves, and the strength at which it is detected.

The threshold is the strength at which the fitted curve reaches TARGET. Of few pairs there are
neither a threshold nor a curve.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from fakebench_suite.metrics.intervals import NOTHING, Estimate, estimate_mean
from fakebench_suite.metrics.names import MIN_PAIRS, THRESHOLD_STRENGTH
from fakebench_suite.metrics.psychometric_curve import EPSILON, Floats, fit_curve, solve_curve
from fakebench_suite.metrics.threshold_interval import bound_threshold
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.types import Authenticity, Record, Task

TARGET = 0.75
METRIC = THRESHOLD_STRENGTH
ALL = "all"
_MIN_LEVELS = 3
"""Strengths above 0 below which there is no curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The share of images called fake at a strength, with its interval."""

    strength: float
    share: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A fitted curve."""

    levels: tuple[Level, ...]
    pairs: int
    """Untouched images with their forgeries that it is fitted to."""
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
        if is_enough(table):
            yield METRIC, subgroup, estimate_threshold(table, n=len(part))


def is_enough(table: StrengthTable) -> bool:
    """Whether there are MIN_PAIRS pairs, as many images as they have, and strengths enough."""
    levels = table.strengths.size
    return (
        levels > _MIN_LEVELS
        and len(table.groups) >= MIN_PAIRS
        and table.shown.sum() >= MIN_PAIRS * levels
    )


def fit_records(records: Sequence[Record]) -> Curve | None:
    """The curve of some records of graded probes; None of too few pairs or strengths."""
    table = tabulate_strengths(records)
    if not is_enough(table):
        return None
    a, b, false_alarms, lapses = fit_curve(table.strengths, *_sum(table))
    levels = tuple(
        Level(strength=float(strength), share=_estimate_share(table, column))
        for column, strength in enumerate(table.strengths)
    )
    return Curve(
        levels=levels,
        pairs=len(table.groups),
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
    """The threshold with its 95 % interval by profile likelihood; needs two pairs."""
    value = _solve(fit_curve(table.strengths, *_sum(table)), table.strengths)
    if value is None:
        return Estimate(value=None, low=None, high=None, n=n)
    low, high = bound_threshold(table.strengths, table.called_fake, table.shown, target=TARGET)
    return Estimate(
        value=value,
        low=min(low, value),
        high=None if high is None else max(high, value),
        n=n,
    )


def _solve(parameters: Floats, strengths: Floats) -> float | None:
    """The strength at which TARGET are called fake; None where none of those shown reaches it.

    A threshold below the least strength shown is that strength. There is none where as many
    untouched images are called fake.
    """
    logarithm = solve_curve(parameters, TARGET)
    if logarithm is None or logarithm > math.log(strengths.max()) + EPSILON:
        return None
    return float(max(math.exp(logarithm), strengths[strengths > 0].min()))
