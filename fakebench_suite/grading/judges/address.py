"""The URL and the credentials of a judge's server."""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import openai

from fakebench_suite.errors import UserError
from fakebench_suite.text.redaction import find_secrets, redact

KEY_VARIABLE = "OPENAI_API_KEY"
"""Environment variable of the API key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The parts of a server's URL that the client needs; its repr shows no secrets."""

    name: str
    """The URL with masked secrets."""
    base: str = field(repr=False)
    """The URL without user, password and query."""
    query: Mapping[str, str] = field(repr=False)
    key: str | None = field(repr=False)
    headers: Mapping[str, str | openai.Omit] = field(repr=False)
    """The Authorization header if it is not the key's: basic authentication, or none."""
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def has_key(self) -> bool:
        """Whether requests carry any credentials."""
        return self.key is not None or bool(self.secrets)


def parse_address(url: str) -> Address:
    """Return the address for a URL and OPENAI_API_KEY; raises UserError if the key is invalid."""
    parts = urlsplit(url)
    key = load_key()
    userinfo, separator, host = parts.netloc.rpartition("@")
    headers: dict[str, str | openai.Omit] = {}
    if separator:
        token = base64.b64encode(unquote(userinfo).encode()).decode()
        headers["Authorization"] = f"Basic {token}"
        key = None
    elif key is None:
        headers["Authorization"] = openai.omit
    secrets = find_secrets(url) | ({key} if key else set())
    return Address(
        name=redact(url, *secrets),
        base=urlunsplit((parts.scheme, host, parts.path, "", "")),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        key=key,
        headers=headers,
        secrets=tuple(sorted(secrets)),
    )


def load_key() -> str | None:
    """Return OPENAI_API_KEY, or None if it is unset or empty; raises UserError if it is invalid."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(
            f"{KEY_VARIABLE} contains a blank or another invalid character. Set it to the key "
            "alone."
        )
    return key or None
