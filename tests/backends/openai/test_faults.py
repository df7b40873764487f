"""A server that fails in every way: asked again where that may help, and never an answer else."""

import json
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from fakebench_suite.backends.openai import retries
from fakebench_suite.endpoints import transport
from fakebench_suite.types import Answer
from tests.backends.openai.conftest import Load, get_text, list_errors, make_requests
from tests.endpoint_server import Endpoint, Reply, serve


def fail_first(failures: int, status: int) -> Any:
    """A behaviour: so many errors for each prompt, then a reply."""
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    def behave(body: dict[str, Any], _number: int) -> Reply:
        with lock:
            counts[get_text(body)] += 1
            failed = counts[get_text(body)] <= failures
        return (status, "busy") if failed else (200, "It is fake.")

    return behave


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_passing_trouble_costs_attempts_only(endpoint: Endpoint, load: Load, status: int) -> None:
    """Each prompt is answered, and its answer says how often it was asked."""
    endpoint.behave = fail_first(2, status)
    replies = load(concurrency=4).run(make_requests(8, images=2))
    assert list_errors(replies) == []
    attempts = [
        reply.usage.attempts for reply in replies if isinstance(reply, Answer) and reply.usage
    ]
    assert attempts == [3] * 8
    assert len(endpoint.asked) == 24


@pytest.mark.parametrize("headers", [{}, {"retry-after-ms": "5"}, {"retry-after": "0.005"}])
def test_a_burst_of_429_is_waited_out(
    endpoint: Endpoint, load: Load, headers: dict[str, str]
) -> None:
    """With headers and without: the server takes four at a time, and every prompt is answered."""
    under_way = [0]
    lock = threading.Lock()
    refused = [0]

    def behave(_body: dict[str, Any], _number: int) -> Reply:
        with lock:
            under_way[0] += 1
            busy = under_way[0] > 4
            refused[0] += busy
        try:
            if busy:
                return 429, "slow down"
            time.sleep(0.005)
            return 200, "It is fake."
        finally:
            with lock:
                under_way[0] -= 1

    endpoint.behave, endpoint.headers = behave, headers
    replies = load(concurrency=32).run(make_requests(64, images=4))
    assert list_errors(replies) == []
    assert refused[0] > 0


def test_a_wait_that_the_server_asks_for_is_obeyed_by_all(endpoint: Endpoint, load: Load) -> None:
    """No request is sent until then, whichever was refused."""
    times: list[float] = []

    def behave(_body: dict[str, Any], number: int) -> Reply:
        times.append(time.monotonic())
        return (429, "slow down") if number == 0 else (200, "It is fake.")

    endpoint.behave, endpoint.headers = behave, {"x-ratelimit-reset-requests": "300ms"}
    assert list_errors(load(concurrency=1).run(make_requests(4))) == []
    assert times[1] - times[0] > 0.28
    assert len(times) == 5


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
def test_a_wrong_request_is_sent_once(endpoint: Endpoint, load: Load, status: int) -> None:
    """It is an error of the model, with the server's reason."""
    endpoint.behave = lambda _body, _number: (status, "no such thing")
    (error,) = list_errors(load().run(make_requests()))
    assert error == f"the server says {status}: no such thing"
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("status", [429, 500])
def test_lasting_trouble_is_an_error_after_a_few_attempts(
    endpoint: Endpoint, load: Load, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """And never an answer."""
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.01)
    endpoint.behave = lambda _body, _number: (status, "no luck")
    (error,) = list_errors(load().run(make_requests()))
    most = {429: 20, 500: 8}[status]
    assert error == f"the server says {status}: no luck ({most} attempts)"
    assert len(endpoint.asked) == most


def reset(handler: BaseHTTPRequestHandler) -> bool:
    """End the connection at once, without a reply."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()
    return True


def send_half(handler: BaseHTTPRequestHandler) -> bool:
    """Send the first half of a body."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "200")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"message": {"content": "It is')
    return True


def send_nothing(handler: BaseHTTPRequestHandler) -> bool:
    """Close the connection politely."""
    del handler
    return True


@pytest.mark.parametrize("break_off", [reset, send_half, send_nothing])
def test_a_broken_connection_is_tried_again(
    endpoint: Endpoint, load: Load, monkeypatch: pytest.MonkeyPatch, break_off: Any
) -> None:
    """A few times; then it is an error that says what happened."""
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.01)
    broken = [3]

    def serve_raw(handler: BaseHTTPRequestHandler) -> bool:
        broken[0] -= 1
        return broken[0] >= 0 and bool(break_off(handler))

    endpoint.serve_raw = serve_raw
    (reply,) = load().run(make_requests())
    assert isinstance(reply, Answer)
    assert reply.usage is not None
    assert reply.usage.attempts == 4
    broken[0] = 100
    (error,) = list_errors(load().run(make_requests()))
    assert "gave no reply" in error
    assert "8 attempts" in error


