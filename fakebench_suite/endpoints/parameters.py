"""Find out from an error which parameters of a request a server refuses."""

import re
from collections.abc import Collection, Mapping

import openai

_PATTERNS: Mapping[str, re.Pattern[str]] = {
    "temperature": re.compile(r"\btemperature\b"),
    "seed": re.compile(r"\bseed\b"),
    "response_format": re.compile(r"\b(?:response_?format|json_schema|structured|guided)"),
    "max_tokens": re.compile(r"\bmax_tokens\b"),
    "max_completion_tokens": re.compile(r"\bmax_completion_tokens\b"),
    "stream_options": re.compile(r"\bstream_options\b"),
    "logprobs": re.compile(r"\b(?:top_)?log_?probs?\b|\blog[- ]?probabilit"),
}
"""Parameters that a server may refuse, and how its error names them."""
BAD_REQUEST_STATUSES = frozenset({400, 422})
"""Statuses of a request that the server does not take as it is."""
UNRELATED_STATUSES = frozenset({401, 403, 429})
"""Statuses that are never about a parameter."""


def find_named_parameters(
    error: openai.APIStatusError, candidates: Collection[str], *, model: str
) -> set[str]:
    """Return those of the parameters that an error names.

    The name of the ``model`` is left out of the search, for "seed-oss" is no seed.
    """
    name = rf"(?<![\w-]){re.escape(model.lower())}(?![\w-])"
    text = re.sub(name, "", f"{error.param or ''} {error.response.text}".lower())
    return {candidate for candidate in candidates if _PATTERNS[candidate].search(text)}
