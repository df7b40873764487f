"""A command line is kept without its secrets."""

import os
import subprocess
from pathlib import Path

import pytest

from fakebench_suite.runs.commit_and_command import find_commit, redact


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_secrets_are_starred(text: str, expected: str) -> None:
    """Users, passwords and what is named like a key; nothing else."""
    assert redact(text) == expected


def test_what_stands_in_the_environment_is_starred(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it was written."""
    monkeypatch.setenv("OTHER_API_KEY", "sk-0123456789")
    assert redact("openai:m@http://h/sk-0123456789/v1") == "openai:m@http://h/***/v1"


@pytest.mark.process
def test_the_commit_is_that_of_the_suite() -> None:
    """Short, with a mark where a tracked file was changed; None where it is no checkout."""
    commit = find_commit()
    assert commit is None or len(commit.removesuffix("+dirty")) >= 7


@pytest.mark.process
def test_a_commit_is_found_without_a_lock(tmp_path: Path) -> None:
    """The index stays as it is, and a lock that somebody else holds is no obstacle."""

    def git(*words: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, "-C", str(tmp_path), *words]
        subprocess.run(command, check=True, capture_output=True)  # fixed words

    git("init")
    (tmp_path / "a").write_text("1", encoding="utf-8")
    git("add", "a")
    git("commit", "-m", "a")
    os.utime(tmp_path / "a", (1, 1))
    index = tmp_path / ".git" / "index"
    before = index.read_bytes()
    (tmp_path / ".git" / "index.lock").touch()
    commit = find_commit(tmp_path)
    assert commit is not None
    assert "dirty" not in commit
    assert index.read_bytes() == before
    (tmp_path / "a").write_text("2", encoding="utf-8")
    assert find_commit(tmp_path) == f"{commit}+dirty"
