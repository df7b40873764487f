"""Where a judge's server is, and what it is shown as a key."""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import openai

from fakebench_suite.errors import UserError
from fakebench_suite.text.redaction import find_secrets, redact

KEY_VARIABLE = "OPENAI_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server's URL in the parts that the client takes; no repr shows what is secret."""

    name: str
    """The URL as it is shown, with masks for secrets."""
    base: str = field(repr=False)
    """The URL without user, password and query."""
    query: Mapping[str, str] = field(repr=False)
    key: str | None = field(repr=False)
    headers: Mapping[str, str | openai.Omit] = field(repr=False)
    """Authorization, where it is not the key's: that of a user, or none at all."""
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def has_key(self) -> bool:
        """Whether the server is shown anything by which it can know the user."""
        return self.key is not None or bool(self.secrets)


def parse_address(url: str) -> Address:
    """The address behind a URL and OPENAI_API_KEY; raises UserError where the key can be none."""
    parts = urlsplit(url)
    key = load_key()
    userinfo, at, host = parts.netloc.rpartition("@")
    headers: dict[str, str | openai.Omit] = {}
    if at:
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
    """OPENAI_API_KEY, which servers on one's own machine seldom need; an empty one is none."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(
            f"{KEY_VARIABLE} holds a blank or another character that no key has. Set it to the key "
            "alone."
        )
    return key or None
