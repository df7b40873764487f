"""Describe errors of a server for the terminal and for records."""

import json
import re
from dataclasses import dataclass

import openai

from fakebench_suite.endpoints.address import Address
from fakebench_suite.errors import UserError
from fakebench_suite.text.redaction import redact

_CHECK_URL = "Check the URL: that of most servers ends in /v1."
_KEY = re.compile(r"\b(?:api[-_ ]?key|token|credential|unauthori[sz]ed|authenticat)", re.IGNORECASE)
MAX_LENGTH = 300
"""Characters of a server's message that are shown."""
_TAGS = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<[^>]*>")
_TITLE = re.compile(r"(?is)<title[^>]*>(.*?)</title>")


def shorten(text: str, *secrets: str, length: int = MAX_LENGTH) -> str:
    """Return a server's message without secrets, on one line of printable characters, truncated."""
    text = redact(text.encode("utf-8", "replace").decode(), *secrets)
    words = "".join(character if character.isprintable() else " " for character in text).split()
    line = " ".join(words)
    return line if len(line) <= length else f"{line[: length - 3]}..."


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was asked, as messages call it."""

    noun: str
    """``model`` or ``judge``."""
    name: str
    """Its name, without secrets."""
    option: str
    """The option that names it, such as ``--judge``."""
    address: Address

    @property
    def shown(self) -> str:
        """Noun and name."""
        return f"{self.noun} {self.name}"


def describe_failure(error: Exception, *secrets: str, server: str = "the server") -> str:
    """Return one sentence about a failed request; ``server`` is the subject."""
    if isinstance(error, openai.APIStatusError):
        reason = shorten(parse_reason(error), *secrets)
        return f"{server} says {error.status_code}: {reason}"
    if isinstance(error, openai.APIConnectionError):
        return f"{server} gave no reply: {shorten(find_cause(error), *secrets)}"
    return shorten(f"{type(error).__name__}: {error}", *secrets)


def explain_failure(error: Exception, subject: Subject) -> str:
    """Return why a test request to a model or judge failed, and what to do, without secrets."""
    shown, secrets = subject.shown, subject.address.secrets
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, openai.APIStatusError):
        return _explain_status(error, subject)
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return f"The {shown} gave no reply to a test request in time. Is its server overloaded?"
    if isinstance(error, openai.APIConnectionError):
        why = shorten(find_cause(error), *secrets)
        return f"The {shown} cannot be reached: {why}. Start its server, or correct the URL."
    why = shorten(str(error) or type(error).__name__, *secrets)
    return f"The {shown} did not answer a test request: {why}. {_CHECK_URL}"


def _explain_status(error: openai.APIStatusError, subject: Subject) -> str:
    """Return why a server rejected the test request, by its status."""
    shown, address = subject.shown, subject.address
    status, reason = error.status_code, shorten(parse_reason(error), *address.secrets)
    if status in (401, 403) or (
        status in (400, 407) and not address.has_key and _KEY.search(reason)
    ):
        if not address.has_key:
            return (
                f"{address.key_variable} is not set, and the {shown} requires a key "
                f"({status}: {reason})."
            )
        return (
            f"The {shown} refuses the key ({status}: {reason}). Correct {address.key_variable}, or "
            "the user and password in the URL."
        )
    if 300 <= status < 400:
        target = shorten(error.response.headers.get("location", ""), *address.secrets)
        return (
            f"The {shown} redirects to {target or 'no URL'} ({status}), and redirects are "
            f"not followed. Pass the final URL in {subject.option}."
        )
    if status == 404:
        return f"There is no {shown} ({status}: {reason}). Check the model's name. {_CHECK_URL}"
    return f"The {shown} refuses a test request ({status}: {reason})."


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
