"""Whether a server lives: what to think of a request that failed again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PROBE_EVERY_S = 10.0
"""Seconds between two looks at a server that is down."""
MAX_OUTAGE_S = 300.0
"""Seconds after which a server that is down is given up; most restart within one or two minutes."""
MAX_FAILED = 16
"""Prompts in a row without a reply, from a server that lives, after which it is given up."""


class ServerWatch:
    """Looks at a server where requests fail, for all of them together.

    ``is_alive`` says whether the server replies to anything at present.
    """

    def __init__(
        self,
        is_alive: Callable[[], Awaitable[bool]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_alive, self._clock = is_alive, clock
        self._lock = asyncio.Lock()
        self._came_back = float("-inf")
        """When the server was found to live again."""
        self._down_since: float | None = None
        self._trouble_since: float | None = None
        self.is_down = False
        """Whether it was given up."""
        self.failed = 0
        """Prompts in a row without a reply."""
        self.last_reply = float("-inf")
        """When the last reply came."""

    @property
    def seconds_down(self) -> float:
        """For how long it has been seen to be down."""
        return 0.0 if self._down_since is None else self._clock() - self._down_since

    async def wait(
        self, *, since: float, sent: float, sleep: Callable[[float], Awaitable[bool]]
    ) -> bool:
        """Wait while the server is down; whether it was, at some time ``since``, and lives again.

        It lives if it has replied to any request after ``sent``.
        ``sleep`` gives False where nothing is sent any more, which ends the wait.
        """
        async with self._lock:
            if self.is_down or not await sleep(0):
                return False
            if since <= self._came_back:  # Another request has waited meanwhile.
                return True
            if self.last_reply >= sent or await self._is_alive():
                return False
            self._down_since = self._clock()
            while await sleep(PROBE_EVERY_S):
                if self.last_reply >= self._down_since or await self._is_alive():
                    self._came_back, self._down_since = self._clock(), None
                    self._trouble_since = None
                    return True
                if self.seconds_down >= MAX_OUTAGE_S:
                    self.is_down = True
                    break
            return False

    def note_trouble(self) -> float:
        """Take note of a request that failed; when the first did since the last reply."""
        if self._trouble_since is None:
            self._trouble_since = self._clock()
        return self._trouble_since

    def note_reply(self) -> None:
        """Take note of a reply, whatever its content."""
        self.failed, self.last_reply, self._trouble_since = 0, self._clock(), None

    def note_failure(self) -> bool:
        """Take note of a prompt without a reply; whether the server is given up for them."""
        self.failed += 1
        return self.failed >= MAX_FAILED
