"""When a request may be sent.

Fewer are in flight after the server was overloaded, more while it is not; and a minute has no more
of them than the user allows.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from fakebench_suite.endpoints.pacing import Pace, SentRequest

DECREASE = 0.7
"""Factor of the limit after an overload, between the 0.5 of TCP and the 0.8 of patient clients."""
INCREASE = 1.0
"""Added to the limit after a clean round: as many replies as the limit, none of them overloaded."""


class AdaptiveLimit:
    """A limit by additive increase and multiplicative decrease, from 1 to ``maximum``."""

    def __init__(self, maximum: int) -> None:
        self.maximum, self.value = maximum, float(maximum)
        self._clean = 0
        """Replies since the limit changed or an overload was noted."""
        self._lowered = float("-inf")
        """When the limit was lowered last."""

    def note_success(self) -> None:
        """Take note of a reply, whatever its content."""
        self._clean += 1
        if self._clean >= self.value:
            self.value, self._clean = min(self.maximum, self.value + INCREASE), 0

    def note_overload(self, *, sent: float, now: float) -> bool:
        """Lower the limit, and return whether it was lowered.

        Requests that were sent before it was lowered last belong to the same episode.
        """
        self._clean = 0
        if sent <= self._lowered:
            return False
        self.value, self._lowered = max(1.0, self.value * DECREASE), now
        return True


class RequestSlots:
    """Slots for requests in the order they are asked for, retries first, and none in a pause."""

    def __init__(
        self, maximum: int, pace: Pace | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit, self._clock = AdaptiveLimit(maximum), clock
        self._pace = pace or Pace(None, None)
        self.taken, self._paused_until = 0, 0.0
        self._open = False
        self._waiting: deque[asyncio.Future[SentRequest]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def take(self, *, first: bool = False) -> AsyncGenerator[SentRequest, None]:
        """Hold a slot while the block runs, which sends the request that is given."""
        turn: asyncio.Future[SentRequest] = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if first else self._waiting.append)(turn)
        self._admit()
        try:
            request = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()
            raise
        try:
            yield request
        finally:
            self._release()

    @property
    def is_paused(self) -> bool:
        """Whether no request is admitted at present."""
        return self._paused_until > self._clock()

    def pause(self, seconds: float) -> None:
        """Admit no request for so many seconds."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def open(self) -> None:
        """Admit whatever waits, at once, because nothing is sent any more."""
        self._open = True
        self._admit()

    def _release(self) -> None:
        self.taken -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self._open or self.taken < int(self.limit.value)):
            now = self._clock()
            pause = max(self._paused_until - now, self._pace.compute_wait(now))
            if pause > 0 and not self._open:
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(pause, self._resume)
                return
            turn = self._waiting.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(self._pace.note_sent(now))

    def note_tokens(self, request: SentRequest, tokens: int) -> None:
        """Count what a request took."""
        self._pace.note_tokens(request, tokens)

    def _resume(self) -> None:
        self._timer = None
        self._admit()