def test_a_server_that_hangs_is_given_up(
    endpoint: Endpoint, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time-out is tried again, and names its seconds in the end."""
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.01)

    def behave(_body: dict[str, Any], _number: int) -> Reply:
        time.sleep(0.5)
        return 200, "It is fake."

    endpoint.behave = behave
    (error,) = list_errors(load(timeout=0.15).run(make_requests()))
    assert "0.15 s" in error
    assert "3 attempts" in error


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<html>",
        "[]",
        '{"choices": []}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": {"content": "It is fa',
        '{"choices": [{"message": {"role": "assistant", "content": ""}}]}',
        '{"error": {"message": "upstream failed", "code": 502}}',
    ],
)
def test_what_is_no_completion_is_tried_again(
    endpoint: Endpoint, load: Load, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    """Half a body, a page, an error with status 200, and an empty reply without a reason."""
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.01)
    seen: Counter[str] = Counter()

    def send(body: dict[str, Any]) -> str | None:
        seen[get_text(body)] += 1
        always = get_text(body).endswith("(1)")
        return content if always or seen[get_text(body)] < 3 else None

    endpoint.raw = send
    first, second = load().run(make_requests(2))
    assert isinstance(first, Answer)
    assert first.usage is not None
    assert first.usage.attempts == 3
    assert list_errors([second]) != []
    assert seen[max(seen)] == 3


def test_a_redirect_is_not_followed(endpoint: Endpoint, load: Load) -> None:
    """The other host is asked nothing."""
    with serve(Endpoint()) as other:

        def send_on(handler: BaseHTTPRequestHandler) -> bool:
            handler.send_response(307)
            handler.send_header("Location", f"{other.url}/chat/completions")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return True

        endpoint.serve_raw = send_on
        (error,) = list_errors(load().run(make_requests()))
        assert "307" in error
        assert other.paths == []


def test_too_large_a_reply_is_an_error_at_once(endpoint: Endpoint, load: Load) -> None:
    """One of 100 kB is none; a hundred megabytes are not read."""
    endpoint.behave = lambda _body, _number: (200, "fake " * 20_000)
    (reply,) = load().run(make_requests())
    assert isinstance(reply, Answer)
    assert len(reply.text) == 100_000
    endpoint.raw = lambda _body: " " * (transport.MAX_REPLY_BYTES + 1)
    (error,) = list_errors(load().run(make_requests()))
    assert "larger than" in error
    assert len(endpoint.asked) == 2


def test_a_failure_costs_its_own_case_only(endpoint: Endpoint, load: Load) -> None:
    """The others of the unit have their answers."""
    endpoint.behave = lambda body, _number: (
        (400, "odd") if get_text(body).endswith("(5)") else (200, "It is fake.")
    )
    replies = load().run(make_requests(16, images=4))
    assert [isinstance(reply, Answer) for reply in replies] == [n != 5 for n in range(16)]


def test_a_server_that_is_down_is_left_alone(
    load: Load, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After enough prompts failed for long enough, the others fail without a request."""
    monkeypatch.setattr(transport, "MIN_OUTAGE_S", 0.0)
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.01)
    endpoint.behave = lambda _body, _number: (500, "down")
    backend = load(concurrency=4)
    errors = list_errors(backend.run(make_requests(64)))
    assert len(errors) == 64
    asked = len(endpoint.asked)
    assert asked < 64 * 8
    assert "was not asked" in errors[-1]
    (error,) = list_errors(backend.run(make_requests()))
    assert "was not asked" in error
    assert len(endpoint.asked) == asked


def test_reasons_are_short_and_on_one_line(endpoint: Endpoint, load: Load) -> None:
    """Whatever the server sends."""
    endpoint.behave = lambda _body, _number: (400, "\u001b[31m" + "x\n" * 5_000)
    (error,) = list_errors(load().run(make_requests()))
    assert error.isprintable()
    assert len(error) < 400
    assert json.dumps(error)


def test_reasons_hold_no_secrets(
    endpoint: Endpoint, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do answers, wherever the server repeats the key, or a header of the card."""
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.01)
    monkeypatch.setenv("OPENAI_API_KEY", "marked-key-1234")
    echo = "marked-key-1234 and marked-header"
    endpoint.behave = lambda _body, _number: (200, echo)
    endpoint.change = lambda completion: completion | {"model": echo, "provider": echo}
    headers = {"x-api-key": "marked-header"}
    backend = load(headers=headers)
    replies = list(backend.run(make_requests()))
    endpoint.behave = lambda _body, _number: (400, echo)
    replies += backend.run(make_requests())
    endpoint.behave = lambda _body, _number: (200, echo)
    endpoint.raw = lambda _body: f"<html>{echo}"
    replies += backend.run(make_requests())
    assert endpoint.keys[0] == "Bearer marked-key-1234"
    assert "marked" not in f"{replies} {backend.describe()}"
    assert "***" in list_errors(replies)[-1]
