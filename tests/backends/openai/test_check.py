"""One test request tells what a server takes, or in one sentence why it cannot be asked."""

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.backends.base import BudgetUnit, Capability, RequestLimits
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.openai.options import Prices
from fakebench_suite.backends.registry import LoadOptions, find_features, load_model
from fakebench_suite.endpoints import client
from fakebench_suite.errors import UserError
from fakebench_suite.types import Answer
from tests.backends.openai.conftest import get_text, list_not_asked, make_card, make_requests
from tests.backends.openai.test_replies import give_tokens
from tests.endpoint_server import Endpoint, Reply, serve

KEY = "sk-test-0123456789abcdef"


def find(card: Card, *wants: Capability) -> dict[str, Any]:
    """What the server of a card takes."""
    options = LoadOptions(wants=frozenset(wants or {Capability.TEXT}))
    features = find_features(card, options)
    assert features is not None
    return dict(features)


def refuse(card: Card, *wants: Capability) -> str:
    """Why the server cannot be asked, in a sentence or two on one line, within seconds."""
    started = time.monotonic()
    with pytest.raises(UserError) as caught:
        find(card, *wants)
    assert time.monotonic() - started < 5
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 1_100
    assert "Traceback" not in text
    return text


def has_image(body: dict[str, Any]) -> bool:
    """Whether a request shows an image."""
    return any(part["type"] == "image_url" for part in body["messages"][-1]["content"])


def test_a_server_that_takes_everything_is_asked_once(endpoint: Endpoint) -> None:
    """About an image, with the limit of the card."""
    features = find(make_card(endpoint.url))
    expected = {"refused": [], "token_limit": "max_tokens", "top_logprobs": 20}
    expected |= {"first_token_limit": 1}
    found = {"sent": (), "too_few_tokens": None, "counts_tokens": False, "names_cost": False}
    assert features == expected | found
    (body,) = endpoint.asked
    assert has_image(body)
    assert body["max_tokens"] == 512


def test_a_server_that_takes_one_image_is_not_shown_two(endpoint: Endpoint) -> None:
    """Where comparisons are asked: else it is not tried, and a busy server is no such server."""
    card = make_card(endpoint.url)

    def fail_at_two(status: int, reason: str, body: dict[str, Any]) -> Reply:
        shown = sum(part["type"] == "image_url" for part in body["messages"][-1]["content"])
        return (status, reason) if shown > 1 else (200, "Yes")

    endpoint.behave = lambda body, _: fail_at_two(400, "At most 1 image per prompt.", body)
    text = refuse(card, Capability.TEXT, Capability.TWO_IMAGES)
    assert "takes one image, and comparisons show two (400: At most 1 image per prompt.)" in text
    assert "Write images = 1 into [prompt] of its card" in text
    sent = len(endpoint.asked)
    find(card, Capability.TEXT)
    assert len(endpoint.asked) == sent + 1
    endpoint.behave = lambda body, _: fail_at_two(403, "not now", body)
    find(card, Capability.TEXT, Capability.TWO_IMAGES)


def test_a_loaded_model_was_tested_unless_it_is_told(endpoint: Endpoint) -> None:
    """A worker is told, and sends no test request of its own."""
    card = make_card(endpoint.url)
    with load_model(card, LoadOptions()):
        assert len(endpoint.asked) == 1
    with load_model(card, LoadOptions(features=find(card))):
        assert len(endpoint.asked) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_requests_of_a_minute_include_the_test_requests(endpoint: Endpoint, workers: int) -> None:
    """Also where another process has sent them, whose share of the minute is smaller."""
    endpoint.behave = lambda body, _number: (
        (400, "no temperature") if "temperature" in body else (200, "Yes")
    )
    card, limits = make_card(endpoint.url), RequestLimits(requests_per_minute=6)
    features = find_features(card, LoadOptions(limits=limits))
    assert len(endpoint.asked) == 2
    options = LoadOptions(limits=limits.share(workers), features=features)
    with load_model(card, options) as backend:
        timer = threading.Timer(1.0, backend.stop, ["Enough."])
        timer.start()
        replies = backend.run(make_requests(8))
        timer.join()
    assert sum(isinstance(reply, Answer) for reply in replies) == 6 // workers - 2
    assert len(endpoint.asked) == 6 // workers


