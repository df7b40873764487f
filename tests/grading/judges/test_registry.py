"""Which judge ``--judge`` means."""

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.grading.judges.registry import MAX_ROUNDS, parse_judge


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("opnai:m@http://h/v1", "openai:MODEL@URL, transformers:NAME|PATH or embedding"),
        ("gpt-4o", "openai:MODEL@URL, transformers:NAME|PATH or embedding"),
        ("", "openai:MODEL@URL, transformers:NAME|PATH or embedding"),
        ("openai", "openai:MODEL@URL"),
        ("openai:m", "openai:MODEL@URL"),
        ("openai:@http://h/v1", "openai:MODEL@URL"),
        ("openai:m@h/v1", "openai:MODEL@URL"),
        ("openai:m@ftp://me:hunter2@h/v1", "openai:MODEL@URL"),
        ("openai:m@https://", "names no server"),
        ("openai:m@https://me:hunter2@/v1", "names no server"),
        ("openai:m@http://h /v1", "blank"),
        ("openai:m@http://me:hunter2@h:99999/v1", "port"),
        ("openai:m@http://h:port/v1?key=hunter2", "port"),
        ("openai:m@http://[::1/v1", "URL"),
        ("transformers:", "transformers:PATH"),
        ("embedding:other", "no model"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(text: str, expected: str) -> None:
    """What was wrong and what is allowed, without the password."""
    with pytest.raises(UserError) as exc_info:
        parse_judge(text, rounds=1)
    assert expected in str(exc_info.value)
    assert "hunter2" not in str(exc_info.value)


def test_a_choice_shows_no_secret() -> None:
    """Model and URL are split at the URL's beginning; name and repr hold masks."""
    choice = parse_judge(
        "openai:org/m@2024@https://me:p@ss@h:8000/v1?code=c0ffee&api-version=1", rounds=2
    )
    assert choice.model == "org/m@2024"
    assert choice.url == "https://me:p@ss@h:8000/v1?code=c0ffee&api-version=1"
    assert choice.name == "org/m@2024@https://***@h:8000/v1?code=***&api-version=1"
    for secret in ("p@ss", "c0ffee"):
        assert secret not in f"{choice} {choice!r} {choice.name}"


def test_rounds_have_a_bound() -> None:
    """All rounds of some texts are held at once."""
    with pytest.raises(UserError, match="it may be 1 to"):
        parse_judge("transformers:x", rounds=MAX_ROUNDS + 1)
