"""Waiting for a model: a line now and then, and an end where it takes longer than allowed."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from operator import itemgetter

import pytest

from fakebench_suite.execution.engine import CaseTimeoutError
from fakebench_suite.plugin.direct_stderr import DIRECT_STDERR
from fakebench_suite.plugin.engines import RAY, has_vllm_replicas
from fakebench_suite.plugin.immediate_exit import exit_at_once
from fakebench_suite.plugin.interrupts import INTERRUPTS
from fakebench_suite.plugin.options import is_worker, parse_positive_seconds

FIRST = 60.0
"""Seconds of silence before the first line; the next comes after twice the time, and so on."""
GRACE = 10.0
"""Seconds in which the main thread is to come back from the model and close the run."""
HUNG = 70
"""The status of a worker that ends itself: the model in it does not come back."""


_End = Callable[[threading.Event, str], None]
"""Ends a wait, given what says that it is over and what is waited for."""


class ModelWatchdog:
    """Watches the waits of one process from a thread of its own, as a model may never come back.

    A work unit may take ``unit`` seconds in all; what takes longer ends this worker or the run. It
    may also take ``case`` seconds for each of its prompts; then the wait ends with a
    CaseTimeoutError, and the run goes on.
    """

    def __init__(self, config: pytest.Config, *, unit: float | None, case: float | None) -> None:
        self._config, self._unit, self._case = config, unit, case
        self._stderr = config.stash[DIRECT_STDERR]
        self._lock = threading.Lock()

    @contextmanager
    def wait(self, what: str, limited: "tuple[float, _End] | None" = None) -> Generator[None]:
        """Say now and then that ``what`` is waited for, and end the wait after so many seconds."""
        over = threading.Event()
        watch = threading.Thread(
            target=self._watch, args=(over, what, limited), name="fakebench-waiting", daemon=True
        )
        watch.start()
        try:
            yield
        finally:
            with self._lock:  # Nothing is raised here once the wait is over.
                over.set()

    @contextmanager
    def wait_for_prompts(
        self, prompts: int, *, limits_units: bool, limits_prompts: bool
    ) -> Generator[None]:
        """Watch the wait for prompts; the flags say which limits are enforced here.

        The others are enforced by the engine or the backend.
        """
        limits: list[tuple[float, _End]] = []
        if limits_units and self._unit is not None:
            limits.append((self._unit, self._end))
        if limits_prompts and self._case is not None:
            limits.append((self._case * prompts, partial(self._end_wait, prompts)))
        limit = min(limits, key=itemgetter(0), default=None)
        with self.wait("1 prompt" if prompts == 1 else f"{prompts:,} prompts", limit):
            yield

    def _watch(
        self, over: threading.Event, what: str, limited: "tuple[float, _End] | None"
    ) -> None:
        limit, end = limited or (None, self._end)
        started, due = time.monotonic(), FIRST
        while True:
            now = time.monotonic() - started
            pause = due - now if limit is None else min(due, limit) - now
            if over.wait(max(0.0, pause)):
                return
            now = time.monotonic() - started
            if limit is not None and now >= limit:
                end(over, what)
                return
            if now >= due:
                self._stderr.say(f"waiting for the model: {what} since {now:.0f} s")
                due *= 2

    def _end(self, over: threading.Event, what: str) -> None:
        """End this worker, or the run, because a work unit takes too long."""
        reason = f"The model did not answer within --unit-timeout={self._unit:g}: {what}."
        if is_worker(self._config):
            self._stderr.say(f"{reason} This worker ends, and another one is asked.")
            exit_at_once(HUNG)
        self._interrupt(over, KeyboardInterrupt(reason), reason)

    def _end_wait(self, prompts: int, over: threading.Event, what: str) -> None:
        """End the wait only: which of several prompts takes too long is found out one by one."""
        limit = f"--case-timeout={self._case:g}"
        reason = f"no answer within {limit}"
        if prompts > 1:
            self._stderr.say(
                f"{what} took longer than {limit} allows for all of them; each is asked alone."
            )
        self._interrupt(
            over, CaseTimeoutError(reason), f"The model gave {what} {reason} and cannot be stopped."
        )

    def _interrupt(self, over: threading.Event, error: BaseException, reason: str) -> None:
        """Have the main thread leave the model; where it does not, end this process."""
        interrupts = self._config.stash.get(INTERRUPTS, None)
        if interrupts is not None and interrupts.can_raise:
            with self._lock:
                if over.is_set():
                    return
                interrupts.raise_in_main_thread(error)
            if over.wait(GRACE):
                return
        if is_worker(self._config):
            self._stderr.say(f"{reason} This worker ends, and another one is asked.")
            exit_at_once(HUNG)
        self._stderr.say(
            f"{reason} It does not come back; what was recorded is kept, without scores."
        )
        exit_at_once(pytest.ExitCode.INTERRUPTED)


WATCHDOG = pytest.StashKey[ModelWatchdog]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options to the group ``fakebench``."""
    group = parser.getgroup("fakebench")
    group.addoption(
        "--case-timeout",
        type=parse_positive_seconds,
        metavar="SECONDS",
        help="how long the model may take over one prompt: a prompt that takes longer is a model"
        " error, and the run goes on (default: no limit)",
    )
    group.addoption(
        "--unit-timeout",
        type=parse_positive_seconds,
        metavar="SECONDS",
        help="how long the model may take over prompts that are answered together, 64 and more:"
        " what takes longer is asked of another worker or replica, and ends a run that has none"
        " (default: no limit)",
    )
    group.addoption(
        "--run-timeout",
        type=parse_positive_seconds,
        metavar="SECONDS",
        help="how long cases may be asked: after it what is in flight is recorded and the run"
        " stops, to be resumed (default: no limit)",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Watch from here on; raises UsageError where the engine cannot limit single cases."""
    option = config.option
    limited = option.case_timeout is not None and option.engine == RAY
    if limited and not has_vllm_replicas(config):
        raise pytest.UsageError(
            "--case-timeout does not reach the replicas of --engine=ray, which answer many prompts "
            "together. Give --unit-timeout, or --replica-engine=vllm, or leave --engine out."
        )
    config.stash[WATCHDOG] = ModelWatchdog(
        config, unit=option.unit_timeout, case=option.case_timeout
    )