def test_tokens_of_a_minute_include_those_of_the_test_request(endpoint: Endpoint) -> None:
    """As the server counted them."""
    usage = {"prompt_tokens": 4_000, "completion_tokens": 500}
    endpoint.change = lambda completion: completion | {"usage": usage}
    card, limits = make_card(endpoint.url), RequestLimits(tokens_per_minute=6_000)
    with load_model(card, LoadOptions(limits=limits)) as backend:
        timer = threading.Timer(0.5, backend.stop, ["Enough."])
        timer.start()
        replies = backend.run(make_requests(1))
        timer.join()
    assert list_not_asked(replies) == ["Enough."]
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("usage", "few"),
    [
        ({"prompt_tokens": 17}, 17),  # the text, as OpenAI counts it
        ({"prompt_tokens": 10}, 10),
        ({"prompt_tokens": 17, "prompt_tokens_details": {"image_tokens": 0}}, 17),
        ({"prompt_tokens": 17, "prompt_tokens_details": {"image_tokens": 1}}, None),
        ({"prompt_tokens": 20}, None),  # Llama 3.2 Vision
        ({"prompt_tokens": 45}, None),
        ({"prompt_tokens": 1}, None),  # a server that does not count the prompt
        ({"prompt_tokens": 0}, None),
        ({"prompt_tokens": None}, None),
        ({}, None),
    ],
)
def test_too_few_tokens_for_a_picture_are_noticed(
    endpoint: Endpoint, usage: dict[str, Any], few: int | None
) -> None:
    """By the one test request; where a server does not count, nothing is known."""
    endpoint.change = lambda completion: completion | {"usage": usage}
    assert find(make_card(endpoint.url))["too_few_tokens"] == few
    assert len(endpoint.asked) == 1


COUNTED = {"prompt_tokens": 90, "completion_tokens": 3}
PRICES = Prices(input=1.0, output=1.0)


@pytest.mark.parametrize(
    ("usage", "prices", "unit", "advice"),
    [
        (COUNTED, None, BudgetUnit.TOKENS, None),
        (COUNTED, PRICES, BudgetUnit.MONEY, None),
        (COUNTED, None, BudgetUnit.MONEY, "Add prices to [endpoint]"),
        (COUNTED | {"cost": 0.5}, None, BudgetUnit.MONEY, None),
        ({"cost": 0.5}, None, BudgetUnit.MONEY, None),
        ({"cost": 0.5}, PRICES, BudgetUnit.MONEY, "does not count the tokens"),
        ({"cost": 0.5}, None, BudgetUnit.TOKENS, "does not count the tokens"),
        ({"prompt_tokens": 90}, None, BudgetUnit.TOKENS, "does not count the tokens"),
        (None, None, BudgetUnit.TOKENS, "does not count the tokens"),
        (None, None, BudgetUnit.MONEY, "Leave --budget out"),
    ],
)
def test_a_budget_needs_a_server_that_says_what_replies_take(
    endpoint: Endpoint,
    usage: dict[str, Any] | None,
    prices: Prices | None,
    unit: BudgetUnit,
    advice: str | None,
) -> None:
    """The test request shows whether it does, before the first case."""
    endpoint.change = lambda completion: completion | {"usage": usage}
    card = make_card(endpoint.url, prices=prices)
    if advice is None:
        assert find_features(card, LoadOptions(budget=unit)) is not None
    else:
        with pytest.raises(UserError, match=re.escape(advice)):
            find_features(card, LoadOptions(budget=unit))
    assert len(endpoint.asked) == 1


def test_a_refused_test_request_says_nothing_about_usage(endpoint: Endpoint) -> None:
    """Later replies may have it."""
    endpoint.behave = lambda _body, _number: (400, "no")
    endpoint.raw = lambda _body: '{"error": {"code": "content_filter", "message": "no"}}'
    for unit in BudgetUnit:
        features = find_features(make_card(endpoint.url), LoadOptions(budget=unit))
        assert features is not None
        assert (features["counts_tokens"], features["names_cost"]) == (None, None)


