"""The bodies of requests: what a server is asked, in the parameters that it takes."""

from collections.abc import Sequence
from typing import Any

import msgspec

from fakebench_suite.backends.base import Capability
from fakebench_suite.backends.cards import Card
from fakebench_suite.text.surrogates import replace_lone_surrogates

MAX_TOKENS, MAX_COMPLETION_TOKENS = "max_tokens", "max_completion_tokens"
"""The two names of the token limit: most servers take the first, OpenAI's reasoning models only the
second."""
TOP_LOGPROBS, FEWER_LOGPROBS = 20, 5
"""Most alternatives to a token that the OpenAI API gives, and that some servers give."""
SHORT_LIMIT = "short_limit"
"""What it is called where a server wants a larger limit for a first token; it is no parameter."""
LEAST_TOKENS, MORE_TOKENS = 1, 16
"""The limit of tokens where the first alone is wanted, and the least one of some servers: gateways
that pass requests on to OpenAI's Responses API, whose least one it is."""
SAMPLING = {"temperature": 0, "seed": None}
"""Parameters that a server may do without, and their values; the card has the seed."""


STREAM_OPTIONS = "stream_options"
"""Asks for the counts of tokens at the end of a stream."""


class ServerFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """What a server takes, as a test request found out."""

    refused: frozenset[str] = frozenset()
    """Parameters of SAMPLING, and STREAM_OPTIONS, that it does not take."""
    token_limit: str = MAX_TOKENS
    """Its name of the token limit."""
    top_logprobs: int = TOP_LOGPROBS
    """How many alternatives it gives where probabilities are wanted."""
    first_token_limit: int = LEAST_TOKENS
    """The limit of tokens where the first alone is wanted."""
    too_few_tokens: int | None = None
    """What it counted for the text and the image of a test request, where that is too little for
    both, so that it may show no images to the model; else None."""
    counts_tokens: bool | None = None
    """Whether it counted the tokens of the prompt and the reply of every test request; None where
    no reply came, as after a refusal."""
    names_cost: bool | None = None
    """Whether it named the cost of every test request; None as above."""
    sent: tuple[tuple[float, float], ...] = ()
    """When each test request was sent, in seconds since 1970, and its tokens: limits by the minute
    count them. Empty where there are none."""


def build_parameters(card: Card, features: ServerFeatures, want: Capability) -> dict[str, Any]:
    """Return the parameters of a request beside the model and its messages."""
    assert card.endpoint is not None
    sampling = SAMPLING | {"seed": card.endpoint.seed}
    parameters: dict[str, Any] = {
        name: value for name, value in sampling.items() if name not in features.refused
    }
    limit = (
        card.generation.max_new_tokens if want is Capability.TEXT else features.first_token_limit
    )
    parameters[features.token_limit] = limit
    if want is Capability.PROBABILITIES:
        parameters |= {"logprobs": True, "top_logprobs": features.top_logprobs}
    return parameters


def build_body(
    card: Card,
    features: ServerFeatures,
    *,
    text: str,
    images: Sequence[msgspec.Raw],
    want: Capability,
) -> bytes:
    """Return the JSON of a request: the images in order, and the text after them.

    Half a surrogate pair in the text becomes U+FFFD, for UTF-8 cannot carry it.
    """
    assert card.endpoint is not None
    content: list[Any] = [*images, {"type": "text", "text": replace_lone_surrogates(text)}]
    messages: list[Any] = [{"role": "user", "content": content}]
    if card.prompt.system is not None:
        messages.insert(0, {"role": "system", "content": card.prompt.system})
    body: dict[str, Any] = {"model": card.endpoint.model, "messages": messages}
    if card.endpoint.stream:  # How a reply arrives is no part of how it is generated.
        body["stream"] = True
        if STREAM_OPTIONS not in features.refused:
            body[STREAM_OPTIONS] = {"include_usage": True}
    return msgspec.json.encode(
        body | build_parameters(card, features, want) | card.endpoint.extra_body
    )
