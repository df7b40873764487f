"""Replies that arrive in pieces: server-sent events, put together as one chat completion."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fakebench_suite.endpoints.completion import (
    REASONING_FIELDS,
    Completion,
    MalformedReplyError,
    parse_body,
    parse_completion,
)

_NAME, _DATA, _END, _ERROR = b"event:", b"data:", b"[DONE]", b"error"
_TEXTS = ("content", "refusal", *REASONING_FIELDS)
"""Fields of a message that arrive in parts, each to be put after those before it."""


class Event(NamedTuple):
    """One event of a stream."""

    name: bytes
    """Empty for most."""
    data: bytes
    end: int
    """The byte of the stream at which it ends."""


def is_stream(content: bytes, content_type: str) -> bool:
    """Whether a reply is a stream of events; a server may send a whole reply all the same."""
    start = content.lstrip()
    is_whole = start.startswith((b"{", b"["))
    return not is_whole and (
        content_type.startswith("text/event-stream") or start.startswith(_DATA)
    )


def parse_reply(content: bytes, content_type: str) -> Completion:
    """Return the first choice of a reply, whole or in events; raises MalformedReplyError."""
    if not is_stream(content, content_type):
        return parse_completion(content)
    return parse_body(assemble_events(list_events(content)))


def list_events(content: bytes) -> Iterator[Event]:
    """The events of a stream that have data."""
    end, name = 0, b""
    data: list[bytes] = []
    for line in content.splitlines(keepends=True):
        end += len(line)
        text = line.strip(b"\r\n")
        if text.startswith(_DATA):
            data.append(text[len(_DATA) :].removeprefix(b" "))
        elif text.startswith(_NAME):
            name = text[len(_NAME) :].strip()
        elif not text:
            if data:
                yield Event(name, b"\n".join(data), end)
            name, data = b"", []
    if data:
        yield Event(name, b"\n".join(data), end)


def assemble_events(events: Iterator[Event]) -> dict[str, Any]:
    """The body of a chat completion out of its events.

    Raises MalformedReplyError where an event is none, tells an error, or the stream does not come
    to an end that says why: gateways write ``[DONE]`` behind half a reply, too.
    """
    body: dict[str, Any] = {}
    message: dict[str, Any] = {}
    choice: dict[str, Any] = {"message": message, "finish_reason": None}
    ended = False
    for event in events:
        if event.data.strip() == _END:
            break
        chunk = _decode(event)
        body |= {name: value for name, value in chunk.items() if value is not None}
        choices = chunk.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        if isinstance(first, dict) and not first.get("index"):  # 0, or none where there is one
            _add(message, first.get("delta"))
            if isinstance(whole := first.get("message"), dict):  # in place of its parts
                message |= {name: value for name, value in whole.items() if value}
            _add_logprobs(choice, first.get("logprobs"))
            reason = first.get("finish_reason")
            ended = ended or bool(reason)
            if isinstance(reason, str) and reason:
                choice["finish_reason"] = reason
            if "text" in first:
                raise MalformedReplyError("the stream is a completion of a text, not of a chat")
    if not ended:
        raise MalformedReplyError("the stream of the reply broke off: no finish_reason at its end")
    return body | {"choices": [choice]}


def find_first_token(content: bytes) -> int | None:
    """The byte at which the first event with a text ends; None where none has a text."""
    for event in list_events(content):
        try:
            chunk = _decode(event)
        except MalformedReplyError:
            continue
        choices = chunk.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        delta = first.get("delta") if isinstance(first, dict) else None
        if isinstance(delta, dict) and any(delta.get(name) for name in _TEXTS):
            return event.end
    return None


def _decode(event: Event) -> Mapping[str, Any]:
    try:
        chunk = json.loads(event.data)
    except (ValueError, RecursionError):
        chunk = None
    is_error = event.name == _ERROR
    if not isinstance(chunk, dict):
        excerpt = event.data[:2_000].decode("utf-8", "replace")
        kind = "an error" if is_error else "not JSON"
        raise MalformedReplyError(f"an event of the reply is {kind}: {excerpt!r}")
    is_flat = "choices" not in chunk and isinstance(chunk.get("message"), str)  # as vLLM's
    if is_error or is_flat or "error" in (chunk.get("object"), chunk.get("type")):
        chunk = chunk if chunk.get("error") else {"error": chunk}
    if chunk.get("error"):
        parse_body(chunk)  # It raises, in the server's words.
    return chunk


def _add(message: dict[str, Any], delta: object) -> None:
    """Put the texts of an event behind those of the message.

    A server may send a field as a list of parts in one event and as a text in the next, as
    Mistral's does after the thoughts of a model; a text among parts is one of them.
    """
    if not isinstance(delta, dict):
        return
    for name in _TEXTS:
        value = delta.get(name)
        before = message.get(name)
        if not value:
            continue
        if not before:
            message[name] = value
        elif isinstance(value, str) and isinstance(before, str):
            message[name] = before + value
        else:
            message[name] = [*_list_parts(before), *_list_parts(value)]


def _list_parts(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _add_logprobs(choice: dict[str, Any], logprobs: object) -> None:
    """Keep the log-probabilities of the first token, which are those of the first event."""
    if isinstance(logprobs, dict) and logprobs.get("content"):
        choice.setdefault("logprobs", logprobs)
