"""How long a run takes and what it costs, from the cases that were answered so far."""

import math
import statistics
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fakebench_suite.execution.work_units import MIN_UNIT_PROMPTS
from fakebench_suite.types import Record

_LONG_S = 20.0
"""A first unit of so many seconds or more says how long others take."""
_ENOUGH_UNITS = 2
"""So many typical units of each worker say more than the times of single answers."""
_OVERLAP = 1.5
"""Where answers took so many times as long as was waited for them, several came at a time."""
_RECENT = 64
"""Cases whose handling counts: as many as a work unit has."""
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

    started: float
    """When its first unit began."""
    began: float
    """When its current unit began."""
    image: str
    """Of its last case."""
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
    once there are two. Until there are enough units, answers count by the seconds that their
    backend says they took, unless these overlap.

    ``workers`` is the number of processes that ask, and ``least`` the number of cases from which a
    unit ends with its image, as in ``assign_work_units``.
    """

    def __init__(self, *, workers: int = 1, least: int = MIN_UNIT_PROMPTS) -> None:
        self._count, self._least = workers, least
        self._workers: dict[str, _Worker] = {}
        self._answers, self._answer_seconds = 0, 0.0
        self._handling: deque[float] = deque(maxlen=_RECENT)
        """What it took to test and to record cases whose answer was there, in seconds each."""

    def add(
        self,
        name: str,
        *,
        image: str,
        start: float,
        stop: float,
        answer_seconds: float | None = None,
    ) -> None:
        """Count a case that the worker of this name asked, with its image and its test's times.

        ``answer_seconds`` is what the backend says of its answer.
        """
        worker = self._workers.setdefault(name, _Worker(started=start, began=start, image=image))
        if image != worker.image and worker.cases >= self._least:
            worker.units.append(_Unit(worker.cases, start - worker.began))
            worker.began, worker.cases = start, 0
        elif worker.cases:
            self._handling.append(stop - worker.last_stop)
        worker.image = image
        worker.cases += 1
        worker.last_stop = stop
        if answer_seconds is not None:
            self._answers += 1
            self._answer_seconds += answer_seconds

    def finish(self) -> None:
        """Count the last unit of each worker; no case follows."""
        for worker in self._workers.values():
            if worker.cases and worker.last_stop > worker.began:
                worker.units.append(_Unit(worker.cases, worker.last_stop - worker.began))
                worker.cases = 0

    def predict(self, cases: int) -> float | None:
        """The seconds for so many more cases; None as long as too little is known.

        Workers of which nothing is known yet are as fast as the others. While cases of one worker
        end, the others have done a part of what is left, and what follows in its own unit is
        answered already. At the end of a run no more of them have something to do than there are
        units.
        """
        answered = sum(max(0, self._least - w.cases) for w in self._workers.values() if w.cases)
        units = self._list_units()
        if self._has_few(units) and self._answer_seconds:
            seconds_left = self._predict_by_answers(cases, answered)
            is_running = any(worker.cases for worker in self._workers.values())
            # The first units that a server answers end together, and say nothing of the others.
            if seconds_left is not None or (is_running and len(units) < _ENOUGH_UNITS):
                return seconds_left
        if not units:
            return None
        counted, seconds = sum(u.cases for u in units), sum(u.seconds for u in units)
        units_left = math.ceil(cases * len(units) / counted)
        busy = max(1, min(self._count, units_left))
        done = self._measure_begun(busy, most=seconds / len(units))
        answered = min(answered, cases)
        answering = (cases - answered) * seconds / counted
        return max(0.0, answering - done + answered * self._handling_each) / busy

    def _has_few(self, units: Sequence[_Unit]) -> bool:
        return len(units) < _ENOUGH_UNITS * self._count

    def _predict_by_answers(self, cases: int, answered: int) -> float | None:
        """``predict`` from the mean time of an answer; ``answered`` of the cases have one.

        None where answers overlap, as a server's do: together they take longer than was waited.
        """
        seconds_each = self._answer_seconds / self._answers
        waited = sum(worker.last_stop - worker.started for worker in self._workers.values())
        if seconds_each * (self._answers + answered) > _OVERLAP * waited:
            return None
        answering = max(0, cases - answered) * seconds_each
        return (answering + cases * self._handling_each) / self._count

    @property
    def _handling_each(self) -> float:
        """The median, which leaves out what is done once, as making the run's directory."""
        return statistics.median(self._handling) if self._handling else 0.0

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
        if value is None or len(units) < 3 or self._has_few(units):
            return None if value is None else PredictedValue(value=value)
        from scipy.stats import t

        counted, seconds = sum(u.cases for u in units), sum(u.seconds for u in units)
        each, share = seconds / counted, cases / self._count
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
    cases by task. The interval comes from drawing images again, pairs of probes together, and a
    single image or pair has none. None where nothing was measured.
    """
    import numpy as np

    tasks = sorted(population)
    images: dict[str, int] = {}
    rows = [
        (
            images.setdefault(record.case.pair, len(images)),
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
    if len(images) == 1:  # Drawn again, it is the same, and an interval would have no width.
        return PredictedValue(value=value)
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
