"""Remove secrets from text before it is written or printed.

A secret is recognised by its position (``user:password@`` in a URL, a key-like query parameter, an
``Authorization`` header), by its shape (``sk-...``), or because the caller passes it.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

MASK = "***"
"""Replaces a secret."""
_NAME_WORDS = frozenset(
    {
        "key", "token", "sig", "signature", "code", "secret", "password", "passwd", "passphrase",
        "pwd", "pass", "auth", "authorization", "authentication", "credential", "credentials",
        "jwt", "bearer", "sas", "session", "sid", "otp", "pin", "cookie",
    }
)  # fmt: skip
"""Words in a parameter's name that make its value a secret: ``api_key``, ``X-Amz-Signature``."""
_NAME_ENDINGS = ("key", "token", "secret", "password", "passwd", "signature", "credential", "auth")
"""Endings of such names written as one word: ``apikey``, ``accesstoken``."""
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE)
_USERINFO = re.compile(
    r"""(?P<scheme>[a-z][a-z0-9+.-]*://)
    (?: [^\s/?#"<>]*                                 # as RFC 3986 has it
    |   [^\s/?#@:"<>]*:(?!\d+(?:[/?\#]|$))[^\s"<>]*  # a password with a slash that was not quoted
    )@""",
    re.IGNORECASE | re.VERBOSE,
)
_PARAMETER = re.compile(
    r"""(?P<before>[?&;\#]|&amp;|\\u0026)(?P<name>[\w.\-\[\]%$]+)=(?P<value>[^&;\#\s"'<>\\]+)"""
)
_NAMED = re.compile(
    r"""(?P<before>\b(?:x[-_])?(?:api[-_ ]?key|access[-_ ]?key|access[-_ ]?token|auth[-_ ]?token|
    client[-_ ]?secret|token|secret|passw(?:or)?d)["']?\s*(?:=|:(?=\s*["']))\s*["']?)
    (?P<value>[^\s"'&;,<>()\[\]{}]+)""",
    re.IGNORECASE | re.VERBOSE,
)
"""``api_key=...`` and ``"token": "..."`` in a sentence or in JSON."""
_HEADER = re.compile(
    r"""(?P<before>\bauthorization["']?\s*[:=]\s*["']?(?:[a-z]+\s+)?)(?P<value>[^\s"',;]+)""",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<before>\bbearer\s+)(?P<value>(?=\S*\d)[\w.~+/=-]{6,})", re.IGNORECASE)
_SHAPES = re.compile(
    r"""\b(?: sk-[\w-]{8,}
    | (?:rk|pk|xai|gsk|hf|gh[oprsu]|github_pat|glpat|nvapi|r8|pplx|csk|fw|tgp)
      [-_](?=[\w-]*\d)[\w-]{16,}
    | AIza[\w-]{20,} | AKIA[0-9A-Z]{12,}
    | eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]* )""",
    re.VERBOSE,
)
"""API keys of well-known services, and JSON web tokens."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MIN_SUBSTRING_LENGTH = 4
"""Shorter secrets are replaced as whole words only, to leave other words intact."""


def redact(text: str, *secrets: str) -> str:
    """Return the text with MASK in place of every secret; idempotent.

    ``secrets`` are replaced wherever they occur, also percent-encoded or escaped.
    """
    encodings = {text for secret in secrets for text in _list_encodings(secret)}
    for encoding in sorted(encodings, key=_by_length):
        pattern = re.escape(encoding)
        text = re.sub(
            pattern if len(encoding) >= _MIN_SUBSTRING_LENGTH else rf"(?<!\w){pattern}(?!\w)",
            MASK,
            text,
        )
    text = _USERINFO.sub(rf"\g<scheme>{MASK}@", text)
    text = _PARAMETER.sub(_mask_parameter, text)
    for expression in (_HEADER, _BEARER, _NAMED):
        text = expression.sub(rf"\g<before>{MASK}", text)
    return _SHAPES.sub(MASK, text)


def find_secrets_in(text: str) -> Iterator[str]:
    """Yield the secrets that ``redact`` knows in a text by their place or shape."""
    for match in _URL.finditer(text):
        yield from find_secrets(match[0])
    for expression in (_HEADER, _BEARER, _NAMED):
        yield from (match["value"] for match in expression.finditer(text))
    yield from (match[0] for match in _SHAPES.finditer(text))


def find_secrets(url: str) -> frozenset[str]:
    """Return the secrets in a URL: its user info and the values of key-like parameters.

    A URL that cannot be parsed has none.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return frozenset()
    secrets = set()
    userinfo, separator, _ = parts.netloc.rpartition("@")
    if separator:
        user, colon, password = userinfo.partition(":")
        secrets |= {password if colon else user, userinfo}
        secrets.add(base64.b64encode(unquote(userinfo).encode()).decode())
    for query in (parts.query, parts.fragment):
        secrets |= {value for name, value in parse_qsl(query) if is_secret(name)}
    return frozenset(secrets | {unquote(secret) for secret in secrets}) - {""}


