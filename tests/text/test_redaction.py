"""Secrets are nowhere in what is shown, and what is none is left alone."""

import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.text.redaction import MASK, find_secrets, redact

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=8, max_size=30)
"""Long enough to be in a text by no accident."""
ODD = st.text("abcXYZ0189-._~!$&'()*+,;=:@/?#%[] \"\\äß中", min_size=8, max_size=30).filter(
    lambda text: text == text.strip() and len(set(text)) > 3
)
NAMES = st.sampled_from(
    ["api_key", "apikey", "api-key", "key", "token", "sig", "code", "access_token", "accessToken",
     "X-Amz-Signature", "x-goog-signature", "client_secret", "password", "pwd", "auth", "APIKEY",
     "subscription-key", "Signature", "refresh_token", "jwt", "sessionToken", "authkey"]
)  # fmt: skip


@given(WORDS, st.text(max_size=30), st.text(max_size=30))
def test_a_named_secret_is_nowhere(secret: str, before: str, after: str) -> None:
    """Wherever it stands."""
    assert secret not in redact(before + secret + after, secret)


@given(ODD)
def test_a_named_secret_is_nowhere_in_any_writing(secret: str) -> None:
    """As it is, percent-encoded, in JSON and as Python shows it."""
    for form in (
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    ):
        assert form not in redact(f"<{form}>", secret)


@given(WORDS, ODD, NAMES, WORDS)
def test_what_a_url_keeps_secret_is_nowhere(
    user: str, password: str, name: str, value: str
) -> None:
    """User and password, and the values of key-like parameters, as they are and decoded."""
    query = urlencode({"api-version": "2024-10-21", name: value})
    url = f"https://{user}:{quote(password, safe='')}@host.example:8000/v1?{query}"
    for text in (url, f"--judge=openai:m@{url}", json.dumps({"url": url}), f"see <{url}>."):
        redacted = redact(text)
        assert value not in redacted
        assert quote(password, safe="") not in redacted
        assert user not in redacted
        assert "host.example:8000/v1?api-version=2024-10-21&" in redacted
    assert {password, value} <= find_secrets(url)
    redacted_echo = redact(f"{password} {value} {quote(password)}", *find_secrets(url))
    assert password not in redacted_echo
    assert value not in redacted_echo


@given(st.text(), st.lists(st.text(max_size=12), max_size=3))
def test_redaction_settles(text: str, secrets: list[str]) -> None:
    """Once is enough, and no text breaks it."""
    redacted = redact(text)
    assert redact(redacted) == redacted
    redact(text, *secrets)
    find_secrets(text)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("http://u:p@ss@word@host/v1", "ss@word"),
        ("http://me:with/slash@host/v1", "with/slash"),
        ("https://ghp_0123456789@github.com", "ghp_0123456789"),
        ("HTTPS://ME:HUNTER2@HOST", "HUNTER2"),
        ("https://h/v1?KEY=c0ffee", "c0ffee"),
        ("https://h/v1#access_token=c0ffee", "c0ffee"),
        ("https://h/v1?a=1&amp;sig=c0ffee", "c0ffee"),
        ("https://h/v1?a=1;token=c0ffee", "c0ffee"),
        ("Authorization: Bearer abcdef", "abcdef"),
        ("{'Authorization': 'Basic bWU6aA=='}", "bWU6aA=="),
        ('{"api_key": "c0ffee"}', "c0ffee"),
        ("invalid api_key=c0ffee.", "c0ffee"),
        ("python x.py --api-key=c0ffee", "c0ffee"),
        ("Incorrect API key provided: sk-proj-abcdef_ghijkl.", "abcdef"),
        ("use hf_abcdefghijklmnop0123", "abcdefghijklmnop"),
        ("bearer abc123def456", "abc123def456"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig_nature-0", "eyJzdWIiOiIxMjM0In0"),
    ],
)
def test_secrets_are_known_by_place_and_shape(text: str, secret: str) -> None:
    """None of these was named."""
    redacted = redact(text)
    assert secret not in redacted
    assert MASK in redacted


@pytest.mark.parametrize(
    "text",
    [
        "m@http://127.0.0.1:8431/v1",
        "m@https://api.openai.com/v1?api-version=2024-10-21&deployment=gpt-4o",
        "http://host:8000/v1/users/@me",
        "pytest --model=coin --batch-tokens=4096 --judge-rounds=5 -k light-shadow",
        "maximum context length is 4096 tokens, max_tokens=512",
        "error code=400, key: value, tokens: 12",
        "Unsupported value: 'temperature' does not support 0.7 with this model.",
        "You sent no API key. Basic authentication is required.",
        "me@example.com wrote to http://example.com, and you@example.com read it",
        "",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    """URLs, counts and mail addresses stay readable."""
    assert redact(text) == text


def test_a_short_secret_does_not_take_words_apart() -> None:
    """A key of one letter is masked where it stands alone."""
    assert redact("a cat, a", "a") == f"{MASK} cat, {MASK}"
    assert redact("abc", "") == "abc"
