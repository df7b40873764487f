"""Replies are read whole: text, reasoning, refusals, ends, usage, and who answered."""

import json
import math
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from fakebench_suite.backends.base import Capability
from fakebench_suite.backends.openai.options import Prices
from fakebench_suite.endpoints.completion import MalformedReplyError, parse_completion
from fakebench_suite.types import Answer, FinishReason, QuestionType, Usage
from tests.backends.openai.conftest import Load, list_errors, make_requests
from tests.endpoint_server import Endpoint

STOP, LENGTH, FILTER = FinishReason


def ask(endpoint: Endpoint, load: Load, message: dict[str, Any], **choice: Any) -> Answer:
    """The answer to a message of the server."""

    def change(completion: dict[str, Any]) -> dict[str, Any]:
        return completion | {"choices": [{"finish_reason": "stop", "message": message} | choice]}

    endpoint.change = change
    (reply,) = load().run(make_requests())
    assert isinstance(reply, Answer), reply
    return reply


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"content": "Yes."}, "Yes.", None),
        (
            {"content": [{"type": "text", "text": "Y"}, {"type": "text", "text": "es."}]},
            "Yes.",
            None,
        ),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm, "}]},
                    {"type": "thinking", "thinking": "real."},
                    {"type": "text", "text": "Yes."},
                ]
            },
            "Yes.",
            "Hm, real.",
        ),
        (
            {"content": [{"type": "reasoning", "text": "Real."}, {"type": "text", "text": "Yes."}]},
            "Yes.",
            "Real.",
        ),
        (
            {
                "content": [
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Real."}]},
                    {"type": "redacted_thinking", "data": "x7=="},
                    {"text": "Hm.", "thought": True},
                    {"type": "output_text", "text": "Yes."},
                ]
            },
            "Yes.",
            "Real.Hm.",
        ),
        (
            {"content": [{"type": "thinking", "thinking": "a"}, "Yes."], "reasoning": "a"},
            "Yes.",
            "a",
        ),
        ({"content": ["Y", "es", {"type": "text", "text": "."}, 7, None, [], {}]}, "Yes.", None),
        ({"content": {"type": "text", "text": "Yes."}}, "Yes.", None),
        ({"content": [{"type": ["text"], "text": "Yes."}]}, "Yes.", None),
        ({"content": [{"type": "thinking", "thinking": "Hm, or"}]}, "", "Hm, or"),
        ({"content": "Yes.", "reasoning_content": "Hm."}, "Yes.", "Hm."),
        ({"content": "Yes.", "reasoning": "Hm."}, "Yes.", "Hm."),
        ({"content": "Yes.", "reasoning": "", "reasoning_content": None}, "Yes.", None),
        ({"content": "Yes.", "reasoning": "b", "reasoning_content": "a"}, "Yes.", "a"),
        (
            {
                "content": "Yes.",
                "reasoning": "short",
                "reasoning_details": [
                    {"type": "reasoning.summary", "summary": "Six "},
                    {"type": "reasoning.text", "text": "fingers."},
                    {"type": "reasoning.encrypted", "data": "x7=="},
                ],
            },
            "Yes.",
            "Six fingers.",
        ),
        (
            {"content": "Yes.", "reasoning": "short", "reasoning_details": [{"data": "x7=="}]},
            "Yes.",
            "short",
        ),
        ({"content": "<think>Hm.</think>Yes."}, "<think>Hm.</think>Yes.", None),
        ({"content": "<think>Hm, or"}, "<think>Hm, or", None),
        ({"content": None, "reasoning": "Hm, or"}, "", "Hm, or"),
        ({"content": ""}, "", None),
        ({}, "", None),
    ],
)
def test_text_and_reasoning_are_kept_apart(
    endpoint: Endpoint, load: Load, message: dict[str, Any], text: str, reasoning: str | None
) -> None:
    """Wherever the server puts them; an empty text with a reason to end is the model's answer."""
    answer = ask(endpoint, load, message)
    assert (answer.text, answer.reasoning, answer.finish_reason) == (text, reasoning, STOP)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("stop", STOP),
        ("length", LENGTH),
        ("content_filter", FILTER),
        ("PROHIBITED_CONTENT", FILTER),
        ("content_filter: IMAGE_SAFETY", FILTER),
        ("SPII", FILTER),
        ("guardrail_intervened", FILTER),
        ("sensitive", FILTER),
        ("SAFETY", FILTER),
        ("tool_calls", None),
        (None, None),
        (7, None),
    ],
)
def test_the_end_is_read_in_the_words_of_servers(
    endpoint: Endpoint, load: Load, said: object, expected: FinishReason | None
) -> None:
    """A word that says nothing about the text is none."""
    answer = ask(endpoint, load, {"content": "It is"}, finish_reason=said)
    assert answer.finish_reason is expected


