"""One test request tells a judge that cannot be asked from one that can, and what it refuses."""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.grading.judges.cache import RatingCache
from fakebench_suite.grading.judges.endpoint import EndpointJudge
from fakebench_suite.grading.judges.rubric import RatingRequest
from fakebench_suite.provenance import JudgeInfo
from tests.endpoint_server import GOOD, Endpoint, Reply, linger, serve

KEY = "sk-test-0123456789/+abc"
REQUEST = RatingRequest(question="Why fake?", reference=["Six fingers."], text="The hand is odd.")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key is set."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def make_judge(url: str, cache: RatingCache, *, timeout: float = 5.0) -> EndpointJudge:
    """A judge of one round."""
    return EndpointJudge("m", url, rounds=1, cache=cache, timeout=timeout)


def refuse(judge: EndpointJudge) -> str:
    """Why the judge cannot be asked, in one sentence or two on one line."""
    with pytest.raises(UserError) as exc_info:
        judge.check()
    text = str(exc_info.value)
    assert "\n" not in text
    assert len(text) < 700
    assert "Traceback" not in text
    return text


def test_a_judge_that_answers_is_asked_once(endpoint: Endpoint, cache: RatingCache) -> None:
    """One request, with nothing that the server could take for a key."""
    judge = make_judge(endpoint.url, cache)
    judge.check()
    assert len(endpoint.asked) == 1
    assert endpoint.keys == [None]
    assert judge.describe() == JudgeInfo()
    assert [judgement.score for judgement in judge.grade([REQUEST])] == [1]
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("value", [None, "", "  ", KEY, f" {KEY}\n"])
def test_a_missing_key_is_told_from_a_wrong_one(
    endpoint: Endpoint,
    cache: RatingCache,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    value: str | None,
) -> None:
    """An empty key is no key; a wrong one is not shown, though the server repeats it."""
    if value is not None:
        monkeypatch.setenv("OPENAI_API_KEY", value)
    endpoint.behave = lambda _body, _number: (status, f"Incorrect API key provided: {value}.")
    message = refuse(make_judge(endpoint.url, cache))
    has_key = bool(value and value.strip())
    assert ("OPENAI_API_KEY is not set" in message) is not has_key
    assert str(status) in message
    assert KEY not in message
    assert endpoint.keys == [f"Bearer {KEY}" if has_key else None]
    assert len(endpoint.asked) == 1


def test_a_key_that_can_be_none_is_refused_unsent(
    endpoint: Endpoint, cache: RatingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word on each side of a blank, or another alphabet."""
    for value in ("sk-one sk-two", "sk-ключ", "sk-one\nX-Other: two"):
        monkeypatch.setenv("OPENAI_API_KEY", value)
        with pytest.raises(UserError, match="OPENAI_API_KEY") as exc_info:
            make_judge(endpoint.url, cache)
        assert value not in str(exc_info.value)
    assert endpoint.asked == []


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (404, "The model `m` does not exist", "The model `m` does not exist"),
        (400, "This model's maximum context length is 64 tokens", "maximum context length"),
        (400, "", "400"),
        (402, "You have run out of credits", "credits"),
        (500, "CUDA out of memory", "CUDA out of memory"),
        (429, "You exceeded your current quota", "quota"),
        (500, "x" * 5_000, "xxx..."),
        (400, "\u001b[31mred\u0000 \ud800", "red"),
    ],
)
def test_a_servers_reason_is_passed_on(
    endpoint: Endpoint, cache: RatingCache, status: int, text: str, expected: str
) -> None:
    """Shortened, on one line, without control characters."""
    endpoint.behave = lambda _body, _number: (status, text)
    message = refuse(make_judge(endpoint.url, cache))
    assert expected in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<html><head><title>Welcome to nginx!</title></head></html>", "/v1"),
        ("", "/v1"),
        ("[]", "no choice"),
        ('{"choices": []}', "no choice"),
        ('{"error": {"message": "no provider left"}}', "no provider left"),
        ('{"choices": [{"message": {"role": "assistant", "content": null}}]}', "empty"),
        ('{"choices": [{"finish_reason": "length", "message": {"content": ""}}]}', "token limit"),
        ('{"choices": [{"message": {"content": "", "reasoning_content": "Hm"}}]}', "thoughts"),
        ('{"choices": [{"finish_reason": "content_filter", "message": {}}]}', "refused"),
        ('{"choices": [{"message": {"refusal": "I cannot", "content": null}}]}', "I cannot"),
        ('{"choices": ' * 50_000, "not a chat completion"),
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_what_is_no_answer_is_said(
    endpoint: Endpoint, cache: RatingCache, content: str, expected: str, kind: str
) -> None:
    """A page, an empty choice, an error with status 200, a refusal."""
    endpoint.raw, endpoint.content_type = lambda _body: content, kind
    assert expected in refuse(make_judge(endpoint.url, cache))


def test_a_wrong_url_is_said(endpoint: Endpoint, cache: RatingCache) -> None:
    """A dead port, a host that is none, and a page of HTML where /v1 is missing."""

    def serve_page(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(404)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        handler.wfile.write(b"<!doctype html><title>404 Not Found</title><h1>Not Found</h1>")
        return True

    endpoint.serve_raw = serve_page
    message = refuse(make_judge(endpoint.url.removesuffix("/v1"), cache))
    assert "404 Not Found" in message
    assert "/v1" in message
    assert "<" not in message
    assert "cannot be reached" in refuse(make_judge("http://127.0.0.1:9/v1", cache))
    assert "cannot be reached" in refuse(make_judge("http://nowhere.invalid/v1", cache))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(
    endpoint: Endpoint, cache: RatingCache, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """The other host is asked nothing and shown no key; its address is said without secrets."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serve(Endpoint()) as target:

        def send_on(handler: BaseHTTPRequestHandler) -> bool:
            handler.send_response(status)
            handler.send_header("Location", f"{target.url}/chat/completions?token=abc123xyz")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return True

        endpoint.serve_raw = send_on
        message = refuse(make_judge(endpoint.url, cache))
        assert target.url in message
        assert "abc123xyz" not in message
        assert target.asked == []
        assert target.paths == []


def test_a_server_that_hangs_or_drips_is_given_up(endpoint: Endpoint, cache: RatingCache) -> None:
    """The deadline is for the whole request, whatever comes meanwhile."""
    endpoint.behave = linger
    start = time.monotonic()
    assert "in time" in refuse(make_judge(endpoint.url, cache, timeout=0.1))

    def drip(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)
        return True

    endpoint.serve_raw = drip
    assert "in time" in refuse(make_judge(endpoint.url, cache, timeout=0.5))
    assert time.monotonic() - start < 5


FIXED = (
    "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1)"
    " value is supported."
)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"temperature"}, FIXED),
        ({"seed"}, "Unrecognized request argument supplied: seed"),
        ({"seed"}, "1 validation error: Extra inputs are not permitted"),
        ({"temperature"}, "this value must be 1"),
        ({"response_format"}, "response_format.type must be text"),
        ({"temperature", "seed"}, "unknown field"),
        ({"temperature", "seed", "response_format"}, "bad request"),
        ({"temperature", "seed", "response_format"}, ""),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("checked", [True, False])
