"""Connections are used again, each by one request at a time, and certificates are verified."""

import asyncio
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpcore2
import httpx2
import pytest

from fakebench_suite.endpoints.transport import (
    IDLE_S,
    BoundedClient,
    KeepAliveTransport,
    _translate_errors,
)
from fakebench_suite.errors import UserError
from tests.endpoint_server import Endpoint, Reply, serve
from tests.endpoints.conftest import Certificate, build_reply, listen, reply_with


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def behave_well(_body: object, _number: int) -> Reply:
    """A reply at once."""
    return 200, "fake"


@contextmanager
def serve_connections(
    behave: Callable[[object, int], Reply] = behave_well,
) -> Iterator[tuple[Endpoint, list[object]]]:
    """A server that keeps connections open, and the port that each request came from."""
    ports: list[object] = []

    def note(handler: BaseHTTPRequestHandler) -> bool:
        handler.protocol_version = "HTTP/1.1"
        handler.close_connection = False
        ports.append(handler.client_address[1])
        return False

    with serve(Endpoint(serve_raw=note, behave=behave)) as endpoint:
        yield endpoint, ports


def post(endpoint: Endpoint, *, rounds: int, together: int, client: BoundedClient) -> list[int]:
    """The statuses of so many rounds of so many requests at the same time."""

    async def run() -> list[int]:
        statuses: list[int] = []
        async with client:
            for _ in range(rounds):
                requests = (client.post(endpoint.url, json={}) for _ in range(together))
                statuses += [reply.status_code for reply in await asyncio.gather(*requests)]
        return statuses

    return asyncio.run(run())


def test_connections_are_used_again() -> None:
    """There are as many as requests were in flight together, whatever the number of requests."""
    with serve_connections() as (endpoint, ports):
        statuses = post(endpoint, rounds=6, together=4, client=BoundedClient(deadline=10))
    assert statuses == [200] * 24
    assert len(ports) == 24
    assert len(set(ports)) == 4


def test_a_connection_that_the_server_closes_is_not_used_again() -> None:
    """Each request is answered all the same."""
    with serve(Endpoint()) as endpoint:  # It speaks HTTP/1.0, which keeps none open.
        client = BoundedClient(deadline=10)
        assert post(endpoint, rounds=3, together=2, client=client) == [200] * 6
        assert isinstance(client._transport, KeepAliveTransport)
        assert client._transport._connections == set()