def test_a_refusal_is_an_answer(endpoint: Endpoint, load: Load) -> None:
    """In the model's words, where it has some."""
    answer = ask(endpoint, load, {"content": None, "refusal": "I cannot help with that."})
    assert (answer.text, answer.finish_reason) == ("I cannot help with that.", FILTER)
    for part in ({"refusal": "I cannot."}, {"text": "I cannot."}):
        answer = ask(endpoint, load, {"content": [{"type": "refusal"} | part]})
        assert (answer.text, answer.finish_reason) == ("I cannot.", FILTER)
    answer = ask(endpoint, load, {"content": "This is fake.", "refusal": " \n"})
    assert (answer.text, answer.finish_reason) == ("This is fake.", STOP)
    endpoint.change = lambda completion: completion
    endpoint.behave = lambda _body, _number: (400, "blocked")
    endpoint.raw = lambda _body: '{"error": {"code": "content_policy_violation", "message": "no"}}'
    (reply,) = load().run(make_requests())
    assert isinstance(reply, Answer)
    assert (reply.text, reply.finish_reason) == ("", FILTER)


def test_an_error_for_want_of_tokens_is_a_reply_cut_off(endpoint: Endpoint, load: Load) -> None:
    """OpenAI's, of a model that reasoned up to the limit."""
    said = "Could not finish the message because max_tokens or model output limit was reached."
    model = load()
    endpoint.behave = lambda _body, _number: (400, said)
    (reply,) = model.run(make_requests())
    assert isinstance(reply, Answer), reply
    assert (reply.text, reply.finish_reason) == ("", LENGTH)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"choices": [{"finish_reason": "length", "message": None}]}, "length"),
        ({"choices": [{"finish_reason": "MAX_TOKENS"}]}, "MAX_TOKENS"),
        ({"choices": [{"finish_reason": "content_filter"}]}, "content_filter"),
        ({"choices": [], "promptFeedback": {"blockReason": "SAFETY"}}, "content_filter"),
        ({"choices": None, "promptFeedback": {"blockReason": "OTHER"}}, "content_filter"),
    ],
)
def test_the_reason_to_end_may_stand_for_the_message(body: dict[str, Any], reason: str) -> None:
    """Of a reply that was withheld, or cut off within the thoughts."""
    completion = parse_completion(json.dumps(body).encode())
    assert (completion.text, completion.finish_reason) == ("", reason)


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"finish_reason": "stop", "message": None}]},
        {"choices": [{"finish_reason": "stop"}]},
        {"choices": []},
        {"choices": [], "promptFeedback": {}},
        {"choices": [{"finish_reason": "content_filter", "message": "no"}]},
        *(
            {"choices": [{"finish_reason": reason, "message": {"content": "It is not"}}]}
            for reason in ("ERROR", "engine_overloaded", "insufficient_system_resource", "aborted")
        ),
    ],
)
def test_a_reply_that_broke_off_is_none(body: dict[str, Any]) -> None:
    """Half a text would be read as an answer."""
    with pytest.raises(MalformedReplyError):
        parse_completion(json.dumps(body).encode())


FULL = {
    "model": "tiny-2026-11",
    "provider": "Somebody",
    "system_fingerprint": "fp_1",
    "usage": {
        "prompt_tokens": 1_000,
        "completion_tokens": 200,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 150},
        "cost": 0.5,
    },
}


