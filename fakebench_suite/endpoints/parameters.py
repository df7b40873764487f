"""Find out from an error which parameters of a request a server refuses."""

import re
from collections.abc import Collection, Mapping

import openai

from fakebench_suite.endpoints.error_bodies import (
    OWN_ERRORS,
    list_bodies,
    list_messages,
    read_body,
)

_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "temperature": re.compile(r"\btemperature\b"),
    "seed": re.compile(r"\bseed\b"),
    "response_format": re.compile(r"\b(?:response_?format|json_schema|structured|guided)"),
    "max_tokens": re.compile(r"\bmax_tokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_completion_tokens\b"),
    "short_limit": re.compile(r"\bbelow minimum value\b|\binteger_below_min"),
    "stream_options": re.compile(r"\bstream_options\b"),
    "logprobs": re.compile(r"\b(?:top_)?log_?probs?\b|\blog[- ]?probabilit"),
}
"""Parameters that a server may refuse, and how its error names them, or what is wrong with one."""
_BAD_REQUEST, _UNAUTHORIZED, _NOT_FOUND = 400, 401, 404
BAD_REQUEST_STATUSES = frozenset({400, 422})
"""Statuses of a request that the server does not take as it is."""
_UNRELATED_STATUSES = frozenset({401, 403, 429})
"""Statuses that are never about a parameter."""
_NO_PROVIDER = re.compile(r"\brequested parameters\b", re.IGNORECASE)
"""Words of OpenRouter where no provider takes all parameters; their status is 404."""
_WRONG_KEY = re.compile(
    r"(?:incorrect|invalid) api key|api key (?:not valid|not found|expired)", re.IGNORECASE
)
"""Words of xAI and Gemini for a key that is wrong; their status is 400."""


def refuses_key(error: openai.APIStatusError) -> bool:
    """Whether an error says that the key is wrong.

    A prompt that it quotes says nothing of this, nor does a provider behind a gateway, which has
    another key.
    """
    if error.status_code != _BAD_REQUEST:
        return error.status_code == _UNAUTHORIZED
    messages = list_messages(list_bodies(read_body(error), OWN_ERRORS))
    return any(map(_WRONG_KEY.search, messages))


def lacks_provider(error: openai.APIStatusError) -> bool:
    """Whether a gateway says that the model is there, and takes other parameters only."""
    messages = list_messages(list_bodies(read_body(error)))
    return error.status_code == _NOT_FOUND and any(map(_NO_PROVIDER.search, messages))


def is_unrelated(error: openai.APIStatusError) -> bool:
    """Whether an error is never about a parameter."""
    return error.status_code in _UNRELATED_STATUSES or refuses_key(error)


def may_be_unnamed(error: openai.APIStatusError) -> bool:
    """Whether an error may be about a parameter that it does not name."""
    return error.status_code in BAD_REQUEST_STATUSES or lacks_provider(error)


def find_named_parameters(
    error: openai.APIStatusError, candidates: Collection[str], *, model: str
) -> set[str]:
    """Return those of the parameters that an error names.

    The name of the ``model`` is left out of the search, for "seed-oss" is no seed.
    """
    name = rf"(?<![\w-]){re.escape(model.lower())}(?![\w-])"
    text = re.sub(name, "", f"{error.param or ''} {error.response.text}".lower())
    return {candidate for candidate in candidates if _PATTERNS[candidate].search(text)}
