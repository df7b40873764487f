"""How long the rest of a run takes, from the cases that were answered so far."""

from dataclasses import dataclass

_SHORT = 4.0
"""A case that took a fourth of the mean or more waited for answers; in a burst it takes less."""
_LONG_S = 20.0
"""A first unit of so many seconds or more says how long others take."""
_SECONDS_SHOWN = 120.0
"""Times up to which seconds matter."""


@dataclass(slots=True, kw_only=True)
class _Worker:
    """What one process has done so far."""

    began: float
    cases_before: int = 0
    """When its rate is counted from, and the cases before that."""
    cases: int = 0
    rate: float | None = None
    """Cases per second up to the beginning of its latest work unit."""
    units: int = 0


class TimeForecast:
    """Predicts the time that a run still takes, in seconds.

    Cases end in bursts: the first of a work unit waits for all its answers, and the others take no
    time. So a worker's rate is that of its cases before a unit, and the time until that began; in
    the middle of a burst it would be too low, and after the first case of all no more than a 64th.
    The first unit is slower than the others by seconds: a short one says nothing, and a long one is
    left out once there are two.
    """

    def __init__(self) -> None:
        self._workers: dict[str, _Worker] = {}

    def add(self, name: str, *, start: float, stop: float) -> None:
        """Count a case that the worker of this name asked, with the times of its test."""
        worker = self._workers.setdefault(name, _Worker(began=start))
        cases, elapsed = worker.cases - worker.cases_before, start - worker.began
        if cases > 0 and elapsed > 0 and (stop - start) * _SHORT >= elapsed / cases:
            worker.units += 1
            if worker.units > 1 or elapsed >= _LONG_S:
                worker.rate = cases / elapsed
            if worker.units == 1:
                worker.began, worker.cases_before = start, worker.cases
        worker.cases += 1

    def predict(self, cases: int) -> float | None:
        """The seconds for so many more cases; None as long as too few units are finished.

        Workers whose rate is not known yet are as fast as the others.
        """
        rates = [worker.rate for worker in self._workers.values() if worker.rate is not None]
        if not rates:
            return None
        return cases / (sum(rates) / len(rates) * len(self._workers))


def describe_seconds(seconds: float) -> str:
    """A time in words, by two units at most, as ``3 h 20 min``."""
    if seconds < _SECONDS_SHOWN:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
