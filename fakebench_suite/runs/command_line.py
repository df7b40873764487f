"""Where a run comes from: the suite's commit, and its command line without secrets."""

import os
import re
import subprocess
from pathlib import Path

import fakebench_suite
from fakebench_suite.text import redaction

_OPTION = re.compile(
    r"(?i)(--?[\w-]*(?:key|token(?!s)|secret|password|credential)[\w-]*(?:=|\s+))\S+"
)
"""An option that is named like a key; --batch-tokens is none."""
_VARIABLE = re.compile(r"(?i)(key|token|secret|password)$")
_SHORTEST = 8
"""Characters of a variable's value that is looked for: shorter ones stand in other words too."""


def redact(text: str) -> str:
    """A command line with everything that looks like a secret replaced by asterisks.

    These are users and passwords in URLs, values of query parameters and options that are named
    like keys, and the values of environment variables that are.
    """
    values = (value for name, value in os.environ.items() if _VARIABLE.search(name))
    secrets = (value for value in values if len(value) >= _SHORTEST)
    return redaction.redact(_OPTION.sub(rf"\g<1>{redaction.MASK}", text), *secrets)


def find_commit(root: Path = Path(fakebench_suite.__file__).parents[1]) -> str | None:
    """The commit of the checkout this suite runs from, ``+dirty`` where a tracked file was changed.

    None where it is installed or there is no git. Nothing is written or locked in the checkout, so
    that nobody's git waits for a run.
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
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603  # fixed words
    return found.stdout.strip()
