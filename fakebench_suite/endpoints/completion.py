"""Parse chat completions as current servers send them."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fakebench_suite.endpoints.content_filters import is_filtered
from fakebench_suite.endpoints.failures import parse_error_message
from fakebench_suite.text.surrogates import replace_lone_surrogates

REASONING_FIELDS = ("reasoning_details", "reasoning_content", "reasoning")
"""Fields of a message that hold the reasoning apart, the most detailed first. vLLM renamed
``reasoning_content`` to ``reasoning``; OpenRouter sends ``reasoning_details`` beside it."""


_THOUGHTS = frozenset({
    "thinking", "redacted_thinking", "thought", "reasoning", "reasoning_content", "reasoning_text",
    "reasoning.text", "reasoning.summary", "summary_text",
})  # fmt: skip
"""Types of the parts of a content that are reasoning: Mistral's, Anthropic's, OpenAI's and those of
OpenRouter."""
_MAX_DEPTH = 6
"""Lists and objects within each other in which reasoning is looked for; Mistral's takes four."""
_MAX_COUNT = 2**53
"""The largest count that a float holds exactly, and more tokens than any prompt has."""
_BROKEN_OFF = re.compile(r"error|abort|overload|insufficient|cancel|interrupt|timeout|unavailable")
"""In the reason to end of a reply that was not finished: OpenRouter's and vLLM's, and such as
``engine_overloaded`` and DeepSeek's ``insufficient_system_resource``."""
CUT_OFF = frozenset({"length", "max_tokens", "model_length", "max_output_tokens"})
"""Reasons to end, in lower case, of replies that came to the limit of tokens."""


