"""Errors of servers in words."""

import json

import pytest

from fakebench_suite.endpoints.failures import parse_error_message


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (json.dumps({"error": {"message": "one image at most"}}), "failed: one image at most"),
        (json.dumps({"code": "x", "error": "one image at most"}), "failed: one image at most"),
        ("upstream timed out", "failed: upstream timed out"),
        ('{"code": 7}', 'failed: {"code": 7}'),
        (" ", "failed"),
        (None, "failed"),
    ],
)
def test_what_a_provider_said_is_told(raw: object, message: str) -> None:
    """OpenRouter has it, as it was sent, beside a message that says nothing of it."""
    error = {"message": "failed", "code": 400, "metadata": {"raw": raw, "provider_name": "X"}}
    assert parse_error_message({"error": error}) == message
