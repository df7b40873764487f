"""Which headers of a card are secrets: all that are not known to be harmless."""

import re
from collections.abc import Iterator, Mapping

from fakebench_suite.text.redaction import find_secrets_in, is_secret, mask_text, redact

HARMLESS_HEADERS = frozenset({
    "accept", "accept-encoding", "accept-language", "anthropic-beta", "anthropic-version",
    "api-version", "content-type", "helicone-cache-enabled", "host", "http-referer", "openai-beta",
    "openai-organization", "openai-project", "origin", "referer", "user-agent", "x-api-version",
    "x-github-api-version", "x-stainless-helper-method", "x-title",
})  # fmt: skip
"""Headers, in lower case, whose values say which application, interface or account it is."""
_SCHEME = re.compile(r"(?:bearer|basic|token|key|api-?key)\s+(?P<credentials>\S+)", re.IGNORECASE)
"""A value that is credentials behind the name of their kind, such as ``Bearer KEY``."""
_MIN_LENGTH = 8
"""Characters of a value from which on it may be a key, and not a word that a reply may have."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def mask_headers(headers: Mapping[str, str], *, distinct: bool = False) -> dict[str, str]:
    """Return the headers with MASK in place of each value that may be a secret.

    With ``distinct``, values that differ are masked differently, as the names of two routes are,
    unless they are credentials, which may be changed: see ``mask_values``.
    """
    return {
        name: redact(value)
        if _is_harmless(name)
        else mask_text(value, distinct=distinct and not _has_credentials(name, value))
        for name, value in headers.items()
    }


def list_header_secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield what is not to be shown where a server repeats it.

    Of headers with names that say nothing, these are the values that look like a key: others, such
    as the name of a route, may be words of replies, and are masked in the manifest only.
    """
    for name, value in headers.items():
        yield from find_secrets_in(value)
        if is_secret(name):
            yield value
        elif not _is_harmless(name):
            scheme = _SCHEME.fullmatch(value)
            words = [word for word in re.split(r"[\s;,]+", value) if _is_opaque(word)]
            yield from (*words, *([scheme["credentials"]] if scheme else []))
            if words or scheme:
                yield value


def find_credentials(headers: Mapping[str, str]) -> str | None:
    """Return the name of the first header with credentials; None where there is none."""
    return next((name for name, value in headers.items() if _has_credentials(name, value)), None)


def _has_credentials(name: str, value: str) -> bool:
    if _is_harmless(name):
        return any(find_secrets_in(value))
    return is_secret(name) or bool(_SCHEME.fullmatch(value)) or any(find_secrets_in(value))


def _is_harmless(name: str) -> bool:
    return name.lower() in HARMLESS_HEADERS


def _is_opaque(word: str) -> bool:
    """Whether a word may be a key: it is long enough, and no word of a language and no date."""
    has_digit = any(character.isdigit() for character in word)
    return has_digit and len(word) >= _MIN_LENGTH and not _DATE.fullmatch(word)
