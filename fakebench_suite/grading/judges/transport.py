"""Requests to a judge's server within bounds: of time, of size, and of patience with the server."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

REQUEST_TIMEOUT_S = 120.0
"""Seconds for one whole request, however its reply drips in."""
CONNECT_TIMEOUT_S = 10.0
MAX_REPLY_BYTES = 4 << 20
"""Bytes of one reply, decoded; the longest thoughts of today's models take a tenth of that."""
MIN_FAILURES, MIN_OUTAGE_S = 16, 30.0
"""So many requests in a row, over so many seconds, went without a reply: the server is down."""
PAUSE_S = 300.0
"""Seconds for which a server that is down is not asked; then one request tries it again."""


class CircuitOpenError(Exception):
    """No request was sent: the server has not replied for too long."""


class ReplyTooLargeError(Exception):
    """A reply is larger than MAX_REPLY_BYTES; the rest of it was not read."""


@dataclass(slots=True)
class CircuitBreaker:
    """Stops requests to a server that no longer replies, and tries it again now and then."""

    clock: Callable[[], float] = time.monotonic
    failed: int = 0
    """Requests in a row that had no reply."""
    since: float = 0.0
    """When the first of them ended."""
    closed_until: float | None = None
    """Until when nothing is sent; None where requests are sent."""
    why: str = ""

    def admit(self) -> None:
        """Let a request pass; raises CircuitOpenError where the server is left alone."""
        if self.closed_until is None:
            return
        if self.clock() < self.closed_until:
            raise CircuitOpenError(
                f"the judge was not asked, because {self.failed} requests in a row had no reply "
                f"({self.why})"
            )
        self.closed_until = self.clock() + PAUSE_S  # Others wait for what becomes of this one.

    def note_reply(self) -> None:
        """A reply came, whatever it says: the server is there."""
        self.failed, self.closed_until = 0, None

    def note_failure(self, why: str) -> None:
        """A request had no reply."""
        now = self.clock()
        if not self.failed:
            self.since = now
        self.failed, self.why = self.failed + 1, why
        if self.failed >= MIN_FAILURES and now - self.since >= MIN_OUTAGE_S:
            self.closed_until = now + PAUSE_S


class BoundedClient(httpx2.AsyncClient):
    """An HTTP client that follows no redirect, for a key must not travel on to another host."""

    def __init__(self, *, deadline: float, breaker: CircuitBreaker) -> None:
        super().__init__(
            timeout=httpx2.Timeout(deadline, connect=min(deadline, CONNECT_TIMEOUT_S), pool=None),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
        )
        self._deadline, self._breaker = deadline, breaker

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """The whole reply, read; raises httpx2's time-outs and errors, and those above."""
        del stream  # What is read is read here, within the bounds.
        self._breaker.admit()
        try:
            async with asyncio.timeout(self._deadline):
                response = await super().send(request, stream=True, **options)
                try:
                    content = await _read(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            why = f"no whole reply within {self._deadline:g} s"
            self._breaker.note_failure(why)
            raise httpx2.ReadTimeout(why, request=request) from error
        except httpx2.RequestError as error:
            self._breaker.note_failure(str(error) or type(error).__name__)
            raise
        self._breaker.note_reply()
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
        ]
        return httpx2.Response(
            response.status_code,
            headers=headers,
            content=content,
            request=request,
            extensions={"reason_phrase": response.reason_phrase.encode("ascii", "ignore")},
        )


async def _read(response: httpx2.Response) -> bytes:
    content = bytearray()
    async for piece in response.aiter_bytes(1 << 16):
        content += piece
        if len(content) > MAX_REPLY_BYTES:
            raise ReplyTooLargeError(f"the reply is larger than {MAX_REPLY_BYTES >> 20} MB")
    return bytes(content)
