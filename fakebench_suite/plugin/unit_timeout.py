"""Waiting for a model: a line now and then, and an end where it takes longer than allowed."""

import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from fakebench_suite.plugin.interrupts import INTERRUPTS
from fakebench_suite.plugin.options import is_worker

FIRST = 60.0
"""Seconds of silence before the first line; the next comes after twice the time, and so on."""
GRACE = 10.0
"""Seconds in which the main thread is to come back from the model and close the run."""
_STDERR = 2
HUNG = 70
"""The status of a worker that ends itself: the model in it does not come back."""


class Waiting:
    """Watches the waits of one process from a thread of its own.

    A thread, because a model may never come back; and a copy of standard error, because pytest has
    taken the streams away while a case runs.
    """

    def __init__(self, config: pytest.Config, limit: float | None) -> None:
        self._config, self._limit = config, limit
        self._name = getattr(config, "workerinput", {}).get("workerid", "")
        self._stream = _copy_stderr()
        if self._stream != _STDERR:
            config.add_cleanup(partial(os.close, self._stream))

    @contextmanager
    def wait(self, what: str, *, limited: bool) -> Generator[None]:
        """Say now and then that ``what`` is waited for, and end the wait where it is limited."""
        over = threading.Event()
        limit = self._limit if limited else None
        watch = threading.Thread(
            target=self._watch, args=(over, what, limit), name="fakebench-waiting", daemon=True
        )
        watch.start()
        try:
            yield
        finally:
            over.set()

    def _watch(self, over: threading.Event, what: str, limit: float | None) -> None:
        started, due = time.monotonic(), FIRST
        while True:
            now = time.monotonic() - started
            pause = due - now if limit is None else min(due, limit) - now
            if over.wait(max(0.0, pause)):
                return
            now = time.monotonic() - started
            if limit is not None and now >= limit:
                self._end(over, what, limit)
                return
            if now >= due:
                self._say(f"waiting for the model: {what} since {now:.0f} s")
                due *= 2

    def _end(self, over: threading.Event, what: str, limit: float) -> None:
        reason = f"The model did not answer within --unit-timeout={limit:g}: {what}."
        if is_worker(self._config):
            self._say(f"{reason} This worker ends, and another one is asked.")
            os._exit(HUNG)
        interrupts = self._config.stash.get(INTERRUPTS, None)
        if interrupts is not None and interrupts.can_end:
            interrupts.end(reason)
            if over.wait(GRACE):
                return
        self._say(f"{reason} It does not come back; what was recorded is kept, without scores.")
        os._exit(pytest.ExitCode.INTERRUPTED)

    def _say(self, line: str) -> None:
        where = f"{self._name}: " if self._name else ""
        with suppress(OSError):
            os.write(self._stream, f"\n{where}{line}\n".encode())


def _copy_stderr() -> int:
    """A copy of standard error that stays open; itself where there is none to copy."""
    try:
        return os.dup(sys.__stderr__.fileno()) if sys.__stderr__ else _STDERR
    except (OSError, ValueError):
        return _STDERR


WAITING = pytest.StashKey[Waiting]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option to the group ``fakebench``."""
    parser.getgroup("fakebench").addoption(
        "--unit-timeout",
        type=float,
        metavar="SECONDS",
        help="how long the model may take over prompts that are answered together, 64 and more:"
        " what takes longer is asked of another worker or replica, and ends a run that has none"
        " (default: no limit)",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Watch from here on; raises UsageError where the limit is none."""
    limit = config.option.unit_timeout
    if limit is not None and not limit > 0:
        raise pytest.UsageError(
            f"--unit-timeout is {limit:g}; it must be a number of seconds above 0."
        )
    config.stash[WAITING] = Waiting(config, limit)
