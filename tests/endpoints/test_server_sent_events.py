"""Replies in pieces are read as the same replies in one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.endpoints.completion import MalformedReplyError, parse_completion
from fakebench_suite.endpoints.server_sent_events import find_first_token, list_events, parse_reply

STREAM = "text/event-stream; charset=utf-8"


def make_event(delta: dict[str, Any], finish_reason: str | None = None, **fields: Any) -> bytes:
    """One event with a choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"model": "m", "choices": [choice], **fields}).encode() + b"\n\n"


def make_stream(*texts: str, end: bytes = b"data: [DONE]\n\n") -> bytes:
    """A role, texts, a reason to end, the usage, and the end."""
    usage = {"prompt_tokens": 9, "completion_tokens": 3}
    return b"".join((
        make_event({"role": "assistant", "content": ""}),
        *(make_event({"content": text}) for text in texts),
        make_event({}, "stop"),
        b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n",
        end,
    ))  # fmt: skip


@given(st.lists(st.text(max_size=8), max_size=8))
def test_a_stream_is_the_reply_in_one(texts: list[str]) -> None:
    """Text, reason, model and counts of tokens."""
    whole = {
        "model": "m",
        "choices": [{"message": {"content": "".join(texts)}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3},
    }
    expected = parse_completion(json.dumps(whole).encode())
    assert parse_reply(make_stream(*texts), STREAM) == expected
    crlf = make_stream(*texts).replace(b"\n", b"\r\n")
    assert parse_reply(crlf, STREAM) == expected
    assert parse_reply(json.dumps(whole).encode(), "application/json") == expected
    assert parse_reply(json.dumps(whole).encode(), "") == expected


def test_reasoning_and_refusals_arrive_in_pieces_too() -> None:
    """In the fields of several servers, as texts or lists of parts."""
    stream = (
        make_event({"reasoning": "Six "})
        + make_event({"reasoning": "fingers."})
        + make_event({"reasoning_details": [{"text": "Six "}]})
        + make_event({"reasoning_details": [{"text": "fingers!"}]})
        + make_event({"refusal": "I do "})
        + make_event({"refusal": "not."}, "stop")
    )
    completion = parse_reply(stream, STREAM)
    assert completion.reasoning == "Six fingers!"
    assert completion.refusal == "I do not."
    assert completion.text == ""


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "Six fingers."}]}


@pytest.mark.parametrize(
    "deltas",
    [
        [{"content": [THINKING]}, {"content": "It is "}, {"content": "fake."}],
        [{"content": [THINKING]}, {"content": [{"type": "text", "text": "It is fake."}]}],
        [{"content": ""}, {"content": [THINKING]}, {"content": ""}, {"content": "It is fake."}],
        [{"content": "It is "}, {"content": [THINKING]}, {"content": [{"text": "fake."}]}],
        [{"content": THINKING}, {"content": "It is fake."}],
        [{"reasoning": [{"text": "Six "}]}, {"reasoning": "fingers."}, {"content": "It is fake."}],
    ],
)
def test_texts_may_follow_parts(deltas: list[dict[str, Any]]) -> None:
    """As Mistral's server sends thoughts and the answer after them."""
    stream = b"".join(make_event(delta) for delta in deltas) + make_event({}, "stop")
    completion = parse_reply(stream, STREAM)
    assert (completion.text, completion.reasoning) == ("It is fake.", "Six fingers.")


@pytest.mark.parametrize("index", [{}, {"index": 0}, {"index": None}])
def test_the_first_choice_may_have_no_number(index: dict[str, Any]) -> None:
    """There is one choice; a second one is left out."""
    choices = [
        index | {"delta": {"content": "fake"}},
        {"index": 1, "delta": {"content": "real"}},
        index | {"delta": {}, "finish_reason": "stop"},
    ]
    stream = b"".join(
        b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n" for choice in choices
    )
    completion = parse_reply(stream, STREAM)
    assert (completion.text, completion.finish_reason) == ("fake", "stop")


@pytest.mark.parametrize("said", [["stop"], 7, True])
def test_an_odd_reason_to_end_is_none(said: object) -> None:
    """As in a reply in one."""
    event = (
        b"data: "
        + json.dumps({"choices": [{"delta": {"content": "fake"}, "finish_reason": said}]}).encode()
    )
    completion = parse_reply(event + b"\n\ndata: [DONE]\n\n", STREAM)
    assert (completion.text, completion.finish_reason) == ("fake", None)


@pytest.mark.parametrize("said", [[], {}, None, "", False])
@pytest.mark.parametrize("end", [b"", b"\n\ndata: [DONE]\n\n"])
def test_a_stream_without_a_reason_to_end_broke_off(said: object, end: bytes) -> None:
    """Gateways write the last event behind half a reply, too."""
    choice = {"delta": {"content": "It is not "}, "finish_reason": said}
    event = b"data: " + json.dumps({"choices": [choice]}).encode()
    with pytest.raises(MalformedReplyError, match="broke off"):
        parse_reply(event + end, STREAM)