UNSUPPORTED = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
    " 'max_completion_tokens' instead."
)
FIXED = (
    "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1)"
    " value is supported."
)


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("refused", "text"),
    [
        ({"max_tokens"}, UNSUPPORTED),
        ({"temperature"}, FIXED),
        ({"seed"}, "Unrecognized request argument supplied: seed"),
        ({"seed"}, "1 validation error: Extra inputs are not permitted"),
        ({"max_tokens"}, "bad request"),
        ({"temperature", "seed", "max_tokens"}, "unknown field"),
        ({"temperature", "seed"}, ""),
    ],
)
def test_what_a_server_refuses_is_left_out_or_renamed(
    endpoint: Endpoint, refused: set[str], text: str, status: int
) -> None:
    """Whether its error names it or not."""
    endpoint.behave = lambda body, _number: (status, text) if refused & set(body) else (200, "Yes")
    features = find(make_card(endpoint.url))
    assert set(features["refused"]) >= refused - {"max_tokens"}
    limit = "max_completion_tokens" if "max_tokens" in refused else features["token_limit"]
    assert features["token_limit"] == limit
    if len(refused) == 1:
        assert set(features["refused"]) == refused - {"max_tokens"}


def test_nothing_is_tried_twice(endpoint: Endpoint) -> None:
    """Also where what could be left out was left out before."""
    endpoint.behave = lambda body, _number: (
        (400, "temperature and seed are unknown") if "seed" in body else (400, "no")
    )
    refuse(make_card(endpoint.url))
    bodies = [json.dumps(body) for body in endpoint.asked]
    assert len(set(bodies)) == len(bodies) == 4


NO_PROVIDER = "No endpoints found that can handle the requested parameters."


@pytest.mark.parametrize("refused", [{"seed"}, {"temperature", "seed"}])
def test_a_gateway_may_have_providers_that_take_less(endpoint: Endpoint, refused: set[str]) -> None:
    """OpenRouter says with a 404 that none takes all parameters, if the card requires that."""
    endpoint.models = ["large"]

    def behave(body: dict[str, Any], _number: int) -> Reply:
        taken = not refused & set(body) and "max_completion_tokens" not in body
        return (200, "Yes") if taken else (404, NO_PROVIDER)

    endpoint.behave = behave
    features = find(make_card(endpoint.url))
    assert (set(features["refused"]), features["token_limit"]) == (refused, "max_tokens")
    endpoint.behave = lambda _body, _number: (404, NO_PROVIDER)
    told = refuse(make_card(endpoint.url))
    assert NO_PROVIDER in told
    assert "There is no model" not in told


def test_a_server_that_counts_no_tokens_of_a_stream_is_asked_without(endpoint: Endpoint) -> None:
    """``stream_options`` is left out; a card that does not stream does not send it."""
    endpoint.behave = lambda body, _number: (
        (400, "unknown field: stream_options") if "stream_options" in body else (200, "Yes")
    )
    assert find(make_card(endpoint.url, stream=True))["refused"] == ["stream_options"]
    assert find(make_card(endpoint.url))["refused"] == []


def test_refusals_are_found_one_after_the_other(endpoint: Endpoint) -> None:
    """As OpenAI's reasoning models name them."""

    def behave(body: dict[str, Any], _number: int) -> Reply:
        if "max_tokens" in body:
            return 400, UNSUPPORTED
        return (400, FIXED) if "temperature" in body else (200, "Yes")

    endpoint.behave = behave
    features = find(make_card(endpoint.url))
    assert features["refused"] == ["temperature"]
    assert "max_completion_tokens" in endpoint.asked[-1]
    assert len(endpoint.asked) == 3


@pytest.mark.parametrize(
    "text", ["Could not finish the message because max_tokens or model output limit was reached."]
)
def test_a_limit_that_thoughts_used_up_is_no_refusal(endpoint: Endpoint, text: str) -> None:
    """The model was asked; a single token is no room for one that thinks."""
    endpoint.behave = lambda _body, _number: (400, text)
    assert find(make_card(endpoint.url))["refused"] == []
    assert "thinks before it answers" in refuse(make_card(endpoint.url), PROBABILITIES)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("key", [None, KEY])
def test_a_missing_key_is_told_from_a_wrong_one(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, status: int, key: str | None
) -> None:
    """By the variable that the card names; the key is not shown."""
    if key is not None:
        monkeypatch.setenv("MY_KEY", key)
    endpoint.behave = lambda _body, _number: (status, f"Incorrect API key: {key}")
    told = refuse(make_card(endpoint.url, key_env="MY_KEY"))
    assert ("MY_KEY is not set" in told) is (key is None)
    assert "MY_KEY" in told
    assert KEY not in told
    assert endpoint.keys == [None if key is None else f"Bearer {KEY}"]