class MalformedReplyError(Exception):
    """A reply arrived that is no chat completion; ``error`` is the error object in its place."""

    def __init__(self, message: str, *, error: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """The tokens that a server counted; None where it does not say."""

    prompt: int | None = None
    cached: int | None = None
    """Of the prompt's, those that were cached."""
    image: int | None = None
    """Of the prompt's, those of images; vLLM and SGLang say so if they are told to."""
    completion: int | None = None
    reasoning: int | None = None
    """Of the completion's, those of the reasoning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The first choice of a reply."""

    text: str
    """The content, without reasoning that the server keeps apart."""
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: str | None = None
    """In the server's words."""
    model: str | None = None
    """The model that answered, by the server's name."""
    provider: str | None = None
    """Who served it, where the server passes requests on."""
    system_fingerprint: str | None = None
    tokens: TokenCounts | None = None
    cost: float | None = None
    """The price that the server names."""
    top_logprobs: tuple[tuple[str, float], ...] | None = None
    """The likeliest first tokens and their log-probabilities; None where there are none."""
    first_token_seconds: float | None = None
    """From the request to the first token, where the reply arrived in pieces."""


def parse_completion(content: bytes) -> Completion:
    """Return the first choice of a reply; raises MalformedReplyError where there is none."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        excerpt = content[:2_000].decode("utf-8", "replace")
        raise MalformedReplyError(f"the reply is not a chat completion: {excerpt!r}") from None
    return parse_body(body)


def parse_body(body: Any) -> Completion:
    """Return the first choice of a decoded reply; raises MalformedReplyError without one."""
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not choice and isinstance(body, dict) and _is_blocked(body):
        choice = {"finish_reason": "content_filter"}
    message = choice.get("message") if isinstance(choice, dict) else None
    error = _find_error(body, choice)
    if message is None and isinstance(choice, dict) and _needs_no_message(choice):
        message = {}
    if error or not isinstance(choice, dict) or not isinstance(message, dict):
        reason = parse_error_message(error) if error else None
        raise MalformedReplyError(
            reason or f"the reply has no choice: {json.dumps(body)[:2_000]}",
            error=error if isinstance(error, dict) else None,
        )
    content = _read_content(message.get("content"))
    usage = body.get("usage")
    return Completion(
        text=replace_lone_surrogates(content.text),
        reasoning=_as_text(_find_reasoning(message) or content.reasoning),
        refusal=_find_refusal(message.get("refusal"), content.refusal),
        finish_reason=_as_text(choice.get("finish_reason")),
        model=_as_text(body.get("model")),
        provider=_as_text(body.get("provider")),
        system_fingerprint=_as_text(body.get("system_fingerprint")),
        tokens=_parse_usage(usage) if isinstance(usage, dict) else None,
        cost=_parse_cost(usage) if isinstance(usage, dict) else None,
        top_logprobs=_parse_logprobs(choice.get("logprobs")),
    )


def _find_error(body: object, choice: object) -> object:
    """What went wrong where a provider failed in the middle of a reply; None if nothing did."""
    for part in (choice, body):
        if isinstance(part, dict) and part.get("error"):
            return part["error"]
    reason = _as_text(choice.get("finish_reason")) if isinstance(choice, dict) else None
    if reason is None or is_filtered(reason) or not _BROKEN_OFF.search(reason.lower()):
        return None
    return f"the reply ended with {reason!r}"


def _find_refusal(*places: object) -> str | None:
    """The first that says something; a blank is no refusal."""
    texts = (_as_text(place) for place in places)
    return next((text for text in texts if text is not None and text.strip()), None)


def _needs_no_message(choice: Mapping[str, Any]) -> bool:
    """Whether the reason to end tells all: withheld, or cut off before there was a text."""
    reason = _as_text(choice.get("finish_reason"))
    return reason is not None and (is_filtered(reason) or reason.lower() in CUT_OFF)


def _is_blocked(body: Mapping[str, Any]) -> bool:
    """Whether a reply without a choice says that the prompt was blocked, as Gemini's does."""
    feedback = body.get("promptFeedback") or body.get("prompt_feedback")
    names = ("blockReason", "block_reason")
    return isinstance(feedback, dict) and any(feedback.get(name) for name in names)


@dataclass(frozen=True, slots=True)
class _Content:
    """What the content of a message says."""

    text: str
    reasoning: str
    refusal: str


def _read_content(content: object) -> _Content:
    """Return a message's content, which some servers send as a list of parts of several types.

    Thoughts are never a part of the text. Parts of unknown types are, if they have one.
    """
    texts: list[str] = []
    reasoning: list[str] = []
    refusals: list[str] = []
    for part in content if isinstance(content, list) else [content]:
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(part, dict) and (
            (isinstance(kind, str) and kind in _THOUGHTS) or part.get("thought") is True
        ):
            reasoning += _list_reasoning(part)
        elif kind == "refusal":
            refusals += _list_texts(part, ("refusal", "text"))
        else:
            texts += _list_texts(part, ("text",))
    return _Content("".join(texts), "".join(reasoning), "".join(refusals))


def _list_texts(part: object, names: Iterable[str]) -> list[str]:
    """A part that is a text, or the first of these fields of one that has fields."""
    found = [part.get(name) for name in names] if isinstance(part, dict) else [part]
    return [text for text in found if isinstance(text, str)][:1]


def _find_reasoning(message: Mapping[str, Any]) -> str | None:
    """Return the reasoning in the first field that has some; None without any."""
    texts = ("".join(_list_reasoning(message.get(name))) for name in REASONING_FIELDS)
    return next(filter(None, texts), None)


def _list_reasoning(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the texts of a field: a text, or parts with a text, a summary or parts of their own.

    What is encrypted is none.
    """
    if isinstance(value, str):
        yield value
    elif depth > _MAX_DEPTH:
        return
    elif isinstance(value, dict):
        for name in ("thinking", "reasoning", "text", "summary", "content"):
            yield from _list_reasoning(value.get(name), depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from _list_reasoning(part, depth + 1)


def _parse_usage(usage: Mapping[str, Any]) -> TokenCounts:
    """Return the counts of a reply, the tokens of its reasoning among those of the completion.

    Gemini and xAI count these beside the completion, and in the total only. Others count there what
    a cache had of the prompt, as Portkey and Bedrock do.
    """
    prompt_details, completion_details = (
        details if isinstance(details := usage.get(name), dict) else {}
        for name in ("prompt_tokens_details", "completion_tokens_details")
    )
    prompt, completion, total = (
        _as_count(usage.get(f"{name}_tokens")) for name in ("prompt", "completion", "total")
    )
    reasoning = _as_count(completion_details.get("reasoning_tokens"))
    cached = _find_count(
        prompt_details.get("cached_tokens"),
        usage.get("cached_tokens"),  # Kimi's
        usage.get("prompt_cache_hit_tokens"),  # DeepSeek's
    )
    excess = 0 if prompt is None or total is None else total - prompt - (completion or 0)
    read = _find_count(usage.get("cache_read_input_tokens"), cached) or 0
    written = _as_count(usage.get("cache_creation_input_tokens")) or 0
    is_cache = excess in (cached, read, read + written)
    if excess > 0 and reasoning in (None, excess) and not is_cache:
        reasoning = excess
        completion = (completion or 0) + excess
    return TokenCounts(
        prompt=prompt,
        cached=cached,
        image=_as_count(prompt_details.get("image_tokens")),
        completion=completion,
        reasoning=reasoning,
    )


def _parse_cost(usage: Mapping[str, Any]) -> float | None:
    """What a reply cost, as far as the server says.

    With a provider's key that OpenRouter was given, its own price lacks that of the provider.
    """
    cost = _as_cost(usage.get("cost"))
    if usage.get("is_byok") is not True or cost is None:
        return cost
    details = usage.get("cost_details")
    upstream = details.get("upstream_inference_cost") if isinstance(details, dict) else None
    price = _as_cost(upstream)
    return None if price is None else cost + price


def _find_count(*places: object) -> int | None:
    """The first of several that is a count."""
    return next((count for place in places if (count := _as_count(place)) is not None), None)


def _parse_logprobs(logprobs: object) -> tuple[tuple[str, float], ...] | None:
    """Return the alternatives of the first token; None where the server gives none."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    first = content[0] if isinstance(content, list) and content else None
    if not isinstance(first, dict):
        return None
    tops = first.get("top_logprobs")
    pairs = [
        (entry["token"], logprob)
        for entry in (tops if isinstance(tops, list) else [])
        if isinstance(entry, dict)
        and isinstance(entry.get("token"), str)
        and (logprob := _as_number(entry.get("logprob"))) is not None
        and logprob < math.inf
    ]
    return tuple(pairs) or None


def _as_text(value: object) -> str | None:
    return replace_lone_surrogates(value) if isinstance(value, str) and value else None


def _as_count(value: object) -> int | None:
    """A whole number, which some servers send as 300.0."""
    number = _as_number(value)
    is_count = number is not None and number.is_integer() and 0 <= number <= _MAX_COUNT
    return int(number) if is_count and number is not None else None


def _as_cost(value: object) -> float | None:
    number = _as_number(value)
    return number if number is not None and 0 <= number < math.inf else None


def _as_number(value: object) -> float | None:
    """A number that a float can hold; None for what is none, NaN among it."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return None if math.isnan(number) else number