def test_a_message_in_place_of_its_parts_is_the_whole() -> None:
    """However often it comes; and a reply in one may be called a stream."""
    choices: list[dict[str, Any]] = [
        {"message": {"content": "It"}},
        {"message": {"content": "It is fake."}, "finish_reason": "stop"},
    ]
    stream = b"".join(
        b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n" for choice in choices
    )
    assert parse_reply(stream, STREAM).text == "It is fake."
    nothing = {"role": "assistant", "content": "", "reasoning": None}
    event = {"choices": [{"message": nothing, "finish_reason": "stop"}]}
    stream = make_event({"content": "fake"}) + b"data: " + json.dumps(event).encode() + b"\n\n"
    assert parse_reply(stream, STREAM).text == "fake"
    whole = json.dumps({"choices": choices[1:]}).encode()
    assert parse_reply(b"\n" + whole, STREAM).text == "It is fake."


def test_the_log_probabilities_are_those_of_the_first_token() -> None:
    """However many tokens follow."""

    def logprobs(token: str) -> dict[str, Any]:
        return {"content": [{"top_logprobs": [{"token": token, "logprob": -0.1}]}]}

    events: list[dict[str, Any]] = [
        {"choices": [{"delta": {"content": token}, "logprobs": logprobs(token)}]}
        for token in ("Yes", ".")
    ]
    events.append({"choices": [{"delta": {}, "finish_reason": "length"}]})
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    assert parse_reply(stream + b"data: [DONE]\n\n", STREAM).top_logprobs == (("Yes", -0.1),)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (make_event({"content": "It is"}), "broke off"),
        (make_event({"content": "It is"}) + b'data: {"choices": [{"del', "not JSON"),
        (b'data: {"error": {"message": "no luck", "code": 500}}\n\n', "no luck"),
        (make_event({"content": "It"}) + b'data: {"error": {"message": "no luck"}}\n\n', "no luck"),
        (
            b'data: {"error": {"message": "overloaded"}, "choices": [{"delta": {"content": ""},'
            b' "finish_reason": "error"}]}\n\n',
            "overloaded",
        ),
        (make_event({"content": "It is f"}, "error"), "ended with 'error'"),
        (make_event({"content": "It is f"}, "abort"), "ended with 'abort'"),
        (make_event({"content": "It is f"}, "engine_overloaded"), "ended with"),
        (make_event({"content": "It is f"}, "ERROR"), "ended with"),
        (make_event({"content": "It is f"}, "insufficient_system_resource"), "ended with"),
        (
            make_event({"content": "It is f"})
            + b'data: {"object": "error", "message": "no luck", "code": 500}\n\n'
            + make_stream(),
            "no luck",
        ),
        (
            make_event({"content": "It is f"})
            + b'data: {"type": "error", "message": "no luck"}\n\n'
            + make_stream(),
            "no luck",
        ),
        (
            make_event({"content": "It is f"})
            + b'event: error\ndata: {"message": "no luck"}\n\n'
            + make_stream(),
            "no luck",
        ),
        (
            make_event({"content": "It is f"})
            + b'data: {"message": "no luck", "code": 500}\n\n'
            + make_stream(),
            "no luck",
        ),
        (make_event({}) + b"event: error\ndata: no luck\n\n" + make_stream(), "an error: 'no luck"),
        (b'data: {"choices": [{"text": "fake", "finish_reason": "stop"}]}\n\n', "of a text"),
        (b"data: 5\n\n", "not JSON"),
        (b"", "not a chat completion|broke off"),
    ],
)
def test_what_is_no_whole_stream_is_no_reply(stream: bytes, message: str) -> None:
    """Half a text is never an answer."""
    with pytest.raises(MalformedReplyError, match=message):
        parse_reply(stream, STREAM)


def test_a_stream_may_end_without_the_word_for_it() -> None:
    """If it said why it ended; comments and other fields are no events."""
    stream = b": comment\n\nevent: message\n" + make_stream("fake", end=b"")
    assert parse_reply(stream, STREAM).text == "fake"
    assert len(list(list_events(stream))) == 4


def test_the_first_token_is_in_the_first_event_with_a_text() -> None:
    """Not in the one that names the role; a reply without a text has none."""
    role = make_event({"role": "assistant", "content": ""})
    first = make_event({"reasoning_content": "Hm"})
    assert find_first_token(role + first + make_stream("fake")) == len(role + first)
    assert find_first_token(make_stream()) is None
    assert find_first_token(b"data: {\n\n") is None


@pytest.mark.parametrize(
    ("fields", "choice", "message"),
    [
        ({"error": {"message": "no luck"}}, {}, "no luck"),
        ({}, {"error": {"message": "no luck", "code": 502}}, "no luck"),
        ({}, {"finish_reason": "error"}, "ended with 'error'"),
        ({}, {"finish_reason": "abort"}, "ended with 'abort'"),
    ],
)
def test_half_a_text_beside_an_error_is_no_answer(
    fields: dict[str, Any], choice: dict[str, Any], message: str
) -> None:
    """As gateways send it when a provider fails in the middle."""
    choices = [{"message": {"content": "The image is f"}} | choice]
    with pytest.raises(MalformedReplyError, match=message):
        parse_completion(json.dumps({"choices": choices} | fields).encode())