def test_usage_is_recorded(endpoint: Endpoint, load: Load) -> None:
    """Who served it, its tokens, and what it cost, by the card's prices or the server's word."""
    endpoint.change = lambda completion: completion | FULL
    (reply,) = load().run(make_requests())
    assert isinstance(reply, Answer)
    assert reply.tokens == 200
    assert reply.usage == Usage(
        model="tiny-2026-11",
        provider="Somebody",
        system_fingerprint="fp_1",
        prompt_tokens=1_000,
        cached_tokens=400,
        completion_tokens=200,
        reasoning_tokens=150,
        cost=0.5,
    )
    for prices, cost in (
        (Prices(input=2.0, output=10.0), 1_000 * 2e-6 + 200 * 10e-6),
        (Prices(input=2.0, output=10.0, cached=0.5), 600 * 2e-6 + 400 * 0.5e-6 + 200 * 10e-6),
    ):
        (reply,) = load(prices=prices).run(make_requests())
        assert isinstance(reply, Answer)
        assert reply.usage is not None
        assert reply.usage.cost == pytest.approx(cost)


@pytest.mark.parametrize(
    "usage", [None, {}, [], "many", {"prompt_tokens": "9"}, {"prompt_tokens_details": 7}]
)
def test_odd_usage_is_no_usage(endpoint: Endpoint, load: Load, usage: object) -> None:
    """What cannot be read is not known; nothing costs nothing for want of a count."""
    endpoint.change = lambda completion: completion | {"usage": usage}
    (reply,) = load(prices=Prices(input=1.0, output=1.0)).run(make_requests())
    assert isinstance(reply, Answer)
    assert reply.usage == Usage(model="m")
    assert reply.tokens == 0


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"is_byok": True, "cost_details": {"upstream_inference_cost": 0.25}}, 0.75),
        ({"is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),
        ({"is_byok": True}, None),
        ({"is_byok": False, "cost_details": {"upstream_inference_cost": 0.5}}, 0.5),
        ({"cost_details": {"upstream_inference_cost": 0.5}}, 0.5),
    ],
)
def test_the_price_of_a_provider_with_a_key_of_its_own_is_added(
    usage: dict[str, Any], cost: float | None
) -> None:
    """OpenRouter's price is without it; else it is in it."""
    reply = {"choices": [{"message": {"content": "Yes."}}], "usage": {"cost": 0.5} | usage}
    assert parse_completion(json.dumps(reply).encode()).cost == cost


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"cached_tokens": 12}, 12),
        ({"prompt_cache_hit_tokens": 12, "prompt_cache_miss_tokens": 7}, 12),
        ({"cached_tokens": 12, "prompt_tokens_details": {"cached_tokens": 0}}, 0),
        ({"cached_tokens": 12, "prompt_tokens_details": {"cached_tokens": None}}, 12),
        ({"prompt_cache_miss_tokens": 7}, None),
    ],
)
def test_cached_tokens_are_found_where_servers_count_them(
    usage: dict[str, Any], cached: int | None
) -> None:
    """OpenAI's in the details of the prompt, Kimi's and DeepSeek's beside its count."""
    reply = {"choices": [{"message": {"content": "Yes."}}], "usage": {"prompt_tokens": 19} | usage}
    tokens = parse_completion(json.dumps(reply).encode()).tokens
    assert tokens is not None
    assert (tokens.prompt, tokens.cached) == (19, cached)