def test_a_judge_is_asked_without_what_it_refuses(
    endpoint: Endpoint,
    cache: RatingCache,
    fields: set[str],
    text: str,
    status: int,
    checked: bool,
) -> None:
    """It is found out once, whatever the words, and not for every text."""

    def behave(body: dict[str, Any], _number: int) -> Reply:
        return (status, text) if fields & set(body) else (200, GOOD)

    endpoint.behave = behave
    judge = make_judge(endpoint.url, cache)
    if checked:
        judge.check()
        before = len(endpoint.asked)
        assert before <= 8
        assert judge.dropped >= fields
    requests = [RatingRequest(question="?", reference=["a"], text=f"text {n}") for n in range(5)]
    assert [judgement.score for judgement in judge.grade(requests)] == [1] * 5
    assert set(judge.dropped) >= fields
    if len(fields) == 1:
        assert set(judge.dropped) == fields
    assert judge.describe().refused_parameters == sorted(judge.dropped)
    if checked:
        assert len(endpoint.asked) == before + 5
    informed_judge = EndpointJudge("m", endpoint.url, rounds=1, cache=cache, dropped=judge.dropped)
    before = len(endpoint.asked)
    informed_judge.grade([REQUEST])
    assert len(endpoint.asked) == before + 1


def test_a_refusal_that_arrives_late_is_no_failure(endpoint: Endpoint, cache: RatingCache) -> None:
    """The refused request is sent again though others were answered without the parameter."""
    reply_sent = threading.Event()

    def behave(body: dict[str, Any], number: int) -> Reply:
        if "seed" not in body:
            reply_sent.set()
            return 200, GOOD
        if number:
            assert reply_sent.wait(10)
            time.sleep(0.1)  # until the client has read the other's reply
        return 400, "Unrecognized request argument supplied: seed"

    endpoint.behave = behave
    requests = [RatingRequest(question="?", reference=["a"], text=f"text {n}") for n in range(2)]
    judgements = make_judge(endpoint.url, cache).grade(requests)
    assert [judgement.score for judgement in judgements] == [1, 1]


def test_a_judge_that_refuses_everything_is_refused_in_its_first_words(
    endpoint: Endpoint, cache: RatingCache
) -> None:
    """The reason is the server's on the whole request, and nothing counts as dropped."""
    endpoint.behave = lambda body, _number: (400, f"no {len(body)}")
    judge = make_judge(endpoint.url, cache)
    assert "no 5" in refuse(judge)
    assert not judge.dropped


