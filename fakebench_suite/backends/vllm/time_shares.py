"""Wall time divided among the prompts that are in flight, which overlap."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTime:
    """What a prompt took."""

    seconds: float
    """Its share of the wall time."""
    prompts: int
    """Prompts that were in flight with it, itself among them: a mean over its time."""


class TimeShares:
    """Each moment is divided equally among the prompts in flight then.

    The seconds of all prompts add up to the wall time in which any was in flight, as those of
    batches do. All methods are called from one thread.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self._clock = self._since = 0.0
        """The share of a prompt that is in flight all the time, and when it was last advanced."""

    def begin(self) -> tuple[float, float]:
        """The beginning of a prompt, to be given to ``end``."""
        self._advance()
        self.in_flight += 1
        return self._since, self._clock

    def end(self, begun: tuple[float, float]) -> PromptTime:
        """What a prompt took that ends now."""
        self._advance()
        self.in_flight -= 1
        since, clock = begun
        seconds = self._clock - clock
        mean = (self._since - since) / seconds if seconds else 1
        return PromptTime(seconds=seconds, prompts=max(1, round(mean)))

    def _advance(self) -> None:
        now = time.perf_counter()
        if self.in_flight:
            self._clock += (now - self._since) / self.in_flight
        self._since = now
