"""The provenance of a run: the suite's commit, and the command line without secrets."""

import os
import re
import subprocess
from pathlib import Path

import fakebench_suite
from fakebench_suite.text import redaction

_OPTION = re.compile(
    r"(?i)(--?[\w-]*(?:key|token(?!s)|secret|password|credential)[\w-]*(?:=|\s+))\S+"
)
"""An option whose name suggests a secret; --batch-tokens is excluded."""
_VARIABLE = re.compile(r"(?i)(key|token|secret|password)$")
_MIN_SECRET_LENGTH = 8
"""Shortest value of a variable that is redacted; shorter ones occur in other words."""


def redact(text: str) -> str:
    """The command line with asterisks in place of secrets.

    Secrets are users and passwords in URLs, and the values of query parameters, options and
    environment variables whose names suggest a key.
    """
    values = (value for name, value in os.environ.items() if _VARIABLE.search(name))
    secrets = (value for value in values if len(value) >= _MIN_SECRET_LENGTH)
    return redaction.redact(_OPTION.sub(rf"\g<1>{redaction.MASK}", text), *secrets)


def find_commit(root: Path = Path(fakebench_suite.__file__).parents[1]) -> str | None:
    """The commit of the suite's checkout, with ``+dirty`` if a tracked file was changed.

    None if the suite is installed or there is no git. Nothing in the checkout is written or locked.
    """
    if not (root / ".git").exists():
        return None
    try:
        commit = _ask_git(root, "describe", "--always", "--exclude=*")
        changed = _ask_git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}+dirty" if commit and changed else commit or None


def _ask_git(root: Path, *words: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(root), *words]
    process = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603  # fixed words
    return process.stdout.strip()
