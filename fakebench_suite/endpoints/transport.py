"""HTTP requests to a server, bounded in time and size."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import httpcore2
import httpx2

from fakebench_suite.endpoints.environment import (
    Proxy,
    explain_proxies,
    find_proxy,
    load_certificates,
)
from fakebench_suite.endpoints.names import mask_url

REQUEST_TIMEOUT_S = 120.0
"""Seconds for a whole request, however slowly the reply arrives."""
CONNECT_TIMEOUT_S = 10.0
"""Seconds for the connection."""
MAX_REPLY_BYTES = 4 << 20
"""Bytes of a decoded reply; the longest thoughts of current models take a tenth of it."""
IDLE_S = 5.0
"""Seconds for which a connection without a request is kept open, as httpx2 does."""
_ERRORS: Mapping[type[Exception], type[httpx2.TransportError]] = {
    httpcore2.TimeoutException: httpx2.TimeoutException,
    httpcore2.ConnectTimeout: httpx2.ConnectTimeout,
    httpcore2.ReadTimeout: httpx2.ReadTimeout,
    httpcore2.WriteTimeout: httpx2.WriteTimeout,
    httpcore2.PoolTimeout: httpx2.PoolTimeout,
    httpcore2.NetworkError: httpx2.NetworkError,
    httpcore2.ConnectError: httpx2.ConnectError,
    httpcore2.ReadError: httpx2.ReadError,
    httpcore2.WriteError: httpx2.WriteError,
    httpcore2.ProtocolError: httpx2.ProtocolError,
    httpcore2.LocalProtocolError: httpx2.LocalProtocolError,
    httpcore2.RemoteProtocolError: httpx2.RemoteProtocolError,
    httpcore2.UnsupportedProtocol: httpx2.UnsupportedProtocol,
}
"""httpx2's errors, which the official client knows, for httpcore2's."""
ARRIVALS = "fakebench_arrivals"
"""The extension of a response with the arrivals of its pieces, see :func:`_read`."""
_DIRECT = "fakebench_direct"
"""The extension of a request that was sent to the server itself, and not to a proxy."""
_CODINGS = frozenset({
    "br", "compress", "dcb", "dcz", "exi", "pack200-gzip", "x-compress", "x-gzip", "zstd",
})  # fmt: skip
"""Encodings of contents that httpx2 does not know, or only with another package. Some servers name
what is none, such as a character set."""
_PROBE = b"fakebench"
"""Bytes that no encoding leaves as they are."""


class UnusableReplyError(Exception):
    """A reply arrived that cannot be used; the message says what it is."""


class ReplyTooLargeError(UnusableReplyError):
    """A reply exceeds MAX_REPLY_BYTES; the remainder was not read."""


class EncodedReplyError(UnusableReplyError):
    """A reply is encoded in a way that was not asked for and is not known here."""


class _UrlMask(logging.Filter):
    """Takes secrets out of the URLs that httpx2 logs at the level INFO."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                mask_url(str(argument)) if isinstance(argument, httpx2.URL) else argument
                for argument in record.args
            )
        return True


logging.getLogger("httpx2").addFilter(_UrlMask())


def make_timeout(deadline: float) -> httpx2.Timeout:
    """The limits of a request that may take so many seconds."""
    return httpx2.Timeout(deadline, connect=min(deadline, CONNECT_TIMEOUT_S), pool=None)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise httpx2's errors for httpcore2's."""
    try:
        yield
    except tuple(_ERRORS) as error:
        kind = next(_ERRORS[kind] for kind in type(error).__mro__ if kind in _ERRORS)
        raise kind(str(error)) from error


class _ReleasingStream(httpx2.AsyncByteStream):
    """The body of a response that gives its connection back when it is first closed."""

    def __init__(self, stream: Any, release: Callable[[], Awaitable[None]]) -> None:
        self._stream, self._release = stream, release
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translate_errors():
            async for piece in self._stream:
                yield piece

    async def aclose(self) -> None:
        if self._is_closed:  # The connection may have another request by now.
            return
        self._is_closed = True
        try:
            await self._stream.aclose()
        finally:
            await self._release()


class _WatchedBody(httpx2.AsyncByteStream):
    """The body of a request, which tells whether the server has taken it."""

    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream
        self.sent = 0
        """Bytes that were begun to be sent."""
        self.is_sent = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self.sent += len(piece)
            yield piece
        self.is_sent = True


def _has_unread_bytes(connection: httpcore2.AsyncHTTPConnection) -> bool:
    """Whether bytes came behind the reply, which would be read as the next request's reply.

    httpcore2 does not tell: what it has received and not parsed is in h11's buffer.
    """
    http11 = connection._connection
    return isinstance(http11, httpcore2.AsyncHTTP11Connection) and bool(
        http11._h11_state.trailing_data[0]
    )


class KeepAliveTransport(httpx2.AsyncBaseTransport):
    """Sends each request in flight over a connection of its own, which later ones use again.

    The connections are httpcore2's, without its pool: for each request that looks at all its
    connections twice, which costs the more CPU the more requests are in flight. Proxies are not
    supported. Raises UserError where the environment names certificates that cannot be read.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ssl_context = load_certificates()
        self._clock = clock
        self._connections: set[httpcore2.AsyncHTTPConnection] = set()
        self._idle: deque[tuple[float, httpcore2.AsyncHTTPConnection]] = deque()
        """Those without a request, and since when; the last one was used last."""
        self._is_closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; its connection is free again once the response is closed."""
        request.extensions[_DIRECT] = True
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        sent = httpcore2.Request(
            method=request.method,
            url=url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        connection = await self._take(url.origin)
        release = partial(self._release, connection)
        try:
            await self._close_idle()
            with _translate_errors():
                response = await connection.handle_async_request(sent)
        except BaseException:
            await release()
            raise
        return httpx2.Response(
            response.status,
            headers=response.headers,
            stream=_ReleasingStream(response.stream, release),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close all connections, also those of requests in flight."""
        self._is_closed = True
        for connection in tuple(self._connections):
            await self._close(connection)

    async def _take(self, origin: httpcore2.Origin) -> httpcore2.AsyncHTTPConnection:
        """A connection without a request that the server has not closed, or a new one."""
        while self._idle:
            _, connection = self._idle.pop()
            usable = connection.is_available() and not connection.has_expired()
            if usable and connection.can_handle_request(origin):
                return connection
            await self._close(connection)
        connection = httpcore2.AsyncHTTPConnection(
            origin, ssl_context=self._ssl_context, keepalive_expiry=IDLE_S
        )
        self._connections.add(connection)
        return connection

    async def _release(self, connection: httpcore2.AsyncHTTPConnection) -> None:
        """Keep a connection for the next request, unless it or this transport is closed."""
        if self._is_closed or _has_unread_bytes(connection):
            await self._close(connection)
        elif connection.is_available():
            self._idle.append((self._clock(), connection))
        else:
            self._connections.discard(connection)

    async def _close(self, connection: httpcore2.AsyncHTTPConnection) -> None:
        self._connections.discard(connection)
        await connection.aclose()

    async def _close_idle(self) -> None:
        """Close connections that were needed when more requests were in flight."""
        while self._idle and self._clock() - self._idle[0][0] > IDLE_S:
            await self._close(self._idle.popleft()[1])


