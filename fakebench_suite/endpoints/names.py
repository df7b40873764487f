"""``openai:MODEL@URL``, the name of a model behind a URL on the command line."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fakebench_suite.errors import UserError
from fakebench_suite.text.redaction import find_secrets, redact

PREFIX = "openai"
"""What such a name begins with, before its colon."""
_NAME = re.compile(r"(?P<model>.+?)@(?P<url>https?://.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointName:
    """A model, and the URL of the server that has it."""

    model: str
    url: str = field(repr=False)
    """As passed; it may contain a key, and is shown through ``shown`` only."""

    @property
    def shown(self) -> str:
        """``MODEL@URL`` without the secrets of the URL."""
        return f"{self.model}@{mask_url(self.url)}"


def parse_endpoint_name(text: str, *, option: str) -> EndpointName | None:
    """Return the parts of ``openai:MODEL@URL``; None where the text begins otherwise.

    The model ends at the first ``@`` that a URL follows, and may contain slashes and other ``@``.
    Raises UserError, which names the ``option``, where model or URL is missing or wrong.
    """
    kind, _, rest = text.strip().partition(":")
    if kind.strip().lower() != PREFIX:
        return None
    match = _NAME.fullmatch(rest)
    if match is None:
        raise UserError(
            f"{option} is {mask_name(text)}, which lacks a model or a URL. Write "
            f"{option}=openai:MODEL@URL, such as openai:gpt-4o@https://api.openai.com/v1."
        )
    if why := describe_url_fault(match["url"]):
        raise UserError(f"{option} is {mask_name(text)}, whose URL {why}.")
    return EndpointName(model=match["model"], url=match["url"])


def mask_url(url: str) -> str:
    """Return a URL without its secrets."""
    return redact(url, *find_secrets(url))


def mask_name(text: str) -> str:
    """Return the value of an option in quotes, without the secrets of a URL in it."""
    secrets = find_secrets(text[max(text.find("http"), 0) :])
    return repr(redact(text, *secrets))


def describe_url_fault(url: str) -> str | None:
    """Return what is wrong with a URL; None if it is valid."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "cannot be read; is its port a number up to 65535?"
    if not parts.hostname or any(character.isspace() for character in url):
        return "names no server, or holds a blank"
    return "has port 0" if port == 0 else None
