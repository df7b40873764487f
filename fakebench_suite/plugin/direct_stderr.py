"""Lines for people while a case runs, when pytest has taken standard error away."""

import os
import sys
from contextlib import suppress
from functools import partial

import pytest

_STDERR = 2


class DirectStderr:
    """A copy of standard error that stays open, whatever pytest captures."""

    def __init__(self, config: pytest.Config) -> None:
        self._name = getattr(config, "workerinput", {}).get("workerid", "")
        self._stream = _copy_stderr()
        if self._stream != _STDERR:
            config.add_cleanup(partial(os.close, self._stream))

    @property
    def is_terminal(self) -> bool:
        """Whether a person may be looking."""
        return os.isatty(self._stream)

    def say(self, line: str) -> None:
        """Print a line, from any thread and from signal handlers; a worker gives its name."""
        where = f"{self._name}: " if self._name else ""
        with suppress(OSError):
            os.write(self._stream, f"\n{where}{line}\n".encode())


def _copy_stderr() -> int:
    """A copy of standard error; itself where there is none to copy."""
    try:
        return os.dup(sys.__stderr__.fileno()) if sys.__stderr__ else _STDERR
    except (OSError, ValueError):
        return _STDERR


DIRECT_STDERR = pytest.StashKey[DirectStderr]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Copy standard error while it is there."""
    config.stash[DIRECT_STDERR] = DirectStderr(config)
