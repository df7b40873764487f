"""A server that fails in every way: asked again where that may help, and never an answer else."""

import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from fakebench_suite.backends.base import RequestLimits
from fakebench_suite.endpoints import client, outage, retries, transport
from fakebench_suite.types import Answer
from tests.backends.openai.conftest import (
    Load,
    get_text,
    list_errors,
    list_not_asked,
    make_card,
    make_requests,
)
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
            time.sleep(0.03)  # Long enough for five at a time on a busy machine, too.
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


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_wrong_request_is_sent_once(endpoint: Endpoint, load: Load, status: int) -> None:
    """It is an error of the model, with the server's reason."""
    endpoint.behave = lambda _body, _number: (status, "no such thing")
    (error,) = list_errors(load().run(make_requests()))
    assert error == f"the server says {status}: no such thing"
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("status", [401, 402])
def test_a_key_that_is_refused_stops_the_run(endpoint: Endpoint, load: Load, status: int) -> None:
    """As every other prompt would be refused, too; none of them is an error of the model."""
    endpoint.behave = lambda _body, number: (
        (200, "It is fake.") if number < 4 else (status, "no credit")
    )
    replies = load(concurrency=1).run(make_requests(16))
    assert [isinstance(reply, Answer) for reply in replies] == [n < 4 for n in range(16)]
    reason = f"The server refuses all requests (the server says {status}: no credit)."
    assert list_not_asked(replies) == [reason] * 12
    assert len(endpoint.asked) == 5


