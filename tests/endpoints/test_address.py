"""What a server's address keeps secret."""

import pytest

from fakebench_suite.endpoints.address import parse_address


def test_secrets_are_found_wherever_a_request_has_them() -> None:
    """In headers, in cookies, and at any depth of the fields that a card adds."""
    address = parse_address(
        "http://localhost/v1",
        key_variable="FAKEBENCH_NO_SUCH_KEY",
        headers={"Authorization": "Bearer marked-1", "Cookie": "session=marked-2; path=/"},
        extra_body={
            "provider": {"api_key": "marked-3", "order": ["plain"]},
            "aws": [{"secret_access_key": "marked-4"}, {"credentials": {"id": "marked-5"}}],
        },
    )
    assert {f"marked-{number}" for number in range(1, 6)} <= set(address.secrets)
    assert "plain" not in address.secrets


@pytest.mark.parametrize(
    ("url", "key", "headers", "credentials"),
    [
        ("http://h/v1", None, {}, None),
        ("http://h/v1", "a-key", {}, "MY_KEY"),
        ("http://h/v1?v=2", "a-key", {"X-Api-Key": "b"}, "MY_KEY"),
        ("http://me:b@h/v1", "a-key", {}, "the user and password in the URL"),
        ("http://h/v1?api-key=b", None, {}, "the key in the URL"),
        ("http://h/v1", None, {"X-Api-Key": "b"}, "the header X-Api-Key of the card"),
        ("http://h/v1", "a-key", {"Authorization": "b"}, "the header Authorization of the card"),
        ("http://h/v1", None, {"X-Route": "PLAINMARK123456"}, None),
    ],
)
def test_where_the_key_of_a_request_comes_from(
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    key: str | None,
    headers: dict[str, str],
    credentials: str | None,
) -> None:
    """Fields of the body that may be secrets are no key of the server's."""
    if key is not None:
        monkeypatch.setenv("MY_KEY", key)
    address = parse_address(
        url, key_variable="MY_KEY", headers=headers, extra_body={"auth_token": "plainmark"}
    )
    assert address.credentials == credentials
    assert address.has_key is (credentials is not None)
    assert "plainmark" in address.secrets


def test_secrets_in_the_fields_of_a_card_are_known_by_their_shape() -> None:
    """Whatever the fields are called."""
    body = {"upstream": {"header": "sk-abcdefghijkl", "note": "as Bearer plain-123456"}, "n": [4]}
    secrets = parse_address("http://localhost/v1", extra_body=body).secrets
    assert {"sk-abcdefghijkl", "plain-123456"} <= set(secrets)


def test_words_of_fields_stay_in_replies() -> None:
    """A reply consists of the words of its schema; a key in a field is masked there, too."""
    body = {
        "guided_json": {"key_verdict": {"enum": ["authentic", "artificial"]}},
        "stop_token": "</answer>",
        "api_key": "PLAIN-MARK",
        "provider": {"access_token": "PLAINMARK"},
    }
    address = parse_address("http://me:artificial@host/v1", extra_body=body)
    assert {"authentic", "artificial", "</answer>", "PLAINMARK"} <= set(address.secrets)
    kept = {"PLAIN-MARK", "PLAINMARK", "artificial"}  # The last is a password, too.
    assert {"authentic", "</answer>"}.isdisjoint(address.reply_secrets)
    assert kept <= set(address.reply_secrets)


def test_a_short_part_of_a_cookie_is_no_secret() -> None:
    """Masked everywhere, it would be in each URL."""
    headers = {"Cookie": "session=PLAINMARK123456; path=/"}
    address = parse_address("http://host/v1", headers=headers)
    assert address.name == "http://host/v1"
    assert "PLAINMARK123456" in address.secrets
