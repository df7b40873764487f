"""Describe errors of a judge's server for the terminal and for records."""

import json
import re
from collections.abc import Sequence

import openai

from fakebench_suite.errors import UserError
from fakebench_suite.grading.judges.address import KEY_VARIABLE
from fakebench_suite.text.redaction import redact

_CHECK_URL = "Check the URL: that of most servers ends in /v1."
_KEY = re.compile(r"\b(?:api[-_ ]?key|token|credential|unauthori[sz]ed|authenticat)", re.IGNORECASE)
_MAX_LENGTH = 300
"""Characters of a server's message that are shown."""
_TAGS = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<[^>]*>")
_TITLE = re.compile(r"(?is)<title[^>]*>(.*?)</title>")


def shorten(text: str, *secrets: str) -> str:
    """Return a server's message without secrets, on one line of printable characters, truncated."""
    text = redact(text.encode("utf-8", "replace").decode(), *secrets)
    words = "".join(character if character.isprintable() else " " for character in text).split()
    line = " ".join(words)
    return line if len(line) <= _MAX_LENGTH else f"{line[: _MAX_LENGTH - 3]}..."


def parse_reason(error: openai.APIStatusError) -> str:
    """Return the reason that the server gives; of an HTML page, its title or its text."""
    text = error.response.text
    for body in (error.body, _parse_json(text)):
        message = parse_error_message(body)
        if message is not None and not message.startswith("<"):
            return message
    title = _TITLE.search(text)
    return (title[1] if title else _TAGS.sub(" ", text)).strip() or error.response.reason_phrase


def parse_error_message(body: object) -> str | None:
    """Return the message in an error body, nested or flat; None without one."""
    for _ in range(4):
        if isinstance(body, str):
            return body.strip() or None
        if isinstance(body, list):
            body = body[0] if body else None
        if not isinstance(body, dict):
            return None
        body = next(
            (body[key] for key in ("error", "message", "detail", "msg") if key in body), None
        )
    return None


def join_error_text(error: openai.APIStatusError) -> str:
    """Return the parameter and the text of an error in lower case, to search for parameters."""
    return f"{error.param or ''} {error.response.text}".lower()


def describe_failure(error: Exception, *secrets: str) -> str:
    """Return one sentence about a failed round."""
    if isinstance(error, openai.APIStatusError):
        reason = shorten(parse_reason(error), *secrets)
        return f"the judge's server says {error.status_code}: {reason}"
    if isinstance(error, openai.APIConnectionError):
        return f"the judge's server gave no reply: {shorten(find_cause(error), *secrets)}"
    return shorten(f"{type(error).__name__}: {error}", *secrets)


def explain_failure(error: Exception, name: str, *, keyed: bool, secrets: Sequence[str]) -> str:
    """Return why a judge cannot be asked, and what to do.

    ``keyed`` is whether the request had a key, and ``secrets`` are removed from the text.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, openai.APIStatusError):
        return _explain_status(error, name, keyed=keyed, secrets=secrets)
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return (
            f"The judge {name} gave no reply to a test request in time. Is its server overloaded?"
        )
    if isinstance(error, openai.APIConnectionError):
        why = shorten(find_cause(error), *secrets)
        return f"The judge {name} cannot be reached: {why}. Start its server, or correct the URL."
    why = shorten(str(error) or type(error).__name__, *secrets)
    return f"The judge {name} did not answer a test request: {why}. {_CHECK_URL}"


def _explain_status(
    error: openai.APIStatusError, name: str, *, keyed: bool, secrets: Sequence[str]
) -> str:
    """Return why a server rejected the test request, by its status."""
    status, reason = error.status_code, shorten(parse_reason(error), *secrets)
    if status in (401, 403) or (status in (400, 407) and not keyed and _KEY.search(reason)):
        if not keyed:
            return (
                f"{KEY_VARIABLE} is not set, and the judge {name} requires a key "
                f"({status}: {reason})."
            )
        return (
            f"The judge {name} refuses the key ({status}: {reason}). Correct {KEY_VARIABLE}, or "
            "the user and password in the URL."
        )
    if 300 <= status < 400:
        target = shorten(error.response.headers.get("location", ""), *secrets)
        return (
            f"The judge {name} redirects to {target or 'no URL'} ({status}), and redirects are "
            "not followed. Pass the final URL in --judge."
        )
    if status == 404:
        return (
            f"There is no judge {name} ({status}: {reason}). Check the model's name. {_CHECK_URL}"
        )
    return f"The judge {name} refuses a test request ({status}: {reason})."


def find_cause(error: BaseException) -> str:
    """Return the message of the innermost cause of a connection error."""
    words = ""
    seen: BaseException | None = error
    while seen is not None:
        words = str(seen).strip() or words
        seen = seen.__cause__ or seen.__context__
    return words or type(error).__name__


def _parse_json(text: str) -> object:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict | list) else None