class BoundedClient(httpx2.AsyncClient):
    """An HTTP client within these bounds; it follows no redirects, to keep keys on one host.

    Hosts that the environment has a proxy for are asked through it, by httpx2's own connections.
    Raises UserError where the environment names certificates or a proxy that cannot be used.
    """

    def __init__(self, *, deadline: float) -> None:
        with explain_proxies():
            super().__init__(
                timeout=make_timeout(deadline),
                verify=load_certificates(),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
                follow_redirects=False,
                headers={"Accept-Encoding": "identity"},
            )
        # Afterwards: a client that is made with a transport takes no heed of HTTP_PROXY.
        self._transport = KeepAliveTransport()
        self._deadline = deadline

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """Send a request and read the whole reply.

        Raises UnusableReplyError, and httpx2's timeouts and errors.
        """
        del stream  # The reply is always read here, within the bounds.
        assert isinstance(request.stream, AsyncIterable)
        request.stream = body = _WatchedBody(request.stream)
        try:
            began = time.monotonic()
            async with asyncio.timeout(self._deadline):
                response = await super().send(request, stream=True, **options)
                try:
                    content, arrivals = await _read(response, began)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx2.WriteTimeout) as error:
            if body.sent and not body.is_sent:
                # Its reply may have arrived: a server that refuses a request need not read it.
                why = (
                    f"the server had not read the whole request of {body.sent:,} bytes after "
                    f"{self._deadline:g} s, as one that refuses its size or its key may do"
                )
                raise httpx2.WriteTimeout(why, request=request) from error
            why = f"no whole reply within {self._deadline:g} s"
            raise httpx2.ReadTimeout(why, request=request) from error
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
            extensions={
                "reason_phrase": response.reason_phrase.encode("ascii", "ignore"),
                ARRIVALS: arrivals,
            },
        )


def find_request_proxy(request: httpx2.Request) -> Proxy | None:
    """Return the proxy of the environment that a request was sent through; None if none was."""
    return None if _DIRECT in request.extensions else find_proxy(request.url.scheme)


@cache
def _is_decoded(coding: str) -> bool:
    """Whether httpx2 decodes this encoding of contents; it passes over others without a word."""
    if coding not in _CODINGS:
        return True
    try:
        probe = httpx2.Response(200, headers={"Content-Encoding": coding}, content=_PROBE)
    except httpx2.DecodingError:
        return True
    return probe.content != _PROBE


async def _read(response: httpx2.Response, began: float) -> tuple[bytes, list[tuple[int, float]]]:
    """The body, and for each of its pieces how long it then was and after how many seconds."""
    codings = response.headers.get("content-encoding", "").lower().split(",")
    unknown = [coding.strip() for coding in codings if not _is_decoded(coding.strip())]
    if unknown and response.is_error:
        return b"", []  # Its status says enough.
    if unknown:
        raise EncodedReplyError(
            f"the reply is encoded as {unknown[0][:40]!r}, though identity was asked for"
        )
    content = bytearray()
    arrivals: list[tuple[int, float]] = []
    async for piece in response.aiter_bytes():
        content += piece
        arrivals.append((len(content), time.monotonic() - began))
        if len(content) > MAX_REPLY_BYTES:
            raise ReplyTooLargeError(f"the reply is larger than {MAX_REPLY_BYTES >> 20} MB")
    return bytes(content), arrivals
