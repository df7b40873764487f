"""Secrets are left out of whatever is written or printed.

A secret is known by its place (``user:password@`` in a URL, a key-like query parameter, an
``Authorization`` header), by its shape (``sk-...``), or because the caller names it.
"""

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

MASK = "***"
_NAME_WORDS = frozenset(
    {
        "key", "token", "sig", "signature", "code", "secret", "password", "passwd", "passphrase",
        "pwd", "pass", "auth", "authorization", "credential", "credentials", "jwt", "bearer",
        "sas", "session", "sid", "otp", "pin",
    }
)  # fmt: skip
"""Words of a parameter's name by which its value is a secret: ``api_key``, ``X-Amz-Signature``."""
_NAME_ENDINGS = ("key", "token", "secret", "password", "passwd", "signature", "credential", "auth")
"""Ends of names that are written in one word: ``apikey``, ``accesstoken``."""
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
"""Keys of well-known services, and signed web tokens."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MIN_SUBSTRING_LENGTH = 4
"""Secrets below this length are replaced as whole words only; within words they mean nothing."""


def redact(text: str, *secrets: str) -> str:
    """``text`` with MASK in place of every secret; redacting it again changes nothing.

    ``secrets`` are replaced wherever they stand, percent-encoded or escaped ones included.
    """
    for form in sorted({form for one in secrets for form in _list_encodings(one)}, key=_by_length):
        pattern = re.escape(form)
        text = re.sub(
            pattern if len(form) >= _MIN_SUBSTRING_LENGTH else rf"(?<!\w){pattern}(?!\w)",
            MASK,
            text,
        )
    text = _USERINFO.sub(rf"\g<scheme>{MASK}@", text)
    text = _PARAMETER.sub(_mask_parameter, text)
    for place in (_HEADER, _BEARER, _NAMED):
        text = place.sub(rf"\g<before>{MASK}", text)
    return _SHAPES.sub(MASK, text)


def find_secrets(url: str) -> frozenset[str]:
    """What a URL holds that must be shown nowhere: passwords and values of key-like parameters."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return frozenset()
    found = set()
    userinfo, at, _ = parts.netloc.rpartition("@")
    if at:
        user, colon, password = userinfo.partition(":")
        found |= {password if colon else user, userinfo}
        found.add(base64.b64encode(unquote(userinfo).encode()).decode())
    for query in (parts.query, parts.fragment):
        found |= {value for name, value in parse_qsl(query) if is_secret(name)}
    return frozenset(found | {unquote(one) for one in found}) - {""}


def is_secret(name: str) -> bool:
    """Whether a parameter of this name holds a secret."""
    words = re.split(r"[\W_]+", _CAMEL.sub("_", unquote(name)).lower())
    return not _NAME_WORDS.isdisjoint(words) or any(word.endswith(_NAME_ENDINGS) for word in words)


def _mask_parameter(match: re.Match[str]) -> str:
    value = MASK if is_secret(match["name"]) else match["value"]
    return f"{match['before']}{match['name']}={value}"


def _list_encodings(secret: str) -> Iterator[str]:
    """A secret as it stands, and as URLs, JSON and Python write it."""
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


def _by_length(form: str) -> tuple[int, str]:
    return -len(form), form