@pytest.mark.parametrize(
    ("usage", "reasoning"),
    [
        # Of Portkey and of Bedrock, with a cache that was read, and written as well.
        ({"total_tokens": 10_575, "cache_read_input_tokens": 10_536}, None),
        (
            {
                "total_tokens": 10_579,
                "cache_read_input_tokens": 10_536,
                "cache_creation_input_tokens": 4,
            },
            None,
        ),
        ({"total_tokens": 43, "cache_creation_input_tokens": 4}, None),
        ({"total_tokens": 1539, "prompt_tokens_details": {"cached_tokens": 1500}}, None),
        # What the server says of its thoughts does not make up the rest.
        ({"total_tokens": 1539}, 0),
        ({"total_tokens": 40}, 0),
        ({"total_tokens": 40}, 5),
    ],
)
def test_what_else_is_in_the_total_is_no_thought(
    usage: dict[str, Any], reasoning: int | None
) -> None:
    """A prompt that a cache had, and a total that is off."""
    usage = usage | {
        "prompt_tokens": 30,
        "completion_tokens": 9,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
    reply = {"choices": [{"message": {"content": "Yes."}}], "usage": usage}
    tokens = parse_completion(json.dumps(reply).encode()).tokens
    assert tokens is not None
    assert (tokens.completion, tokens.reasoning) == (9, reasoning)


@pytest.mark.parametrize(
    ("usage", "completion", "reasoning"),
    [
        # OpenAI's, whose total is the sum; xAI's; Gemini's, and that of thoughts alone.
        ({"completion_tokens": 9, "total_tokens": 41, "reasoning_tokens": 4}, 9, 4),
        ({"completion_tokens": 9, "total_tokens": 135, "reasoning_tokens": 94}, 103, 94),
        ({"completion_tokens": 9, "total_tokens": 135}, 103, 94),
        ({"total_tokens": 92}, 60, 60),
        ({"completion_tokens": 9, "total_tokens": 0}, 9, None),
        ({"completion_tokens": 9, "total_tokens": "many"}, 9, None),
    ],
)
def test_thoughts_are_tokens_of_the_reply(
    endpoint: Endpoint, load: Load, usage: dict[str, Any], completion: int, reasoning: int | None
) -> None:
    """Also where a server counts them in the total only, so that they cost something."""
    details = {"reasoning_tokens": usage.pop("reasoning_tokens", None)}
    usage |= {"prompt_tokens": 32, "completion_tokens_details": details}
    endpoint.change = lambda reply: reply | {"usage": usage}
    (reply,) = load(prices=Prices(input=1.0, output=10.0)).run(make_requests())
    assert isinstance(reply, Answer)
    assert reply.usage is not None
    assert (reply.usage.completion_tokens, reply.usage.reasoning_tokens) == (completion, reasoning)
    assert reply.tokens == completion
    assert reply.usage.cost == pytest.approx(32e-6 + 10e-6 * completion)


@pytest.mark.parametrize(
    ("cost", "expected"),
    [(0, 0.0), (0.5, 0.5), (-5, None), (math.inf, None), (-math.inf, None), (math.nan, None),
     (10**400, None), (True, None), ("0.5", None), ([], None)],
)  # fmt: skip
def test_a_cost_is_finite_and_not_negative(
    endpoint: Endpoint, load: Load, cost: object, expected: float | None
) -> None:
    """Any other is not known, and costs no answer."""
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "cost": cost}
    endpoint.change = lambda completion: completion | {"usage": usage}
    (reply,) = load().run(make_requests())
    assert isinstance(reply, Answer)
    assert reply.usage == Usage(model="m", prompt_tokens=9, completion_tokens=3, cost=expected)
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("count", "expected"),
    [(300, 300), (300.0, 300), (0.0, 0), (300.5, None), (-1.0, None), (math.inf, None),
     (math.nan, None), (1e300, None), (10**400, None), (True, None)],
)  # fmt: skip
def test_a_count_is_a_whole_number(count: object, expected: int | None) -> None:
    """Some servers send it as a float."""
    message = {"message": {"content": "Yes."}}
    body = {"choices": [message], "usage": {"prompt_tokens": count, "completion_tokens": 3.0}}
    tokens = parse_completion(json.dumps(body).encode()).tokens
    assert tokens is not None
    assert (tokens.prompt, tokens.completion) == (expected, 3)
    assert tokens.prompt is None or type(tokens.prompt) is int


@pytest.mark.parametrize("logprob", [10**400, math.inf, math.nan])
def test_an_odd_log_probability_is_none(endpoint: Endpoint, load: Load, logprob: float) -> None:
    """The others count; minus infinity is a probability of 0."""
    tops = [
        {"token": "Yes", "logprob": logprob},
        {"token": "No", "logprob": math.log(0.5)},
        {"token": "The", "logprob": -math.inf},
    ]
    give_tokens(endpoint, tops)
    (reply,) = load().run(make_requests(want=Capability.PROBABILITIES))
    assert isinstance(reply, Answer)
    assert (reply.text, reply.p_fake) == ("no", 0.0)
    assert reply.option_probability_mass == pytest.approx(0.5)


