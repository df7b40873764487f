"""Interrupts: Ctrl-C once closes the run, twice ends it at once; SIGTERM does the same.

Schedulers and CI send SIGTERM to a job that is cancelled or out of time.
"""

import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import pytest

from fakebench_suite.plugin.collection import will_run_cases
from fakebench_suite.plugin.options import SETTINGS, is_worker

_Handler = Callable[[int, FrameType | None], Any] | signal.Handlers
_DEFAULTS: dict[signal.Signals, _Handler] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""What is replaced; a signal that is ignored, or handled by somebody else, is left alone."""


class Interrupts:
    """Counts the interrupts of a session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._count = 0
        self._reason = ""
        self._replaced: list[signal.Signals] = []

    def end(self, reason: str) -> None:
        """Have the main thread end the run in this sentence, as if it had been interrupted."""
        self._reason = reason
        signal.pthread_kill(threading.main_thread().ident or 0, self._replaced[0])

    @property
    def can_end(self) -> bool:
        """Whether ``end`` reaches the main thread."""
        return bool(self._replaced) and hasattr(signal, "pthread_kill")

    @contextmanager
    def handle(self) -> Generator[None]:
        """Handle the signals while the block runs."""
        if threading.current_thread() is threading.main_thread():
            for number, default in _DEFAULTS.items():
                if signal.getsignal(number) is default:
                    signal.signal(number, self._handle)
                    self._replaced.append(number)
        try:
            yield
        finally:
            for number in self._replaced:
                signal.signal(number, _DEFAULTS[number])
            self._replaced.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._count += 1
        if self._count > 1:
            self._leave()
        # Not pytest.exit: it raises an Exception, which the code of a model may catch.
        raise KeyboardInterrupt(*filter(None, [self._reason]))

    def _leave(self) -> None:
        """End this process and its workers at once; every record is on disk."""
        session = self._config.pluginmanager.get_plugin("dsession")
        gateways = session.nodemanager.group if session and session.nodemanager else ()
        for gateway in gateways:
            popen = getattr(getattr(gateway, "_io", None), "popen", None)
            if popen is not None:
                with suppress(OSError):
                    popen.kill()
        with suppress(OSError, ValueError):
            folder = shlex.quote(str(self._config.stash[SETTINGS].folder))
            sys.stderr.write(
                "\nInterrupted twice: what was recorded is kept, without scores. "
                f"--resume={folder} goes on.\n"
            )
            sys.stderr.flush()
        os._exit(pytest.ExitCode.INTERRUPTED)


INTERRUPTS = pytest.StashKey[Interrupts]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Handle the signals as long as cases are run; workers are ended by their controller."""
    if is_worker(config) or not will_run_cases(config):
        return (yield)
    config.stash[INTERRUPTS] = Interrupts(config)
    with config.stash[INTERRUPTS].handle():
        try:
            return (yield)
        except KeyboardInterrupt:  # It came where pytest heeds none.
            return pytest.ExitCode.INTERRUPTED
