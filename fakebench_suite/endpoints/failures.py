"""Describe errors of a server for the terminal and for records."""

import re
from dataclasses import dataclass

import httpx2
import openai

from fakebench_suite.endpoints.address import Address
from fakebench_suite.endpoints.connections import (
    describe_cause,
    explain_connection,
    explain_refused_proxy,
    find_cause,
    find_proxy_of,
    list_causes,
)
from fakebench_suite.endpoints.error_bodies import parse_json
from fakebench_suite.endpoints.parameters import lacks_provider, refuses_key
from fakebench_suite.endpoints.transport import UnusableReplyError
from fakebench_suite.errors import UserError
from fakebench_suite.text.redaction import redact

_CHECK_URL = "Check the URL: that of most servers ends in /v1."
_KEY = re.compile(r"\b(?:api[-_ ]?key|token|credential|unauthori[sz]ed|authenticat)", re.IGNORECASE)
MAX_LENGTH = 300
"""Characters of a server's message that are shown."""
_PROXY_AUTHENTICATION = 407
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
    for body in (error.body, parse_json(text)):
        message = parse_error_message(body)
        if message is not None and not message.startswith("<"):
            return message
    title = _TITLE.search(text)
    return (title[1] if title else _TAGS.sub(" ", text)).strip() or error.response.reason_phrase


def parse_error_message(body: object) -> str | None:
    """Return the message in an error body, nested or flat; None without one.

    OpenRouter's says only that the provider returned an error; what that was is put behind it.
    """
    for _ in range(4):
        if isinstance(body, str):
            return body.strip() or None
        if isinstance(body, list):
            body = body[0] if body else None
        if not isinstance(body, dict):
            return None
        metadata, outer = body.get("metadata"), body.get("message")
        raw = metadata.get("raw") if isinstance(metadata, dict) else None
        if isinstance(raw, str) and isinstance(outer, str) and raw.strip():
            return f"{outer.strip()}: {parse_error_message(parse_json(raw)) or raw.strip()}"
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
        return f"{server} gave no reply: {shorten(describe_cause(error), *secrets)}"
    if isinstance(error, UnusableReplyError):
        return shorten(f"{server} gave no usable reply: {error}", *secrets)
    cause = next(list_causes(error))  # The first one's of a group.
    return shorten(f"{type(cause).__name__}: {cause}", *secrets)


def explain_failure(error: Exception, subject: Subject) -> str:
    """Return why a test request to a model or judge failed, and what to do, without secrets."""
    shown, secrets = subject.shown, subject.address.secrets
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, openai.APIStatusError):
        return _explain_status(error, subject)
    if isinstance(error, UnusableReplyError):
        return (
            f"The {shown} gave no usable reply to a test request: {shorten(str(error), *secrets)}. "
            "Correct its server, or what is between it and the suite."
        )
    cause = error.__cause__
    if isinstance(error, openai.APITimeoutError) and isinstance(cause, httpx2.WriteTimeout):
        return f"The {shown} gave no reply to a test request: {shorten(str(cause), *secrets)}."
    connects = isinstance(error, openai.APITimeoutError) and isinstance(
        cause, httpx2.ConnectTimeout
    )
    if isinstance(error, TimeoutError | openai.APITimeoutError) and not connects:
        return f"The {shown} gave no reply to a test request in time. Is its server overloaded?"
    if isinstance(error, openai.APIConnectionError):
        cause_words = shorten(find_cause(error), *secrets).rstrip(".")
        why = "no connection in time" if connects else cause_words
        return explain_connection(error, shown, why=why)
    raised = next(list_causes(error))
    why = shorten(str(raised) or type(raised).__name__, *secrets)
    return f"The {shown} did not answer a test request: {why}. {_CHECK_URL}"


def _explain_status(error: openai.APIStatusError, subject: Subject) -> str:
    """Return why a server rejected the test request, by its status."""
    shown, address = subject.shown, subject.address
    status, reason = error.status_code, shorten(parse_reason(error), *address.secrets)
    proxy = find_proxy_of(error)
    if proxy is not None and status == _PROXY_AUTHENTICATION:
        return explain_refused_proxy(proxy, shown, why=f"{status}: {reason}")
    missing = status in (400, 407) and not address.has_key and _KEY.search(reason)
    if status == 403 or refuses_key(error) or missing:
        return _explain_key(subject, f"{status}: {reason}")
    if 300 <= status < 400:
        target = shorten(error.response.headers.get("location", ""), *address.secrets)
        return (
            f"The {shown} redirects to {target or 'no URL'} ({status}), and redirects are "
            f"not followed. Pass the final URL in {subject.option}."
        )
    if status == 404 and not lacks_provider(error):
        return f"There is no {shown} ({status}: {reason}). Check the model's name. {_CHECK_URL}"
    by = "" if proxy is None else f" It was sent through {proxy.shown}."
    return f"The {shown} refuses a test request ({status}: {reason}).{by}"


def _explain_key(subject: Subject, why: str) -> str:
    """Return that a key is wrong or missing, and where it comes from."""
    shown, address = subject.shown, subject.address
    if address.credentials is None:
        return f"{address.key_variable} is not set, and the {shown} requires a key ({why})."
    instead = "" if address.key is not None else f", or set {address.key_variable}"
    return f"The {shown} refuses the key ({why}). Correct {address.credentials}{instead}."