def is_secret(name: str) -> bool:
    """Return whether the value of a parameter with this name is a secret."""
    words = re.split(r"[\W_]+", _CAMEL.sub("_", unquote(name)).lower())
    return not _NAME_WORDS.isdisjoint(words) or any(word.endswith(_NAME_ENDINGS) for word in words)


def mask_values(tree: Any, *, distinct: bool = False) -> Any:
    """Return JSON with MASK in place of the texts whose names say that they are secrets.

    Numbers, truth values and null are none, whatever their name: ``thinking_token_budget``. With
    ``distinct``, four digits of a hash behind MASK differ where texts do, such as two values of
    ``stop_token``; they tell no more than 16 bits of a secret. In other texts, what ``redact``
    knows is masked.
    """
    if isinstance(tree, Mapping):
        return {
            name: (_mask_texts if is_secret(str(name)) else mask_values)(value, distinct=distinct)
            for name, value in tree.items()
        }
    if _is_list(tree):
        return [mask_values(value, distinct=distinct) for value in tree]
    if not isinstance(tree, str):
        return tree
    text = redact(tree)
    return text if text == tree else text + mask_text(tree, distinct=True) * distinct


def _mask_texts(tree: Any, *, distinct: bool) -> Any:
    """Return JSON with MASK in place of every text."""
    if isinstance(tree, Mapping):
        return {name: _mask_texts(value, distinct=distinct) for name, value in tree.items()}
    if _is_list(tree):
        return [_mask_texts(value, distinct=distinct) for value in tree]
    return mask_text(tree, distinct=distinct) if isinstance(tree, str) and tree else tree


def mask_text(text: str, *, distinct: bool) -> str:
    """Return MASK; if ``distinct``, with four digits of a hash of the text behind it."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{MASK}{digest[:4]}" if distinct else MASK


def _is_list(tree: Any) -> bool:
    return isinstance(tree, list | tuple)


def list_secret_values(tree: Any) -> Iterator[str]:
    """Yield the texts that ``mask_values`` replaces, those inside a replaced value included."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from _list_texts(value) if is_secret(str(name)) else list_secret_values(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from list_secret_values(value)
    elif isinstance(tree, str):
        yield from find_secrets_in(tree)


def _list_texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping | list):
        for value in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _list_texts(value)


def _mask_parameter(match: re.Match[str]) -> str:
    value = MASK if is_secret(match["name"]) else match["value"]
    return f"{match['before']}{match['name']}={value}"


def _list_encodings(secret: str) -> Iterator[str]:
    """Yield a secret as it is and as URLs, JSON and Python encode it."""
    yield from filter(
        None,
        (
            secret,
            quote(secret),
            quote(secret, safe=""),
            quote(secret, safe="").lower(),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            repr(secret)[1:-1],
        ),
    )


def _by_length(text: str) -> tuple[int, str]:
    return -len(text), text
