"""What a server's address keeps secret."""

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