@pytest.mark.parametrize(
    "text",
    ["Incorrect API key provided: ma***ey.", "API key not valid. Please pass a valid API key."],
)
def test_a_wrong_key_may_be_a_bad_request(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """To xAI and to Gemini: no other parameters are tried, and the variable is named."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    endpoint.behave = lambda _body, _number: (400, text)
    assert "Correct OPENAI_API_KEY" in refuse(make_card(endpoint.url))
    assert len(endpoint.asked) == 1


def test_the_credentials_of_a_card_are_named(endpoint: Endpoint) -> None:
    """Its header, and not a variable that is not set; a secret in the body is no key."""
    endpoint.behave = lambda _body, _number: (401, "no")
    told = refuse(make_card(endpoint.url, headers={"X-Api-Key": "marked-0123456789"}))
    assert "Correct the header X-Api-Key of the card, or set OPENAI_API_KEY." in told
    told = refuse(make_card(endpoint.url, extra_body={"auth_token": "marked-0123456789"}))
    assert "OPENAI_API_KEY is not set" in told


def test_a_key_may_lie_in_a_file(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The variable with _FILE names it; one that cannot be read is said."""
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "key"))
    assert "OPENAI_API_KEY_FILE" in refuse(make_card(endpoint.url))
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    find(make_card(endpoint.url))
    assert endpoint.keys == [f"Bearer {KEY}"]
    (tmp_path / "key").write_text(KEY, encoding="utf-8-sig")  # as Windows writes it
    find(make_card(endpoint.url))
    assert endpoint.keys == [f"Bearer {KEY}"] * 2
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    assert "OPENAI_API_KEY_FILE" in refuse(make_card(endpoint.url))


def test_a_wrong_name_is_said_with_those_there_are(endpoint: Endpoint) -> None:
    """Where the server lists them."""
    endpoint.behave = lambda _body, _number: (404, "The model `tiny` does not exist")
    told = refuse(make_card(endpoint.url))
    assert "There is no model tiny@" in told
    assert "Check the model's name" in told
    endpoint.models = ["tinny", "large"]
    told = refuse(make_card(endpoint.url))
    assert "The server has: tinny, large; nearest: tinny." in told


def test_a_wrong_url_is_said(endpoint: Endpoint) -> None:
    """A dead port, a host that is none, and a page where /v1 is missing."""
    assert "cannot be reached" in refuse(make_card("http://127.0.0.1:9/v1"))
    assert "cannot be reached" in refuse(make_card("http://nowhere.invalid/v1"))
    endpoint.raw = lambda _body: "<html><title>Welcome to nginx!</title></html>"
    assert "/v1" in refuse(make_card(endpoint.url))


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "tiny is not a multimodal model"),
        (400, "messages.0.content must be a string"),
        (404, "No endpoints found that support image input"),
        (500, "image input is not supported"),
        (422, "unknown variant image_url"),
    ],
)
def test_a_server_without_eyes_is_said(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, status: int, text: str
) -> None:
    """It answers the same question without the image."""
    monkeypatch.setattr(client, "TEST_ATTEMPTS", 1)
    endpoint.behave = lambda body, _number: (status, text) if has_image(body) else (200, "Yes")
    told = refuse(make_card(endpoint.url))
    assert "takes no images" in told
    assert text in told


def test_a_busy_server_is_asked_again_for_seconds(endpoint: Endpoint) -> None:
    """One that asks for a minute is reported."""
    endpoint.behave = lambda _body, number: (503, "loading") if number < 2 else (200, "Yes")
    find(make_card(endpoint.url))
    assert len(endpoint.asked) == 3
    endpoint.behave, endpoint.headers = lambda _body, _number: (429, "later"), {"retry-after": "60"}
    assert "429: later" in refuse(make_card(endpoint.url))
    endpoint.headers = {}
    endpoint.behave = lambda _body, _number: (500, "CUDA out of memory")
    assert "CUDA out of memory" in refuse(make_card(endpoint.url))


def test_a_server_that_hangs_is_said(endpoint: Endpoint) -> None:
    """After the seconds of the card."""

    def behave(_body: dict[str, Any], _number: int) -> Reply:
        time.sleep(0.5)
        return 200, "Yes"

    endpoint.behave = behave
    assert "in time" in refuse(make_card(endpoint.url, timeout=0.1))


PROBABILITIES = Capability.PROBABILITIES


def test_probabilities_are_asked_for_where_they_are_wanted(endpoint: Endpoint) -> None:
    """Beside texts, if both are."""
    give_tokens(endpoint, {"Yes": 0.5})
    find(make_card(endpoint.url), PROBABILITIES)
    (body,) = endpoint.asked
    assert (body["logprobs"], body["top_logprobs"], body["max_tokens"]) == (True, 20, 1)
    find(make_card(endpoint.url), PROBABILITIES, Capability.TEXT)
    assert [body.get("logprobs") for body in endpoint.asked[1:]] == [None, True]