def test_a_quota_that_is_spent_stops_the_run(endpoint: Endpoint, load: Load) -> None:
    """It is a 429 that no wait changes."""
    endpoint.behave = lambda _body, _number: (429, "no luck")
    endpoint.raw = lambda _body: json.dumps(
        {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
    )
    assert len(list_not_asked(load().run(make_requests(4)))) == 4


def test_a_model_that_is_gone_stops_the_run(endpoint: Endpoint, load: Load) -> None:
    """After as many prompts in a row as of a server that fails."""
    endpoint.behave = lambda _body, _number: (404, "there is no model tiny")
    replies = load(concurrency=1).run(make_requests(32))
    assert len(list_errors(replies)) == outage.MAX_FAILED
    assert len(list_not_asked(replies)) == 32 - outage.MAX_FAILED


def test_lasting_trouble_is_an_error_after_a_few_attempts(
    endpoint: Endpoint, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And never an answer."""
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.01)
    endpoint.behave = lambda _body, _number: (500, "no luck")
    (error,) = list_errors(load().run(make_requests()))
    assert error == "the server says 500: no luck (8 attempts)"
    assert len(endpoint.asked) == 8


@pytest.mark.parametrize("status", [429, 503])
def test_a_lasting_overload_stops_the_run(
    endpoint: Endpoint, load: Load, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """No prompt is at fault; short waits that it asks for do not lead to thousands of requests."""
    monkeypatch.setattr(client, "MAX_OVERLOADED_S", 1.0)
    endpoint.behave = lambda _body, _number: (status, "slow down")
    endpoint.headers = {"retry-after-ms": "1"}
    replies = load(concurrency=8).run(make_requests(16))
    assert list_errors(replies) == []
    assert len(list_not_asked(replies)) == 16
    assert len(endpoint.asked) < 200


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


def test_a_reply_in_an_unknown_encoding_is_an_error_at_once(endpoint: Endpoint, load: Load) -> None:
    """Its name is said, and the next reply would be encoded, too."""
    endpoint.headers = {"Content-Encoding": "br"}
    (error,) = list_errors(load().run(make_requests()))
    assert "'br'" in error
    assert "attempts" not in error
    assert len(endpoint.asked) == 1


def test_a_failure_costs_its_own_case_only(endpoint: Endpoint, load: Load) -> None:
    """The others of the unit have their answers."""
    endpoint.behave = lambda body, _number: (
        (400, "odd") if get_text(body).endswith("(5)") else (200, "It is fake.")
    )
    replies = load().run(make_requests(16, images=4))
    assert [isinstance(reply, Answer) for reply in replies] == [n != 5 for n in range(16)]


def test_prompts_that_fail_one_after_another_stop_the_run(
    load: Load, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server lives, and answers none: after 16 no other is sent, and none is an error."""
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.01)
    endpoint.behave = lambda _body, _number: (500, "no luck")
    backend = load(concurrency=4)
    replies = backend.run(make_requests(64))
    errors, not_asked = list_errors(replies), list_not_asked(replies)
    assert outage.MAX_FAILED <= len(errors) < outage.MAX_FAILED + 4
    assert len(errors) + len(not_asked) == 64
    assert set(not_asked) == {"16 prompts in a row had no reply (the server says 500: no luck)."}
    asked = len(endpoint.asked)
    assert list_not_asked(backend.run(make_requests())) == not_asked[:1]
    assert len(endpoint.asked) == asked


@pytest.fixture
def quick_outages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is down is looked at often."""
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.01)
    monkeypatch.setattr(outage, "PROBE_EVERY_S", 0.02)


@pytest.mark.usefixtures("quick_outages")
def test_an_outage_costs_no_case(load: Load, endpoint: Endpoint) -> None:
    """All prompts wait until the server is back, however often they were sent before."""
    refused: Counter[str] = Counter()
    last: list[float] = []

    def is_down() -> bool:
        """Until a prompt has one attempt left, and a moment longer."""
        few = max(refused.values(), default=0) < 7
        return bool(last) and (few or time.monotonic() - last[-1] < 0.1)

    def behave(body: dict[str, Any], number: int) -> Reply:
        if number != 8 and not is_down():
            return 200, "It is fake."
        refused[get_text(body)] += 1
        last.append(time.monotonic())
        return 502, "down"

    endpoint.behave, endpoint.is_down = behave, is_down
    replies = load(concurrency=4).run(make_requests(64))
    assert list_errors(replies) == []
    assert list_not_asked(replies) == []
    attempts = [r.usage.attempts for r in replies if isinstance(r, Answer) and r.usage]
    assert max(attempts) >= 8


@pytest.mark.usefixtures("quick_outages")
def test_a_prompt_that_takes_the_server_down_is_an_error(load: Load, endpoint: Endpoint) -> None:
    """After three outages in which it was asked; the others have their answers."""
    down_until = [0.0]

    def behave(body: dict[str, Any], _number: int) -> Reply:
        if get_text(body).endswith("(5)"):
            down_until[0] = time.monotonic() + 0.3
        return (502, "down") if time.monotonic() < down_until[0] else (200, "It is fake.")

    endpoint.behave, endpoint.is_down = behave, lambda: time.monotonic() < down_until[0]
    replies = load(concurrency=1).run(make_requests(8))
    assert [isinstance(reply, Answer) for reply in replies] == [n != 5 for n in range(8)]
    assert len(list_errors(replies)) == 1


@pytest.mark.usefixtures("quick_outages")
def test_a_server_that_answers_prompts_is_not_down(load: Load, endpoint: Endpoint) -> None:
    """Whatever it replies to anything else; the prompt that fails is an error."""

    def behave(body: dict[str, Any], _number: int) -> Reply:
        fails = get_text(body).endswith("(0)")
        time.sleep(0.05 if fails else 0.01)  # Others are answered while it is asked.
        return (500, "no") if fails else (200, "It is fake.")

    endpoint.behave, endpoint.is_down = behave, lambda: True
    replies = load(concurrency=4).run(make_requests(256))
    assert list_not_asked(replies) == []
    assert list_errors(replies) == ["the server says 500: no (8 attempts)"]


@pytest.mark.usefixtures("quick_outages")
def test_a_stop_ends_the_wait_for_a_server(load: Load, endpoint: Endpoint) -> None:
    """For all prompts at once."""
    endpoint.behave, endpoint.is_down = lambda _body, _number: (502, "down"), lambda: True
    backend = load(concurrency=8)
    replies: list[Any] = []
    thread = threading.Thread(target=lambda: replies.extend(backend.run(make_requests(8))))
    thread.start()
    time.sleep(1.5)
    backend.stop("Enough.")
    thread.join(10)
    assert list_not_asked(replies) == ["Enough."] * 8


@pytest.mark.usefixtures("quick_outages")
def test_an_outage_that_lasts_stops_the_run(
    load: Load, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No case is an error of the model; what was answered before stays."""
    monkeypatch.setattr(outage, "MAX_OUTAGE_S", 0.2)
    backend = load(concurrency=4)
    endpoint.behave = lambda _body, number: (200, "It is fake.") if number < 8 else (503, "down")
    endpoint.is_down = lambda: True
    replies = backend.run(make_requests(64))
    assert sum(isinstance(reply, Answer) for reply in replies) == 8
    assert list_errors(replies) == []
    reasons = set(list_not_asked(replies))
    assert len(reasons) == 1
    assert "has not replied for" in reasons.pop()
    asked = len(endpoint.asked)
    assert len(list_not_asked(backend.run(make_requests(8)))) == 8
    assert len(endpoint.asked) == asked


def test_a_closed_port_is_an_outage(
    load: Load, monkeypatch: pytest.MonkeyPatch, quick_outages: None
) -> None:
    """As is a server that ends while it is asked."""
    del quick_outages
    monkeypatch.setattr(outage, "MAX_OUTAGE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    replies = load(card=make_card(f"http://127.0.0.1:{port}/v1")).run(make_requests(4))
    assert len(list_not_asked(replies)) == 4


def test_a_stop_waits_for_what_was_sent_and_sends_nothing_else(
    load: Load, endpoint: Endpoint
) -> None:
    """Prompts that wait for a slot, in a pause or before another attempt are not asked."""
    sent, go_on = threading.Semaphore(0), threading.Event()

    def behave(body: dict[str, Any], _number: int) -> Reply:
        sent.release()
        if get_text(body).endswith(("(1)", "(2)")):
            return 500, "again"
        go_on.wait(30)
        return 200, "It is fake."

    endpoint.behave = behave
    backend = load(concurrency=4)
    replies: list[Any] = []
    thread = threading.Thread(target=lambda: replies.extend(backend.run(make_requests(16))))
    thread.start()
    for _ in range(6):
        assert sent.acquire(timeout=30)
    backend.stop("Enough.")
    go_on.set()
    thread.join(30)
    assert list_errors(replies) == []
    assert set(list_not_asked(replies)) == {"Enough."}
    answered = [n for n, reply in enumerate(replies) if isinstance(reply, Answer)]
    assert {1, 2}.isdisjoint(answered)
    assert 2 <= len(answered) <= 4
    backend.stop("Again.")
    assert list_not_asked(backend.run(make_requests(2))) == ["Enough."] * 2


def test_what_does_not_come_after_a_stop_is_given_up(load: Load, endpoint: Endpoint) -> None:
    """It is asked when the run goes on; the others of its work unit have their answers."""
    sent, go_on = threading.Semaphore(0), threading.Event()

    def behave(body: dict[str, Any], _number: int) -> Reply:
        sent.release()
        if get_text(body).endswith(("(0)", "(5)")):
            go_on.wait(30)
        return 200, "It is fake."

    endpoint.behave = behave
    backend = load(concurrency=4)
    replies: list[Any] = []
    thread = threading.Thread(target=lambda: replies.extend(backend.run(make_requests(8))))
    thread.start()
    for _ in range(8):
        assert sent.acquire(timeout=30)
    while backend.requests_in_flight != 2:  # The others have their replies.
        time.sleep(0.01)
    backend.give_up()  # No stop came before.
    thread.join(0.2)
    assert thread.is_alive()
    backend.stop("Enough.")
    backend.give_up()
    thread.join(20)
    assert not thread.is_alive()
    go_on.set()
    assert [n for n, reply in enumerate(replies) if isinstance(reply, Answer)] == [1, 2, 3, 4, 6, 7]
    assert list_not_asked(replies) == ["Enough."] * 2
    backend.give_up()
    assert list_not_asked(backend.run(make_requests(1))) == ["Enough."]


def test_a_stop_ends_a_pause(load: Load, endpoint: Endpoint) -> None:
    """Of an hour that the server asked for."""
    refused = threading.Event()

    def behave(_body: dict[str, Any], _number: int) -> Reply:
        refused.set()
        return 429, "slow down"

    endpoint.behave, endpoint.headers = behave, {"retry-after": "100"}
    backend = load(concurrency=1)
    replies: list[Any] = []
    thread = threading.Thread(target=lambda: replies.extend(backend.run(make_requests(4))))
    thread.start()
    assert refused.wait(30)
    time.sleep(0.1)
    backend.stop("Enough.")
    thread.join(10)
    assert list_not_asked(replies) == ["Enough."] * 4


def test_a_prompt_that_takes_too_long_is_an_error_of_its_own(
    load: Load, endpoint: Endpoint
) -> None:
    """Its retries included; the others have their answers."""

    def behave(body: dict[str, Any], _number: int) -> Reply:
        if get_text(body).endswith("(2)"):
            time.sleep(2.5)
        if get_text(body).endswith("(3)"):
            time.sleep(0.2)  # all attempts together take longer than a prompt may
            return 500, "busy"
        return 200, "It is fake."

    endpoint.behave = behave
    limits = RequestLimits(prompt_seconds=1.0)
    replies = load(limits=limits).run(make_requests(8))
    assert [isinstance(reply, Answer) for reply in replies] == [n not in (2, 3) for n in range(8)]
    slow, busy = list_errors(replies)
    assert slow == "no answer within --case-timeout=1"
    assert re.fullmatch(r"no answer within --case-timeout=1 \(\d+ attempts\)", busy)


def test_requests_of_a_minute_are_limited(load: Load, endpoint: Endpoint) -> None:
    """Each of two workers may send half of them; the others wait for their minute."""
    limits = RequestLimits(requests_per_minute=8)
    backend = load(limits=limits.share(2))
    replies: list[Any] = []
    thread = threading.Thread(target=lambda: replies.extend(backend.run(make_requests(6))))
    thread.start()
    time.sleep(1)
    backend.stop("Enough.")
    thread.join(30)
    assert len(endpoint.asked) == 4
    assert sum(isinstance(reply, Answer) for reply in replies) == 4


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