def test_half_a_surrogate_pair_is_replaced_wherever_it_is_said(
    endpoint: Endpoint, load: Load
) -> None:
    """No file could hold it; two halves are their character."""
    half, whole = "m\ud800", "\ud83d\ude00"
    names = {"model": half, "provider": half, "system_fingerprint": half}
    message = {"content": half + whole, "reasoning": half, "refusal": half}
    choice = {"message": message, "finish_reason": half}
    endpoint.change = lambda completion: completion | names | {"choices": [choice]}
    (reply,) = load().run(make_requests())
    assert isinstance(reply, Answer)
    assert reply.text == "m\ufffd\U0001f600"
    assert reply.reasoning == "m\ufffd"
    assert reply.usage == Usage(model="m\ufffd", provider="m\ufffd", system_fingerprint="m\ufffd")
    completion = parse_completion(json.dumps({"choices": [choice]}).encode())
    assert (completion.refusal, completion.finish_reason) == ("m\ufffd", "m\ufffd")


@pytest.mark.parametrize("said", [[], {}, ["stop"], {"type": "stop"}, 10**400, True])
def test_an_odd_reason_to_end_is_none(endpoint: Endpoint, load: Load, said: object) -> None:
    """The text stands; without a text, the reply is no answer, in words."""
    assert ask(endpoint, load, {"content": "It is"}, finish_reason=said).finish_reason is None
    choice = {"message": {"content": ""}, "finish_reason": said}
    endpoint.change = lambda completion: completion | {"choices": [choice]}
    (error,) = list_errors(load().run(make_requests()))
    assert error == "the reply is empty, and does not say why it ended (3 attempts)"


def give_tokens(endpoint: Endpoint, tokens: object) -> None:
    """Let every reply have these likeliest first tokens, by probability."""

    def change(completion: dict[str, Any]) -> dict[str, Any]:
        tops = tokens
        if isinstance(tokens, dict):
            tops = [{"token": t, "logprob": math.log(p)} for t, p in tokens.items()]
        logprobs = {"content": [{"token": "x", "logprob": -1.0, "top_logprobs": tops}]}
        choice = completion["choices"][0] | {"logprobs": logprobs, "finish_reason": "length"}
        return completion | {"choices": [choice]}

    endpoint.change = change


@pytest.mark.parametrize(
    ("question_type", "tokens", "p_fake", "mass"),
    [
        (
            QuestionType.ISFAKE,
            {"Yes": 0.5, " yes": 0.1, "YES": 0.1, "No": 0.2, "The": 0.1},
            7 / 9,
            0.9,
        ),
        (QuestionType.ISREAL, {"Yes": 0.5, " no.": 0.25}, 1 / 3, 0.75),
        (QuestionType.WHAT, {"Fake": 0.25, "\u0120real": 0.25, "F": 0.5}, 0.5, 0.5),
        (QuestionType.WHAT, {"Real": 0.75}, 0.0, 0.75),
        (QuestionType.WHAT, {"**Fake": 0.5}, 1.0, 0.5),
    ],
)
def test_probabilities_of_all_spellings_are_summed(
    endpoint: Endpoint,
    load: Load,
    question_type: QuestionType,
    tokens: dict[str, float],
    p_fake: float,
    mass: float,
) -> None:
    """And compared; the rest is no option's."""
    give_tokens(endpoint, tokens)
    requests = make_requests(want=Capability.PROBABILITIES, question_type=question_type)
    (reply,) = load().run(requests)
    assert isinstance(reply, Answer)
    assert reply.p_fake == pytest.approx(p_fake)
    assert reply.option_probability_mass == pytest.approx(mass)
    assert reply.finish_reason is None
    (body,) = endpoint.asked
    sent = {name: body[name] for name in ("logprobs", "top_logprobs", "max_tokens")}
    assert sent == {"logprobs": True, "top_logprobs": 20, "max_tokens": 1}


