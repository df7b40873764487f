"""Interrupts: Ctrl-C once stops the run, twice ends it at once; SIGTERM does the same.

After the first, no prompt is sent any more, what is in flight is waited for, recorded and scored,
and ``--resume`` asks the rest. Schedulers and CI send SIGTERM to a job that is cancelled or out of
time, and kill it soon after.
"""

import os
import shlex
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import pytest

from fakebench_suite.execution.runner import CaseRunner
from fakebench_suite.plugin.collection import will_run_cases
from fakebench_suite.plugin.direct_stderr import DIRECT_STDERR
from fakebench_suite.plugin.immediate_exit import exit_at_once
from fakebench_suite.plugin.options import SETTINGS, is_worker
from fakebench_suite.text.display import count_of

PATIENT_S, HASTY_S = 30.0, 5.0
"""Seconds from one answer or record to the next after the first interrupt, at a terminal and where
there is none, as a cancelled job is killed soon (by GitHub after 7.5 s, by Docker after 10 s)."""
MARGIN_S = 2.5
"""Seconds before that at which replies that have not arrived are given up, so that all others can
be recorded."""
_LIMIT = "fakebench_seconds_to_wait"
"""What the controller tells its workers, which know of no terminal."""
_INTERRUPTED = "what was answered is recorded, and --resume asks the rest."
_Handler = Callable[[int, FrameType | None], Any] | signal.Handlers
_DEFAULTS: dict[signal.Signals, _Handler] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""What is replaced; a signal that is ignored, or handled by somebody else, is left alone."""


class Interrupts:
    """Counts the interrupts of a session, and stops what asks cases in this process."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._count = 0
        self._pending: deque[BaseException] = deque()
        """What the next signals raise in the main thread, sent by this process itself."""
        self._replaced: list[signal.Signals] = []
        self.runner: CaseRunner | None = None
        """What asks cases in this process, once the first has asked."""
        self._in_loop = False
        """Whether tests are run, which can be left out one by one."""

    def raise_in_main_thread(self, error: BaseException) -> None:
        """Interrupt whatever the main thread does with an error."""
        self._pending.append(error)
        signal.pthread_kill(threading.main_thread().ident or 0, self._replaced[0])

    @property
    def can_raise(self) -> bool:
        """Whether ``raise_in_main_thread`` reaches the main thread."""
        return bool(self._replaced) and hasattr(signal, "pthread_kill")

    def follow(self, runner: CaseRunner) -> None:
        """Stop this runner at an interrupt; at once, if one came while the model was loaded."""
        self.runner = runner
        if self._count:
            runner.stop(_INTERRUPTED, judge=True)

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

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Know when tests are run."""
        self._in_loop = True
        try:
            return (yield)
        finally:
            self._in_loop = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._pending:
            raise self._pending.popleft()
        self._count += 1
        if is_worker(self._config):  # The controller, which may be signalled too, ends its workers.
            if self.runner is not None:
                self.runner.stop(_INTERRUPTED, judge=True)
                self._limit_wait(self.runner)
            return
        if self._count > 1:
            self._leave()
        if not self._in_loop or not self._stop():
            # Not pytest.exit: it raises an Exception, which the code of a model may catch.
            raise KeyboardInterrupt

    def _stop(self) -> bool:
        """Stop asking, here or in the workers, and wait; False if nothing asks yet."""
        session = self._config.pluginmanager.get_plugin("dsession")
        if self.runner is not None:
            self.runner.stop(_INTERRUPTED, judge=True)
            sent = self.runner.requests_in_flight
            number = self.runner.in_flight if sent is None else sent
            waited = f"{count_of(number, 'prompt')} in flight" if number else "what was answered"
        elif session is not None and session.sched is not None:
            if not session.sched.collection_is_completed:
                return False
            session.shouldstop = session.shouldstop or _INTERRUPTED
            for process in self._list_workers():
                with suppress(OSError):
                    os.kill(process.pid, signal.SIGINT)
            waited = "what the workers have in flight"
        else:
            return False
        stderr, limit = self._config.stash[DIRECT_STDERR], choose_limit(self._config)
        long = f"{limit:g} s from one answer to the next"
        if self.runner is None:
            long = f"{limit - MARGIN_S:g} s"
        stderr.say(
            f"Interrupted: waiting for {waited}, up to {long}. "
            "A second interrupt ends the run at once."
        )
        watch = threading.Thread(target=self._watch, args=(limit,), daemon=True)
        watch.start()
        return True

    def _limit_wait(self, runner: CaseRunner) -> None:
        """In a worker, give up soon what does not arrive.

        The controller sees what is recorded, and nothing of what arrives before that.
        """
        if self._count > 1:
            return
        limit = self._config.workerinput[_LIMIT] - MARGIN_S  # type: ignore[attr-defined]
        timer = threading.Timer(limit, runner.run_stop.give_up)
        timer.daemon = True
        timer.start()

    def _watch(self, limit: float) -> None:
        """End the wait where nothing arrives and nothing is recorded for so long.

        A little before, what does not arrive is given up, so that the wait ends by itself.
        """
        state, since, gave_up = self._get_state(), time.monotonic(), False
        while time.monotonic() - since < limit:
            time.sleep(0.1)
            if not self._in_loop:
                return
            if (now := self._get_state()) != state:
                state, since = now, time.monotonic()
            late = time.monotonic() - since >= limit - MARGIN_S
            if late and not gave_up and self.runner is not None:
                self.runner.run_stop.give_up()
                gave_up = True
        if self.can_raise:
            self.raise_in_main_thread(
                KeyboardInterrupt(f"what was in flight did not come back within {limit:g} s")
            )
            for process in self._list_workers():  # xdist would wait for each of them once more.
                with suppress(OSError):
                    process.kill()

    def _get_state(self) -> tuple[object, ...]:
        """What changes with every answer and every record."""
        recorder = self._config.pluginmanager.get_plugin("fakebench-recorder")
        recorded = recorder.counts.total() if recorder is not None else 0
        runner = self.runner
        if runner is None:
            return (recorded,)
        return recorded, runner.in_flight, runner.requests_in_flight

    def _list_workers(self) -> list[Any]:
        """The processes of this machine's workers."""
        session = self._config.pluginmanager.get_plugin("dsession")
        gateways = session.nodemanager.group if session and session.nodemanager else ()
        processes = [getattr(getattr(g, "_io", None), "popen", None) for g in gateways]
        return [process for process in processes if process is not None]

    def _leave(self) -> None:
        """End this process and its workers at once; every record is on disk."""
        for process in self._list_workers():
            with suppress(OSError):
                process.kill()
        with suppress(KeyError):  # It came before the plugin was configured.
            self._config.stash[DIRECT_STDERR].say(f"Interrupted twice: {self._say_what_is_left()}")
        exit_at_once(pytest.ExitCode.INTERRUPTED)

    def _say_what_is_left(self) -> str:
        """What can be done after a second interrupt; a run without records leaves no directory."""
        recorder = self._config.pluginmanager.get_plugin("fakebench-recorder")
        if recorder is None or recorder.manifest is None:
            if recorder is not None:
                recorder.pytest_unconfigure()
            return "nothing was recorded yet, so start the run anew."
        folder = shlex.quote(str(self._config.stash[SETTINGS].folder))
        return f"what was recorded is kept, without scores. --resume={folder} goes on."


INTERRUPTS = pytest.StashKey[Interrupts]()


def choose_limit(config: pytest.Config) -> float:
    """Seconds from one answer or record to the next that this session waits for."""
    return PATIENT_S if config.stash[DIRECT_STDERR].is_terminal else HASTY_S


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker how long it may wait."""
    node.workerinput[_LIMIT] = choose_limit(node.config)


def follow_stops(config: pytest.Config, runner: CaseRunner) -> None:
    """Stop the runner of this process at an interrupt."""
    if INTERRUPTS in config.stash:
        config.stash[INTERRUPTS].follow(runner)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Handle the signals as long as cases are run."""
    if not will_run_cases(config):
        return (yield)
    interrupts = Interrupts(config)
    config.stash[INTERRUPTS] = interrupts
    config.pluginmanager.register(interrupts, "fakebench-interrupts")
    with interrupts.handle():
        try:
            return (yield)
        except KeyboardInterrupt:  # It came where pytest heeds none.
            return pytest.ExitCode.INTERRUPTED