def test_fewer_alternatives_are_better_than_none(endpoint: Endpoint) -> None:
    """Some servers give five."""
    give_tokens(endpoint, {"Yes": 0.5})
    endpoint.behave = lambda body, _number: (
        (400, "top_logprobs must be at most 5") if body["top_logprobs"] > 5 else (200, "Yes")
    )
    assert find(make_card(endpoint.url), PROBABILITIES)["top_logprobs"] == 5


def test_a_first_token_may_need_a_larger_limit(endpoint: Endpoint) -> None:
    """Of gateways to OpenAI's Responses API; whole texts have their own."""
    said = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16"
    give_tokens(endpoint, {"Yes": 0.5})
    endpoint.behave = lambda body, _number: (400, said) if body["max_tokens"] < 16 else (200, "Yes")
    card = make_card(endpoint.url)
    features = find(card, PROBABILITIES)
    assert (features["first_token_limit"], features["token_limit"]) == (16, "max_tokens")
    assert features["top_logprobs"] == 20
    assert len(endpoint.asked) == 2
    assert find(card)["first_token_limit"] == 1


def test_a_limit_that_is_too_small_keeps_its_name(endpoint: Endpoint) -> None:
    """The server names it, and knows no other."""
    said = "Invalid 'max_tokens': integer below minimum value. Expected a value >= 16"
    give_tokens(endpoint, {"Yes": 0.5})
    endpoint.behave = lambda body, _number: (
        (400, "max_completion_tokens is not permitted")
        if "max_completion_tokens" in body
        else ((400, said) if body["max_tokens"] < 16 else (200, "Yes"))
    )
    features = find(make_card(endpoint.url), PROBABILITIES)
    assert (features["first_token_limit"], features["token_limit"]) == (16, "max_tokens")
    assert len(endpoint.asked) == 2


def test_a_server_without_log_probabilities_is_said(endpoint: Endpoint) -> None:
    """Whether it refuses them or leaves them out."""
    assert "gives no log-probabilities" in refuse(make_card(endpoint.url), PROBABILITIES)
    endpoint.behave = lambda body, _number: (
        (400, "logprobs are not supported") if "logprobs" in body else (200, "Yes")
    )
    told = refuse(make_card(endpoint.url), PROBABILITIES)
    assert "gives no log-probabilities (400: logprobs are not supported)" in told
    assert "--reading=likelihood" in told


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "reasoning": "So"},
        *({"content": mark} for mark in ("<think>", "◁think▷", "[THINK]", "<")),
    ],
)
def test_a_model_that_thinks_first_is_said(endpoint: Endpoint, message: dict[str, Any]) -> None:
    """Its first token is no answer."""

    def change(completion: dict[str, Any]) -> dict[str, Any]:
        return completion | {"choices": [{"message": message, "finish_reason": "length"}]}

    endpoint.change = change
    assert "thinks before it answers" in refuse(make_card(endpoint.url), PROBABILITIES)


def test_a_redirect_is_said(endpoint: Endpoint) -> None:
    """With the URL to give instead."""
    with serve(Endpoint()) as other:

        def send_on(handler: Any) -> bool:
            handler.send_response(308)
            handler.send_header("Location", f"{other.url}?token=abc123xyz")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return True

        endpoint.serve_raw = send_on
        told = refuse(make_card(endpoint.url))
        assert other.url in told
        assert "abc123xyz" not in told
        assert other.asked == []


def test_a_password_in_the_url_is_sent_and_not_shown(endpoint: Endpoint) -> None:
    """As for judges."""
    url = endpoint.url.replace("http://", "http://me:hunter2hunter2@")
    find(make_card(url))
    assert endpoint.keys == ["Basic bWU6aHVudGVyMmh1bnRlcjI="]
    endpoint.behave = lambda _body, _number: (400, f"{url} hunter2hunter2")
    told = refuse(make_card(url))
    assert "hunter2" not in told
    assert re.search(r"tiny@http://\*\*\*@127\.0\.0\.1", told)


def test_the_question_is_of_the_benchmark(endpoint: Endpoint) -> None:
    """A server may refuse others, or answer them at length."""
    find(make_card(endpoint.url))
    assert get_text(endpoint.asked[0]) == "Is this a fake image, yes or no?"
