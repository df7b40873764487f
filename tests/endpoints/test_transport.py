"""Connections are used again, and patience with a server that no longer replies ends."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import httpx2
import pytest

from fakebench_suite.endpoints.transport import (
    MIN_FAILURES,
    MIN_OUTAGE_S,
    PAUSE_S,
    BoundedClient,
    CircuitBreaker,
    CircuitOpenError,
    ConnectionPerRequest,
)
from tests.endpoint_server import Endpoint, serve


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Zero."""
    return Clock()


def fail(breaker: CircuitBreaker, clock: Clock, *, times: int, every: float) -> None:
    """So many requests without a reply."""
    for _ in range(times):
        breaker.admit()
        breaker.note_failure("no whole reply")
        clock.now += every


def test_a_server_that_is_down_is_left_alone_for_a_while(clock: Clock) -> None:
    """After enough failures over enough time nothing is sent; then one request tries it."""
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, clock, times=MIN_FAILURES, every=MIN_OUTAGE_S / (MIN_FAILURES - 1))
    with pytest.raises(
        CircuitOpenError, match=rf"{MIN_FAILURES} requests in a row.*no whole reply"
    ):
        breaker.admit()
    clock.now += PAUSE_S
    breaker.admit()
    with pytest.raises(CircuitOpenError):
        breaker.admit()
    breaker.note_reply()
    fail(breaker, clock, times=MIN_FAILURES - 1, every=MIN_OUTAGE_S)
    breaker.admit()


def test_a_short_outage_stops_nothing(clock: Clock) -> None:
    """All requests under way fail at once while a server starts again."""
    breaker = CircuitBreaker(clock=clock)
    fail(breaker, clock, times=200, every=MIN_OUTAGE_S / 250)
    breaker.admit()


def test_a_reply_of_any_kind_is_a_sign_of_life(clock: Clock) -> None:
    """Slow by turns is not down."""
    breaker = CircuitBreaker(clock=clock)
    for _ in range(10):
        fail(breaker, clock, times=MIN_FAILURES - 1, every=MIN_OUTAGE_S)
        breaker.note_reply()
    breaker.admit()


@contextmanager
def serve_connections() -> Iterator[tuple[Endpoint, list[object]]]:
    """A server that keeps connections open, and the port that each request came from."""
    ports: list[object] = []

    def note(handler: BaseHTTPRequestHandler) -> bool:
        handler.protocol_version = "HTTP/1.1"
        handler.close_connection = False
        ports.append(handler.client_address[1])
        return False

    with serve(Endpoint(serve_raw=note)) as endpoint:
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


def test_a_failed_request_frees_its_connection() -> None:
    """The next one is answered."""

    async def run(port: int, endpoint: Endpoint) -> tuple[int, int]:
        transport = ConnectionPerRequest()
        async with httpx2.AsyncClient(transport=transport) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"http://127.0.0.1:{port}/")
            reply = await client.post(endpoint.url, json={})
        return reply.status_code, len(transport._pools)

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with serve(Endpoint()) as endpoint:
            assert asyncio.run(run(closed.getsockname()[1], endpoint)) == (200, 1)


def test_a_proxy_is_asked_in_place_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """As HTTP_PROXY says."""
    with serve(Endpoint()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        far = Endpoint(url="http://far.invalid/v1")
        assert post(far, rounds=1, together=2, client=BoundedClient(deadline=10)) == [200, 200]
    assert proxy.paths == ["http://far.invalid/v1"] * 2
