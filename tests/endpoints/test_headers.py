"""Values of headers are masked unless their names are known to be harmless."""

import pytest

from fakebench_suite.endpoints.address import parse_address
from fakebench_suite.endpoints.headers import (
    find_credentials,
    list_header_secrets,
    mask_headers,
)
from fakebench_suite.text.redaction import MASK


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("X-Extra", "Bearer PLAINMARK123456", "PLAINMARK123456"),
        ("X-Extra", "Bearer plainmark", "plainmark"),
        ("X-Upstream", "Bearer sk-abcdefghijkl", "sk-abcdefghijkl"),
        ("Authentication", "Bearer plainmark", "plainmark"),
        ("X-Upstream", "PLAINMARK123456", "PLAINMARK123456"),
        ("X-Upstream", "Basic bWU6aHVudGVyMg==", "bWU6aHVudGVyMg=="),
        ("X-Upstream", "https://me:hunter2hunter2@host/", "hunter2hunter2"),
        ("X-Upstream", "id=1; value=PLAINMARK123456", "PLAINMARK123456"),
        ("X-Api-Key", "plainmark", "plainmark"),
        ("Cookie", "session=plainmark; path=/", "plainmark"),
        ("User-Agent", "app/1.0 (Bearer PLAINMARK123456)", "PLAINMARK123456"),
    ],
)
def test_what_may_be_a_key_is_masked_and_a_secret(name: str, value: str, secret: str) -> None:
    """Whatever the header is called."""
    assert secret not in mask_headers({name: value})[name]
    address = parse_address("http://localhost/v1", headers={name: value})
    assert secret in address.secrets


@pytest.mark.parametrize("name", ["X-Route", "x-custom"])
def test_a_word_is_masked_in_the_manifest_only(name: str) -> None:
    """A model that is told to call it fake says so, too."""
    assert mask_headers({name: "authentic"}) == {name: MASK}
    assert list(list_header_secrets({name: "authentic"})) == []
    assert find_credentials({name: "authentic"}) is None


def test_headers_that_are_harmless_are_shown() -> None:
    """Which application asks, by which version of an interface, on which account."""
    headers = {
        "User-Agent": "gate/1.0 (20261129)", "anthropic-version": "2023-06-01",
        "HTTP-Referer": "https://example.com/", "X-Title": "gate", "Accept": "application/json",
        "OpenAI-Organization": "org-0123456789abcdef",
    }  # fmt: skip
    assert mask_headers(headers) == headers
    assert list(list_header_secrets(headers)) == []
    assert find_credentials(headers) is None


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"X-Title": "gate", "x-api-key": "plain"}, "x-api-key"),
        ({"X-Upstream": "Bearer plain"}, "X-Upstream"),
        ({"X-Upstream": "sk-abcdefghijkl"}, "X-Upstream"),
        ({"X-Route": "PLAINMARK123456"}, None),
    ],
)
def test_credentials_are_known_by_name_or_shape(headers: dict[str, str], name: str | None) -> None:
    """Another value may be any identifier."""
    assert find_credentials(headers) == name


def test_values_that_are_no_keys_are_told_apart_where_answers_depend_on_them() -> None:
    """As two routes are; a key may be changed."""
    routes, opaque, keys = (
        [mask_headers({"X-Route": value}, distinct=True)["X-Route"] for value in values]
        for values in (
            ("east", "west"),
            ("prod-east-2024", "prod-west-2025"),
            ("Bearer PLAINMARK1", "Bearer PLAINMARK2"),
        )
    )
    assert len(set(routes)) == len(set(opaque)) == 2
    assert keys == [MASK, MASK]
    assert not {"east", "west"} & set(routes)
