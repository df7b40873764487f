"""HTTP requests to a server, bounded in time and size."""

import asyncio
import logging
import os
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any
from urllib.request import getproxies

import httpcore2
import httpx2

from fakebench_suite.endpoints.names import mask_url
from fakebench_suite.errors import UserError

REQUEST_TIMEOUT_S = 120.0
"""Seconds for a whole request, however slowly the reply arrives."""
CONNECT_TIMEOUT_S = 10.0
"""Seconds for the connection."""
MAX_REPLY_BYTES = 4 << 20
"""Bytes of a decoded reply; the longest thoughts of current models take a tenth of it."""
IDLE_S = 5.0
"""Seconds for which a connection without a request is kept open, as httpx2 does."""
_PROXIED = frozenset({"http", "https", "all"})
"""Schemes for which the environment may name a proxy, as HTTP_PROXY does."""
_CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""What names other certificates than those that are brought along."""
_CONNECTION_ERRORS = (
    httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError,
    httpcore2.UnsupportedProtocol,
)  # fmt: skip
ARRIVALS = "fakebench_arrivals"
"""The extension of a response with the arrivals of its pieces, see :func:`_read`."""


class ReplyTooLargeError(Exception):
    """A reply exceeds MAX_REPLY_BYTES; the remainder was not read."""


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
    """Raise httpx2's errors, which the official client knows, for httpcore2's of the same names."""
    try:
        yield
    except _CONNECTION_ERRORS as error:
        raise getattr(httpx2, type(error).__name__)(str(error)) from error


class _ReleasingStream(httpx2.AsyncByteStream):
    """The body of a response that gives its connection back when it is closed."""

    def __init__(self, stream: Any, release: Callable[[], Awaitable[None]]) -> None:
        self._stream, self._release = stream, release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translate_errors():
            async for piece in self._stream:
                yield piece

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            await self._release()


@cache
def _load_certificates(_file: str | None, _directory: str | None) -> ssl.SSLContext:
    """The context of what the environment names, which takes up to a tenth of a second to make."""
    return httpx2.create_ssl_context()


def _has_unread_bytes(connection: httpcore2.AsyncHTTPConnection) -> bool:
    """Whether bytes came behind the reply, which would be read as the next request's reply.

    httpcore2 does not tell: what it has received and not parsed is in h11's buffer.
    """
    http11 = connection._connection
    return isinstance(http11, httpcore2.AsyncHTTP11Connection) and bool(
        http11._h11_state.trailing_data[0]
    )


class ConnectionPerRequest(httpx2.AsyncBaseTransport):
    """Sends each request in flight over a connection of its own, which later ones use again.

    The connections are httpcore2's, without its pool: for each request that looks at all its
    connections twice, which costs the more CPU the more requests are in flight. Proxies are not
    supported.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ssl_context = _load_certificates(*map(os.environ.get, _CA_VARIABLES))
        self._clock = clock
        self._connections: set[httpcore2.AsyncHTTPConnection] = set()
        self._idle: deque[tuple[float, httpcore2.AsyncHTTPConnection]] = deque()
        """Those without a request, and since when; the last one was used last."""
        self._is_closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; its connection is free again once the response is closed."""
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


@contextmanager
def _explain_environment() -> Iterator[None]:
    """Raise UserError for settings of the environment with which no client can be made."""
    try:
        yield
    except ImportError as error:
        raise UserError(
            "The environment names a SOCKS proxy, for which the package socksio is missing. "
            "Install it with pip install socksio, or name an HTTP proxy in ALL_PROXY, HTTPS_PROXY "
            "and HTTP_PROXY."
        ) from error
    except OSError as error:  # Certificates that are none are an SSLError, which is one.
        given = {name: os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)}
        if not given:
            raise
        places = " and ".join(f"{name}={value}" for name, value in given.items())
        raise UserError(
            f"The certificates of {places} cannot be read: {error.strerror or error}. Name a file "
            "in PEM format, or unset the variable."
        ) from error


class BoundedClient(httpx2.AsyncClient):
    """An HTTP client within these bounds; it follows no redirects, to keep keys on one host.

    Raises UserError where the environment names certificates or a proxy that cannot be used.
    """

    def __init__(self, *, deadline: float) -> None:
        with _explain_environment():
            super().__init__(
                timeout=make_timeout(deadline),
                # With a transport of its own a client takes no heed of HTTP_PROXY and the like.
                transport=ConnectionPerRequest() if _PROXIED.isdisjoint(getproxies()) else None,
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
                follow_redirects=False,
                headers={"Accept-Encoding": "identity"},
            )
        self._deadline = deadline

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """Send a request and read the whole reply.

        Raises ReplyTooLargeError, and httpx2's timeouts and errors.
        """
        del stream  # The reply is always read here, within the bounds.
        try:
            began = time.monotonic()
            async with asyncio.timeout(self._deadline):
                response = await super().send(request, stream=True, **options)
                try:
                    content, arrivals = await _read(response, began)
                finally:
                    await response.aclose()
        except TimeoutError as error:
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


async def _read(response: httpx2.Response, began: float) -> tuple[bytes, list[tuple[int, float]]]:
    """The body, and for each of its pieces how long it then was and after how many seconds."""
    content = bytearray()
    arrivals: list[tuple[int, float]] = []
    async for piece in response.aiter_bytes():
        content += piece
        arrivals.append((len(content), time.monotonic() - began))
        if len(content) > MAX_REPLY_BYTES:
            raise ReplyTooLargeError(f"the reply is larger than {MAX_REPLY_BYTES >> 20} MB")
    return bytes(content), arrivals
