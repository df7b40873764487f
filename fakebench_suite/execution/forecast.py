"""How long the rest of a run takes, from the cases that were answered so far."""

from dataclasses import dataclass

_SHORT = 4.0
"""A case that took a fourth of the mean or more waited for answers; in a burst it takes less."""
_SECONDS_SHOWN = 120.0
"""Times up to which seconds matter."""


@dataclass(slots=True, kw_only=True)
class _Worker:
    """What one process has done since it began its first case."""

    began: float
    cases: int = 0
    rate: float | None = None
    """Cases per second up to the beginning of its latest work unit."""


class TimeForecast:
    """Predicts the time that a run still takes, in seconds.

    Cases end in bursts: the first of a work unit waits for all its answers, and the others take no
    time. So a worker's rate is that of its cases before a unit, and the time until that began; in
    the middle of a burst it would be too low, and after the first case of all no more than a 64th.
    """

    def __init__(self) -> None:
        self._workers: dict[str, _Worker] = {}

    def add(self, name: str, *, start: float, stop: float) -> None:
        """Count a case that the worker of this name asked, with the times of its test."""
        worker = self._workers.setdefault(name, _Worker(began=start))
        elapsed = start - worker.began
        begins_unit = worker.cases > 0 and (stop - start) * _SHORT >= elapsed / worker.cases
        if elapsed > 0 and begins_unit:
            worker.rate = worker.cases / elapsed
        worker.cases += 1

    def predict(self, cases: int) -> float | None:
        """The seconds for so many more cases; None as long as no worker has finished a unit.

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
