"""The URL and the credentials of a server."""

import base64
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import openai

from fakebench_suite.endpoints.environment import list_proxy_secrets
from fakebench_suite.endpoints.headers import find_credentials, list_header_secrets
from fakebench_suite.errors import UserError
from fakebench_suite.text.redaction import find_secrets, list_secret_values, redact

KEY_VARIABLE = "OPENAI_API_KEY"
"""Environment variable of the API key, where nothing names another."""
_WORD_OR_MARK = re.compile(r"[A-Za-z][a-z]*|<[^<>]*>")
"""A word of a language, or a mark such as ``</answer>``, which are no keys."""
FILE_SUFFIX = "_FILE"
"""Ends the name of the variable that names a file with the key, as secrets are mounted."""


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
    """Those of every request: an Authorization that is not the key's, or none, and those given."""
    secrets: tuple[str, ...] = field(repr=False)
    reply_secrets: tuple[str, ...] = field(repr=False)
    """Those that are masked in replies, too: not what is a word or a mark in a request's fields,
    such as those of a schema, which replies consist of."""
    key_variable: str = KEY_VARIABLE
    """The environment variable that the key is read from."""
    credentials: str | None = None
    """Where those of a request come from, in words; None where it has none."""

    @property
    def has_key(self) -> bool:
        """Whether requests carry any credentials."""
        return self.credentials is not None


def parse_address(
    url: str,
    *,
    key_variable: str = KEY_VARIABLE,
    headers: Mapping[str, str] | None = None,
    extra_body: Mapping[str, object] | None = None,
) -> Address:
    """Return the address for a URL, the key in an environment variable, and further headers.

    ``extra_body`` are fields of every request, which may hold secrets. Raises UserError if the key
    is invalid.
    """
    parts = urlsplit(url)
    key = load_key(key_variable)
    userinfo, separator, host = parts.netloc.rpartition("@")
    credentials: dict[str, str | openai.Omit] = {}
    if separator:
        token = base64.b64encode(unquote(userinfo).encode()).decode()
        credentials["Authorization"] = f"Basic {token}"
        key = None
    elif key is None:
        credentials["Authorization"] = openai.omit
    given = headers or {}
    fields = set(list_secret_values(dict(extra_body or {})))
    reply_secrets = find_secrets(url) | set(list_proxy_secrets()) | ({key} if key else set())
    reply_secrets |= _list_parts(list_header_secrets(given))
    reply_secrets |= _list_parts(value for value in fields if not _WORD_OR_MARK.fullmatch(value))
    secrets = reply_secrets | _list_parts(fields)
    return Address(
        name=redact(url, *secrets),
        base=urlunsplit((parts.scheme, host, parts.path, "", "")),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        key=key,
        headers={**credentials, **given},
        secrets=tuple(sorted(secrets)),
        reply_secrets=tuple(sorted(reply_secrets)),
        key_variable=key_variable,
        credentials=_describe_credentials(url, key, key_variable, given),
    )


def _list_parts(values: Iterable[str]) -> set[str]:
    """Values and the keys in them: "Bearer KEY" hides one, and so does "session=KEY; path=/"."""
    parts: set[str] = set()
    for value in values:
        parts |= {value, value.rpartition(" ")[2], *re.findall(r"=([^;\s]{4,})", value)}
    return parts - {""}


def _describe_credentials(
    url: str, key: str | None, key_variable: str, headers: Mapping[str, str]
) -> str | None:
    """Where the credentials of a request come from; None where it has none."""
    if "@" in urlsplit(url).netloc:
        return "the user and password in the URL"
    header = find_credentials(headers)
    if key is not None and (header is None or header.lower() != "authorization"):
        return key_variable
    if header is not None:
        return f"the header {header} of the card"
    return "the key in the URL" if find_secrets(url) else None


def load_key(variable: str = KEY_VARIABLE) -> str | None:
    """Return the key of an environment variable; None if it is unset or empty.

    Without one, the key is the content of the file that the variable of the same name with
    ``_FILE`` names. Raises UserError if that cannot be read, or the key is invalid.
    """
    key, source = os.environ.get(variable, "").strip(), variable
    place = os.environ.get(variable + FILE_SUFFIX, "").strip()
    if not key and place:
        source = f"The file of {variable}{FILE_SUFFIX}"
        try:
            key = Path(place).read_text(encoding="utf-8-sig").strip()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise UserError(
                f"{source}, {place}, cannot be read: {why}. Name a file that holds the key alone, "
                f"or set {variable}."
            ) from None
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(
            f"{source} contains a blank or another invalid character. Set it to the key alone."
        )
    return key or None