def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    """As servers do after some seconds; the request goes over another one."""
    ports: list[object] = []

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername"))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.close()

    async def run() -> list[int]:
        server = await asyncio.start_server(reply, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        statuses = []
        async with server, BoundedClient(deadline=5) as client:
            for _ in range(3):
                statuses.append((await client.get(url)).status_code)
                await asyncio.sleep(0.05)
        return statuses

    assert asyncio.run(run()) == [200] * 3
    assert len(set(ports)) == 3


@pytest.mark.parametrize("behind", [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale", b"\r\n"])
def test_bytes_behind_a_reply_are_not_the_next_reply(behind: bytes) -> None:
    """They belong to no request; the next one goes over another connection."""
    connections: list[asyncio.Task[None] | None] = []

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + behind)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def run() -> list[bytes]:
        server = await asyncio.start_server(reply, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server:
            async with BoundedClient(deadline=5) as client:
                contents = [(await client.get(url)).content for _ in range(3)]
            await asyncio.gather(*filter(None, connections))
        return contents

    assert asyncio.run(run()) == [b"ok"] * 3
    assert len(connections) == 3


def test_a_transport_that_was_closed_keeps_no_connection() -> None:
    """Neither does that of a request that was on its way then."""

    async def run(endpoint: Endpoint) -> tuple[bool, int]:
        transport = KeepAliveTransport()
        request = httpx2.Request("POST", endpoint.url, json={})
        response = await transport.handle_async_request(request)
        (connection,) = transport._connections
        transport._connections.clear()  # As while it is being made: there is nothing to close yet.
        await transport.aclose()
        await response.aread()
        await response.aclose()
        return connection.is_closed(), len(transport._idle)

    with serve_connections() as (endpoint, _):
        assert asyncio.run(run(endpoint)) == (True, 0)


def test_each_request_in_flight_has_a_connection_to_itself() -> None:
    """Those of cancelled requests are closed, and so are those that are idle for long."""
    clock = Clock()

    async def run(endpoint: Endpoint) -> None:
        transport = KeepAliveTransport(clock=clock)
        async with httpx2.AsyncClient(transport=transport, timeout=10) as client:

            async def post(count: int) -> None:
                await asyncio.gather(*(client.post(endpoint.url, json={}) for _ in range(count)))

            await post(6)
            assert len(transport._connections) == 6
            tasks = [asyncio.create_task(post(1)) for _ in range(6)]
            await asyncio.sleep(0.05)
            for task in tasks[:3]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            idle = [connection for _, connection in transport._idle]
            assert set(idle) == transport._connections
            assert len(idle) == 3
            clock.now = IDLE_S * 2
            await post(1)
            assert len(transport._connections) == 1
            clock.now += IDLE_S / 2
            await post(2)
            assert len(transport._connections) == 2

    def behave(_body: object, _number: int) -> Reply:
        time.sleep(0.15)
        return 200, "fake"

    with serve_connections(behave) as (endpoint, _):
        asyncio.run(run(endpoint))


@pytest.mark.process
def test_certificates_are_verified(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that no authority vouches for gets no request, unless SSL_CERT_FILE names it."""

    async def get(port: int) -> int:
        async with BoundedClient(deadline=5) as client:
            return (await client.get(f"https://localhost:{port}/")).status_code

    with listen(reply_with(build_reply()), context=certificate.context) as port:
        with pytest.raises(httpx2.ConnectError, match=r"(?i)certificate verify failed"):
            asyncio.run(get(port))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        assert asyncio.run(get(port)) == 200


@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "by a proxy"])
def test_certificates_that_cannot_be_read_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxied: bool
) -> None:
    """With the variable and the file, whatever is wrong with it."""
    if proxied:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("nothing", encoding="utf-8")
    for path in (tmp_path / "nowhere", no_pem):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with pytest.raises(UserError, match=re.escape(f"SSL_CERT_FILE={path} cannot be read")):
            BoundedClient(deadline=1)


def test_a_proxy_of_another_kind_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the package that is missing."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(UserError, match="pip install socksio"):
        BoundedClient(deadline=1)


def test_a_failed_request_frees_its_connection() -> None:
    """The next one is answered."""

    async def run(port: int, endpoint: Endpoint) -> tuple[int, int]:
        transport = KeepAliveTransport()
        async with httpx2.AsyncClient(transport=transport) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"http://127.0.0.1:{port}/")
            reply = await client.post(endpoint.url, json={})
            return reply.status_code, len(transport._connections)

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with serve_connections() as (endpoint, _):
            assert asyncio.run(run(closed.getsockname()[1], endpoint)) == (200, 1)


def test_a_proxy_is_asked_in_place_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """As HTTP_PROXY says."""
    with serve(Endpoint()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        far = Endpoint(url="http://far.invalid/v1")
        assert post(far, rounds=1, together=2, client=BoundedClient(deadline=10)) == [200, 200]
    assert proxy.paths == ["http://far.invalid/v1"] * 2


@pytest.mark.parametrize(
    "proxies",
    [
        {"HTTPS_PROXY": "http://127.0.0.1:9"},
        {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.0/8"},
        {"ALL_PROXY": "http://127.0.0.1:9", "no_proxy": "localhost, 127.0.0.1"},
    ],
    ids=" ".join,
)
def test_a_host_without_a_proxy_has_a_connection_per_request(
    monkeypatch: pytest.MonkeyPatch, proxies: dict[str, str]
) -> None:
    """Whatever proxies there are for others."""
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    with serve_connections() as (endpoint, ports):
        client = BoundedClient(deadline=10)
        transport = client._transport
        assert isinstance(transport, KeepAliveTransport)
        assert post(endpoint, rounds=1, together=3, client=client) == [200] * 3
    assert len(set(ports)) == 3


def test_a_connection_that_is_given_back_twice_is_kept_once() -> None:
    """Two requests never share one."""

    async def run(endpoint: Endpoint) -> list[int]:
        transport = KeepAliveTransport()
        request = httpx2.Request("POST", endpoint.url, json={})
        first = await transport.handle_async_request(request)
        await first.aread()
        idle = [len(transport._idle)]
        assert isinstance(first.stream, httpx2.AsyncByteStream)
        await first.stream.aclose()
        idle.append(len(transport._idle))
        second = await transport.handle_async_request(request)
        await first.stream.aclose()
        idle.append(len(transport._idle))
        await second.aread()
        idle.append(len(transport._idle))
        await transport.aclose()
        return idle

    with serve_connections() as (endpoint, _):
        assert asyncio.run(run(endpoint)) == [1, 1, 0, 1]


def test_every_error_of_a_connection_is_one_that_the_client_knows() -> None:
    """Of the same name; a kind that is new is that of its family."""
    families = (
        httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError,
        httpcore2.UnsupportedProtocol,
    )  # fmt: skip
    kinds = [
        kind
        for kind in vars(httpcore2).values()
        if isinstance(kind, type) and issubclass(kind, families)
    ]
    assert len(kinds) >= 12
    for kind in kinds:
        with pytest.raises(httpx2.TransportError, match="why") as caught, _translate_errors():
            raise kind("why")
        assert type(caught.value).__name__ == kind.__name__

    class NewTimeoutError(httpcore2.ReadTimeout):
        """A kind that is not known here."""

    with pytest.raises(httpx2.ReadTimeout), _translate_errors():
        raise NewTimeoutError