def test_other_sampling_has_marks_of_its_own(endpoint: Endpoint, cache: RatingCache) -> None:
    """Marks given at another temperature are not taken for those of this one."""
    judge = make_judge(endpoint.url, cache)
    judge.grade([REQUEST])
    other_judge = EndpointJudge("m", endpoint.url, rounds=1, cache=cache, dropped=["temperature"])
    other_judge.grade([REQUEST])
    assert len(endpoint.asked) == 2
    assert "temperature" in str(other_judge.describe().sampling)


def test_a_users_password_and_parameters_reach_the_server_alone(
    endpoint: Endpoint, cache: RatingCache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Basic authorization and the query are sent; name, errors, marks and cache hold neither."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    secrets = ("hunter2", "c0ffee", "hunter2%40home", "hunter2@home", KEY)
    address = endpoint.url.replace("http://", "http://me:hunter2%40home@")
    judge = make_judge(f"{address}?api_key=c0ffee&api-version=1", cache)
    endpoint.behave = lambda _body, _number: (
        200,
        GOOD.replace("because", f"{address} hunter2@home c0ffee {endpoint.keys[0]}"),
    )
    judge.check()
    (judgement,) = judge.grade([REQUEST])
    assert endpoint.keys[0] == "Basic bWU6aHVudGVyMkBob21l"
    assert endpoint.paths[0] == "/v1/chat/completions?api_key=c0ffee&api-version=1"
    endpoint.behave = lambda _body, _number: (500, f"{address} c0ffee hunter2@home")
    (unrated,) = judge.grade([RatingRequest(question="?", reference=["a"], text="b")])
    output = f"{judge.name} {judgement} {unrated} {judge.describe()} {refuse(judge)}"
    assert "***" in judgement.ratings[0].reason
    assert "api-version=1" in judge.name
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (*secrets, "bWU6aHVudGVyMkBob21l"):
        assert secret not in output
        assert secret.encode() not in stored


def test_replies_of_thinking_and_talking_judges_are_read(
    endpoint: Endpoint, cache: RatingCache
) -> None:
    """Thoughts are left out, wherever the server puts them; parts are put together."""
    number = 0
    changes: list[dict[str, Any]] = [
        {"content": f"<think>It is {{2}}.</think>{GOOD}"},
        {"content": GOOD, "reasoning_content": "Completeness 2, no, 0."},
        {"content": [{"type": "text", "text": GOOD[:20]}, {"type": "text", "text": GOOD[20:]}]},
        {"content": f"Here is the JSON:\n```json\n{GOOD}\n```"},
    ]
    for number, message in enumerate(changes):

        def change(completion: dict[str, Any], message: Any = message) -> dict[str, Any]:
            return completion | {"choices": [{"finish_reason": "stop", "message": message}]}

        endpoint.change = change
        request = RatingRequest(question="?", reference=["a"], text=f"text {number}")
        assert [
            judgement.score for judgement in make_judge(endpoint.url, cache).grade([request])
        ] == [1]


def test_a_reply_that_cannot_be_stored_costs_its_own_round(
    endpoint: Endpoint, cache: RatingCache
) -> None:
    """Half a surrogate pair in one text's marks; the other eight texts have theirs."""
    half = GOOD.replace("because", "\\ud800 half")
    endpoint.behave = lambda body, _number: (200, half if "text 3" in str(body) else GOOD)
    requests = [RatingRequest(question="?", reference=["a"], text=f"text {n}") for n in range(9)]
    scores = [judgement.score for judgement in make_judge(endpoint.url, cache).grade(requests)]
    assert scores == [None if n == 3 else 1 for n in range(9)]
    endpoint.behave = lambda body, _number: ((200, half if body["seed"] == 0 else GOOD))
    request = RatingRequest(question="?", reference=["a"], text="seen in time")
    assert [judgement.score for judgement in make_judge(endpoint.url, cache).grade([request])] == [
        1
    ]


def test_a_reply_is_read_up_to_a_limit(endpoint: Endpoint, cache: RatingCache) -> None:
    """A gigabyte is not read, packed or plain; it costs its round, once."""
    megabytes = 0

    def pour(handler: BaseHTTPRequestHandler) -> bool:
        nonlocal megabytes
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.end_headers()
        for _ in range(1024):
            handler.wfile.write(b" " * (1 << 20))
            megabytes += 1
        return True

    endpoint.serve_raw = pour
    (judgement,) = make_judge(endpoint.url, cache).grade([REQUEST])
    assert judgement.unanswered == 1
    assert "larger than" in judgement.reason
    assert megabytes < 64
    assert len(endpoint.asked) == 1


def test_a_judge_is_named_without_secrets_in_every_error(cache: RatingCache) -> None:
    """Where nobody listens, too."""
    message = refuse(make_judge("http://me:hunter2@127.0.0.1:9/v1?code=c0ffee", cache))
    assert "hunter2" not in message
    assert "c0ffee" not in message
    assert re.search(r"m@http://\*\*\*@127\.0\.0\.1:9/v1\?code=\*\*\*", message)
    assert json.dumps(message)