def test_neither_option_leaves_no_probability(endpoint: Endpoint, load: Load) -> None:
    """The answer says that it was looked for."""
    give_tokens(endpoint, {"The": 0.9, "Ye": 0.1})
    (reply,) = load().run(make_requests(want=Capability.PROBABILITIES))
    assert isinstance(reply, Answer)
    assert (reply.p_fake, reply.option_probability_mass) == (None, 0.0)


def test_options_that_are_hardly_likely_leave_no_probability(
    endpoint: Endpoint, load: Load
) -> None:
    """The reply begins with other words: one option among the tokens says nothing of the other."""
    give_tokens(endpoint, {"This": 0.999, "Yes": 3e-7})
    (reply,) = load().run(make_requests(want=Capability.PROBABILITIES))
    assert isinstance(reply, Answer)
    assert reply.p_fake is None
    assert reply.option_probability_mass == pytest.approx(3e-7)


@pytest.mark.parametrize("tokens", [[], None, 7, [{"token": 3}, {"logprob": 0.1}, "Yes"]])
def test_a_reply_without_log_probabilities_is_an_error(
    endpoint: Endpoint, load: Load, tokens: object
) -> None:
    """Not an answer, and not an even chance."""
    give_tokens(endpoint, tokens)
    replies = load().run(make_requests(want=Capability.PROBABILITIES))
    assert list_errors(replies) == ["the server gave no log-probabilities with this reply"]


def test_a_first_token_is_one_token(endpoint: Endpoint, load: Load) -> None:
    """For the latency of a server."""
    (reply,) = load().run(make_requests(want=Capability.FIRST_TOKEN))
    assert isinstance(reply, Answer)
    assert endpoint.asked[0]["max_tokens"] == 1
    assert "logprobs" not in endpoint.asked[0]


def test_a_deep_or_odd_body_is_no_completion() -> None:
    """Nor an exception of another kind."""
    for content in (b'{"choices": ' * 50_000, b"\xff\xfe", b"null", b'{"choices": {"0": 1}}'):
        with pytest.raises(MalformedReplyError):
            parse_completion(content)


def stream_slowly(handler: BaseHTTPRequestHandler) -> bool:
    """Write a reply in pieces: its first token after a while, the last ones later."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    deltas: list[tuple[float, dict[str, Any]]] = [
        (0.0, {"delta": {"role": "assistant", "content": ""}}),
        (0.2, {"delta": {"content": "It is "}}),
        (0.3, {"delta": {"content": "fake."}, "finish_reason": "stop"}),
    ]
    for wait, choice in deltas:
        time.sleep(wait)
        handler.wfile.write(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n")
        handler.wfile.flush()
    usage = {"choices": [], "usage": {"prompt_tokens": 90, "completion_tokens": 3}}
    handler.wfile.write(b"data: " + json.dumps(usage).encode() + b"\n\ndata: [DONE]\n\n")
    return True


def test_a_streamed_reply_says_when_its_first_token_came(endpoint: Endpoint, load: Load) -> None:
    """And is otherwise the same reply."""
    endpoint.serve_raw = stream_slowly
    (answer,) = load(stream=True).run(make_requests())
    assert isinstance(answer, Answer)
    assert (answer.text, answer.tokens) == ("It is fake.", 3)
    assert answer.usage is not None
    assert answer.usage.first_token_seconds is not None
    assert 0.2 <= answer.usage.first_token_seconds < answer.seconds - 0.2
    assert endpoint.asked[0]["stream"] is True
    assert endpoint.asked[0]["stream_options"] == {"include_usage": True}
    assert "stream" not in (load(stream=True).describe().generation or {})


def test_a_server_that_does_not_stream_is_read_all_the_same(load: Load) -> None:
    """Without the time to the first token."""
    (answer,) = load(stream=True).run(make_requests())
    assert isinstance(answer, Answer)
    assert answer.text == "It is fake."
    assert answer.usage is not None
    assert answer.usage.first_token_seconds is None
