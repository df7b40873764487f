"""How long a run takes and what it costs, from the cases that were answered so far."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fakebench_suite.types import Record

_SHORT = 4.0
"""A case that took a fourth of the mean or more waited for answers; in a burst it takes less."""
_LONG_S = 20.0
"""A first unit of so many seconds or more says how long others take."""
_SECONDS_SHOWN = 120.0
"""Times up to which seconds matter."""
RESAMPLES = 2_000
"""Samples of images, drawn again, for the interval of a sum."""
_BOUNDS = (2.5, 97.5)
"""Percentiles of a 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedValue:
    """A value that is expected, with its 95 % interval; the bounds are None where none is known."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class _Unit:
    """The cases of a work unit, and the seconds from its beginning to that of the next."""

    cases: int
    seconds: float


@dataclass(slots=True, kw_only=True)
class _Worker:
    """What one process has done so far."""

    began: float
    """When its current unit began."""
    cases: int = 0
    """Of the current unit."""
    last_stop: float = 0.0
    units: list[_Unit] = field(default_factory=list)

    @property
    def typical_units(self) -> Sequence[_Unit]:
        """Those that say how long others take: without the first, unless it is alone and long."""
        if len(self.units) > 1:
            return self.units[1:]
        return [unit for unit in self.units if unit.seconds >= _LONG_S]


class TimePredictor:
    """Predicts the time that a run still takes, in seconds.

    Cases end in bursts: the first of a work unit waits for all its answers, and the others take no
    time. So whole units are counted, up to the case with which the next begins; in the middle of a
    burst a rate would be too low, and after the first case of all no more than a 64th. The first
    unit is slower than the others by seconds: a short one says nothing, and a long one is left out
    once there are two.
    """

    def __init__(self) -> None:
        self._workers: dict[str, _Worker] = {}

    def add(self, name: str, *, start: float, stop: float) -> None:
        """Count a case that the worker of this name asked, with the times of its test."""
        worker = self._workers.setdefault(name, _Worker(began=start))
        elapsed = start - worker.began
        seconds_each = elapsed / worker.cases if worker.cases else 0.0
        if elapsed > 0 and (stop - start) * _SHORT >= seconds_each > 0:
            worker.units.append(_Unit(worker.cases, elapsed))
            worker.began, worker.cases = start, 0
        worker.cases += 1
        worker.last_stop = stop

    def finish(self) -> None:
        """Count the last unit of each worker; no case follows."""
        for worker in self._workers.values():
            if worker.cases and worker.last_stop > worker.began:
                worker.units.append(_Unit(worker.cases, worker.last_stop - worker.began))
                worker.cases = 0

    def predict(self, cases: int) -> float | None:
        """The seconds for so many more cases; None as long as too few units are finished.

        Workers of which nothing is known yet are as fast as the others. While cases of one worker
        end, the others have done a part of what is left. At the end of a run no more of them have
        something to do than there are units.
        """
        units = self._list_units()
        if not units:
            return None
        counted, seconds = sum(u.cases for u in units), sum(u.seconds for u in units)
        units_left = math.ceil(cases * len(units) / counted)
        busy = max(1, min(len(self._workers), units_left))
        done = self._measure_begun(busy, most=seconds / len(units))
        return max(0.0, cases * seconds / counted - done) / busy

    def _measure_begun(self, busy: int, *, most: float) -> float:
        """The seconds that so many workers have spent on units of which no case has ended.

        They are those of which a case ended last. A unit takes no longer than ``most``.
        """
        latest = max(worker.last_stop for worker in self._workers.values())
        begun = (latest - worker.last_stop for worker in self._workers.values() if worker.cases)
        return sum(min(seconds, most) for seconds in sorted(begun)[:busy])

    def estimate(self, cases: int) -> PredictedValue | None:
        """``predict`` with an interval, from how much units differ; it has bounds from three on."""
        units = self._list_units()
        value = self.predict(cases)
        if value is None or len(units) < 3:
            return None if value is None else PredictedValue(value=value)
        from scipy.stats import t

        counted, seconds = sum(u.cases for u in units), sum(u.seconds for u in units)
        each, share = seconds / counted, cases / len(self._workers)
        left_over = sum((unit.seconds - each * unit.cases) ** 2 for unit in units)
        number = len(units)
        error = math.sqrt(left_over / (number * (number - 1))) / (counted / number)
        reach = float(t.ppf(0.975, number - 1)) * error
        low, high = max(0.0, each - reach), each + reach
        return PredictedValue(value=value, low=share * low, high=share * high)

    def _list_units(self) -> Sequence[_Unit]:
        return [unit for worker in self._workers.values() for unit in worker.typical_units]


def forecast_total(
    records: Iterable[Record], amounts: Mapping[str, float], population: Mapping[str, int]
) -> PredictedValue | None:
    """What all cases take together, from what those of a sample of images took.

    ``amounts`` holds, by case id, what an answer took, such as tokens; ``population`` the number of
    cases by task. The interval comes from drawing images again. None where nothing was measured.
    """
    import numpy as np

    tasks = sorted(population)
    images: dict[str, int] = {}
    rows = [
        (
            images.setdefault(record.case.base_image, len(images)),
            tasks.index(record.case.task),
            amount,
        )
        for record in records
        if record.case.task in population and (amount := amounts.get(record.case.id)) is not None
    ]
    if not rows:
        return None
    sums, counts = np.zeros((len(images), len(tasks))), np.zeros((len(images), len(tasks)))
    for image, task, amount in rows:
        sums[image, task] += amount
        counts[image, task] += 1
    asked = counts.sum(axis=0) > 0
    sizes = np.array([population[task] for task in tasks], dtype=float)[asked]
    sums, counts = sums[:, asked], counts[:, asked]
    value = float(sizes @ (sums.sum(axis=0) / counts.sum(axis=0)))
    drawn = np.random.default_rng(0).integers(len(images), size=(RESAMPLES, len(images)))
    totals, numbers = sums[drawn].sum(axis=1), counts[drawn].sum(axis=1)
    # A task whose images were not drawn keeps its mean.
    means = np.where(numbers > 0, totals / np.maximum(numbers, 1), sums.sum(0) / counts.sum(0))
    low, high = np.percentile(means @ sizes, _BOUNDS)
    return PredictedValue(value=value, low=float(low), high=float(high))


def describe_seconds(seconds: float) -> str:
    """A time in words, by two units at most, as ``3 h 20 min``."""
    if seconds < _SECONDS_SHOWN:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
