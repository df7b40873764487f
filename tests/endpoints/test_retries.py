"""What is asked again, when, and what is a refusal to answer."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.endpoints import retries
from fakebench_suite.endpoints.completion import MalformedReplyError
from fakebench_suite.endpoints.parameters import refuses_key
from fakebench_suite.endpoints.retries import (
    LONGEST_WAIT_S,
    MAX_HINT_S,
    FailureKind,
    classify,
    compute_wait,
    find_hint,
    is_out_of_tokens,
    is_overload,
    is_refusal,
    is_retried,
    parse_time,
    parse_wait,
)

POLICY = "ResponsibleAIPolicyViolation"
GUIDELINES = "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"
NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)


CLIENT = openai.OpenAI(api_key="none", http_client=httpx2.Client(verify=False))
"""Asks nobody, and therefore needs no certificates, which take a while to read."""


def make_error(
    status: int, body: Any = None, headers: Mapping[str, str] | None = None
) -> openai.APIStatusError:
    """The error that the client raises for a reply."""
    request = httpx2.Request("POST", "http://localhost/v1/chat/completions")
    response = httpx2.Response(status, request=request, headers=headers, json=body or {})
    return CLIENT._make_status_error_from_response(response)


def make_page_error(status: int, page: str) -> openai.APIStatusError:
    """The error that the client raises for a page in place of a reply."""
    request = httpx2.Request("POST", "http://localhost/v1/chat/completions")
    response = httpx2.Response(status, request=request, text=page)
    return CLIENT._make_status_error_from_response(response)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 413, 422])
def test_a_wrong_request_is_not_sent_again(status: int) -> None:
    """Whatever the headers say."""
    assert not is_retried(make_error(status))
    assert not is_retried(make_error(status, headers={"x-should-retry": "true"}))


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_passing_trouble_is_sent_again(status: int) -> None:
    """Unless the server says that it is of no use."""
    assert is_retried(make_error(status))
    assert not is_retried(make_error(status, headers={"x-should-retry": "false"}))


def test_no_reply_and_no_completion_are_sent_again() -> None:
    """An error in a reply of status 200 counts by its code."""
    request = httpx2.Request("POST", "http://localhost")
    assert is_retried(openai.APIConnectionError(request=request))
    assert is_retried(openai.APITimeoutError(request))
    assert is_retried(MalformedReplyError("half a body"))
    assert is_retried(MalformedReplyError("busy", error={"code": 502}))
    assert not is_retried(MalformedReplyError("no credits", error={"code": 402}))
    assert not is_retried(MalformedReplyError("no credits", error={"code": "402"}))
    assert is_overload(MalformedReplyError("slow down", error={"code": "429"}))
    assert is_retried(MalformedReplyError("busy", error={"code": "²99"}))
    assert not is_retried(ValueError("a mistake of ours"))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"code": "insufficient_quota", "message": "You exceeded your quota"}),
        (429, {"code": "billing_not_active", "message": "Your account is not active"}),
        (403, {"type": "exceeded_current_quota_error", "message": "Your account is not active"}),
        (429, {"code": "1113", "message": "please recharge"}),
        (400, {"code": "Arrearage", "message": "Access denied"}),
        (429, {"type": "budget_exceeded", "code": "429", "message": "ask the AI team"}),
        (400, {"code": "400", "message": "BadRequestError: Budget has been exceeded! Team=x"}),
        (400, {"message": "ExceededBudget: User=x over budget. Spend=2.1, Budget=2.0"}),
        (400, {"type": "invalid_request_error", "message": "Your credit balance is too low to"}),
        (403, {"code": 403, "message": "Key limit exceeded (total limit). Manage it using"}),
        (403, "Your team x has either used all available credits or reached its limit."),
        (429, {"message": "failed", "metadata": {"raw": "suspended due to insufficient balance"}}),
    ],
)
def test_a_used_up_quota_is_no_overload(status: int, error: object) -> None:
    """No wait changes it, and no other request fares better; words count with some statuses."""
    quota = make_error(status, {"error": error})
    assert not is_retried(quota)
    assert not is_overload(quota)
    assert classify(quota) is FailureKind.ACCOUNT


@pytest.mark.parametrize(
    "error",
    [
        {"type": "rate_limit_error", "code": "insufficient_quota", "message": "no"},
        {"type": "rate_limit_error", "message": "Insufficient balance"},
        {"type": "overloaded_error", "message": "Budget has been exceeded!"},
        {"code": 529, "type": "billing_not_active", "message": "no"},
    ],
)
def test_a_used_up_quota_in_a_reply_is_no_overload(error: dict[str, Any]) -> None:
    """In one of status 200, too, whose type alone says that it is an overload."""
    quota = MalformedReplyError("no", error=error)
    assert not is_retried(quota)
    assert not is_overload(quota)
    assert classify(quota) is FailureKind.ACCOUNT


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Image token budget has been exceeded: 20000 > 16384", FailureKind.LASTING),
        (400, "The thinking budget has been exceeded", FailureKind.LASTING),
        (429, "API key limit exceeded: 60 requests per minute", FailureKind.OVERLOAD),
        (500, "Your credit balance is too low", FailureKind.OUTAGE),
        (404, "Your credit balance is too low", FailureKind.LASTING),
    ],
)
def test_a_limit_of_a_prompt_or_a_minute_is_no_balance(
    status: int, message: str, kind: FailureKind
) -> None:
    """Only what is spent for good stops a run."""
    error = make_error(status, {"error": {"message": message}}, {"retry-after": "2"})
    assert classify(error) is kind


def test_a_key_that_is_refused_is_the_accounts_trouble() -> None:
    """Also by xAI, whose status is that of any wrong request."""
    incorrect = {"code": "invalid argument", "error": "Incorrect API key provided: ab***yz."}
    for error in (
        make_error(401),
        make_error(400, incorrect),
        make_error(400, [{"error": {"code": 400, "message": "API key not valid."}}]),
        MalformedReplyError("no", error={"code": 401}),
    ):
        assert classify(error) is FailureKind.ACCOUNT
    assert classify(make_error(500, incorrect)) is FailureKind.OUTAGE


WORDS = (
    "The page says: invalid API key, your credit balance is too low, output limit was reached. "
    f"{GUIDELINES}"
)
MISSING = {"type": "missing", "msg": "Field required", "input": {"messages": [{"content": WORDS}]}}


@pytest.mark.parametrize(
    "body",
    [
        {"detail": [MISSING]},  # FastAPI's
        {"error": {"message": str([MISSING]), "code": 400}},  # vLLM's
        {"error": {"message": f"1 error: {json.dumps(MISSING)}"}},
        {"error": {"message": "Field required", "input": WORDS}},
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_a_prompt_that_an_error_quotes_says_nothing_of_why(
    status: int, body: dict[str, Any]
) -> None:
    """Its words are those of the data: the error is no answer, and another prompt fares better."""
    error = make_error(status, body)
    assert classify(error) is FailureKind.LASTING
    assert not is_out_of_tokens(error)
    assert not is_refusal(error)


def test_the_key_of_a_provider_is_not_the_users() -> None:
    """Nor is it theirs to correct."""
    metadata = {"raw": "Incorrect API key provided: ab***yz.", "provider_name": "xAI"}
    error = make_error(400, {"error": {"message": "Provider returned error", "metadata": metadata}})
    assert not refuses_key(error)
    assert classify(error) is FailureKind.LASTING


def test_an_overload_is_told_from_other_trouble() -> None:
    """By its status, and 503 by a time to wait."""
    assert classify(make_error(400, {"error": "balance the answer"})) is FailureKind.LASTING
    assert is_overload(make_error(429))
    assert is_overload(make_error(529))
    assert is_overload(MalformedReplyError("busy", error={"type": "overloaded_error"}))
    assert not is_overload(MalformedReplyError("down", error={"type": "api_error"}))
    assert not is_overload(make_error(500, {"error": {"type": "overloaded_error"}}))
    assert is_overload(make_error(503, headers={"retry-after": "1"}))
    assert not is_overload(make_error(503))
    assert not is_overload(make_error(500))


@pytest.mark.parametrize(
    "error",
    [
        make_error(400, {"error": {"code": "content_policy_violation", "message": "no"}}),
        make_error(400, {"error": {"code": "content_filter", "message": "no"}}),
        make_error(400, {"error": {"code": "invalid_prompt", "type": "invalid_request_error"}}),
        make_error(400, {"object": "error", "code": "cyber_policy", "message": "no"}),
        make_error(400, {"error": {"code": "data_inspection_failed", "message": "no"}}),
        make_error(400, {"error": {"code": "DataInspectionFailed", "message": "no"}}),
        make_error(400, {"error": {"code": "InputImageSensitiveContentDetected"}}),
        make_error(403, {"error": {"code": "content_filter"}}),
        make_error(403, {"error": {"code": 403, "metadata": {"flagged_input": "a face"}}}),
        MalformedReplyError("no", error={"code": "content_filter"}),
        make_error(400, {"error": {"code": "moderation_blocked"}}),
        make_error(400, {"error": {"code": "BadRequest", "innererror": {"code": POLICY}}}),
        make_error(
            400,
            {
                "error": {
                    "code": "400",
                    "provider_specific_fields": {"innererror": {"code": POLICY}},
                }
            },
        ),
        *(
            make_error(400, {"error": {"type": "invalid_request_error", "message": message}})
            for message in (
                "Output blocked by content filtering policy",
                "Your request was rejected as a result of our safety system.",
                "The response was filtered due to Azure OpenAI's content management policy.",
                "litellm.BadRequestError: litellm.ContentPolicyViolationError: no",
                "Content Exists Risk",
                "系统检测到输入或生成内容可能包含不安全或敏感内容",
            )
        ),
        make_error(400, {"detail": "Content Exists Risk"}),
        make_error(
            422, {"error": {"type": "bad_request", "message": "input new_sensitive (1026)"}}
        ),
        make_error(403, {"code": "permission denied", "error": GUIDELINES}),
        make_error(400, [{"error": {"code": 400, "message": GUIDELINES}}]),
        *(
            make_error(400, {"error": {"message": "failed", "code": 400, "metadata": {"raw": raw}}})
            for raw in (GUIDELINES, json.dumps({"error": {"code": "content_filter"}}))
        ),
    ],
)
def test_content_policies_are_refusals(error: Exception) -> None:
    """By the codes that servers have for them, nested or flat, or by a sentence."""
    assert is_refusal(error)


@pytest.mark.parametrize(
    "error",
    [
        make_error(400, {"error": {"code": "context_length_exceeded", "message": "too long"}}),
        make_error(400, {"error": {"type": "invalid_request_error", "message": "bad"}}),
        make_error(400, {"error": {"type": "invalid_request_error", "message": "budget: blocked"}}),
        make_error(403, {"error": {"code": 403, "metadata": {"provider_name": "x"}}}),
        make_error(400, {"error": {"code": 400, "metadata": {"raw": "not a word of it"}}}),
        make_error(400, {"error": "bad request"}),
        make_error(400, ["bad request", [[]]]),
        make_error(401, {"error": {"code": "content_filter"}}),
        make_error(500, {"error": {"code": "content_filter"}}),
        make_page_error(403, "<h1>Blocked by our content filtering policy</h1>"),
        MalformedReplyError("half a body"),
    ],
)
def test_other_errors_are_no_refusals(error: Exception) -> None:
    """Too long a prompt, a wrong key, and a server that fails."""
    assert not is_refusal(error)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12),
        ("0.5", 0.5),
        ("20ms", 0.02),
        ("1s", 1),
        ("6m0s", 360),
        ("1m30.5s", 90.5),
        ("1h2m", 3720),
        ("2026-11-28T12:00:30Z", 30),
        ("2026-11-28T13:00:30+01:00", 30),
        ("Sat, 28 Nov 2026 12:01:00 GMT", 60),
        ("", None),
        ("soon", None),
        ("1s or so", None),
        ("Wed, 99999999999999999999 Oct 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 +99999999999999999999999", None),
    ],
)
def test_times_are_read_in_every_form(text: str, seconds: float | None) -> None:
    """Seconds, durations as Go writes them, and dates."""
    assert parse_time(text, now=NOW) == (None if seconds is None else pytest.approx(seconds))


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading(text: str) -> None:
    """A header may hold anything."""
    parse_time(text, now=NOW)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, 360),
        (
            {
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "6m0s",
                "x-ratelimit-remaining-tokens": "5000",
            },
            1,
        ),
        ({"anthropic-ratelimit-input-tokens-reset": "2026-11-28T12:00:07Z"}, 7),
        ({"retry-after": "2", "x-ratelimit-reset-requests": "1h"}, 2),
    ],
)
def test_the_wait_is_what_the_headers_say(
    headers: Mapping[str, str], seconds: float | None
) -> None:
    """``retry-after`` first; of limits, those that are used up."""
    assert parse_wait(headers, now=NOW) == seconds


def test_a_hint_has_a_limit() -> None:
    """A server that says a day is asked sooner, and one that says less than nothing, at once."""
    assert find_hint(make_error(429, headers={"retry-after": "86400"})) == MAX_HINT_S
    assert find_hint(make_error(429, headers={"retry-after": "-5"})) == 0
    assert find_hint(make_error(429, headers={"retry-after": "nan"})) == 0
    assert find_hint(make_error(429)) is None
    assert find_hint(ValueError()) is None


def test_waits_double_and_vary() -> None:
    """From half the wait to all of it, up to the longest."""
    for attempts in range(1, 20):
        longest = min(LONGEST_WAIT_S, retries.FIRST_WAIT_S * 2 ** (attempts - 1))
        waits = [compute_wait(attempts) for _ in range(50)]
        assert longest / 2 <= min(waits) < max(waits) <= longest


def test_failures_are_of_four_kinds() -> None:
    """Which decide how often a request is sent."""
    request = httpx2.Request("POST", "http://localhost")
    kinds: dict[FailureKind, list[Exception]] = {
        FailureKind.OVERLOAD: [make_error(429), make_error(529)],
        FailureKind.OUTAGE: [make_error(500), openai.APIConnectionError(request=request)],
        FailureKind.UNUSABLE: [openai.APITimeoutError(request), MalformedReplyError("half")],
        FailureKind.LASTING: [make_error(400), ValueError()],
    }
    for kind, errors in kinds.items():
        assert {classify(error) for error in errors} == {kind}
