"""A command line is kept without its secrets."""

import pytest

from fakebench_suite.runs.provenance import find_commit, redact


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("--judge=openai:m@https://u:p@ss@host/v1", "--judge=openai:m@https://***@host/v1"),
        ("openai:m@https://host/v1?api_key=abc&x=1", "openai:m@https://host/v1?api_key=***&x=1"),
        ("http://host/?x=1&Signature=a%2Fb", "http://host/?x=1&Signature=***"),
        ("http://host/v1?access_token=t", "http://host/v1?access_token=***"),
        ("--judge-key=abc --model=m", "--judge-key=*** --model=m"),
        ("--api-key abc", "--api-key ***"),
        ("--batch-tokens 500 --batch-tokens=500", "--batch-tokens 500 --batch-tokens=500"),
        (
            "--judge=openai:a@b@http://h:80/v1 -k 'a or b'",
            "--judge=openai:a@b@http://h:80/v1 -k 'a or b'",
        ),
    ],
)
def test_secrets_are_starred(text: str, kept: str) -> None:
    """Users, passwords and what is named like a key; nothing else."""
    assert redact(text) == kept


def test_what_stands_in_the_environment_is_starred(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it was written."""
    monkeypatch.setenv("OTHER_API_KEY", "sk-0123456789")
    assert redact("openai:m@http://h/sk-0123456789/v1") == "openai:m@http://h/***/v1"


def test_the_commit_is_that_of_the_suite() -> None:
    """Short, with a mark where a tracked file was changed; None where it is no checkout."""
    commit = find_commit()
    assert commit is None or len(commit.removesuffix("+dirty")) >= 7
