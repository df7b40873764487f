"""The stop of a run: nothing is asked any more, and replies that do not come are given up."""

import threading
import time
from collections.abc import Callable

from fakebench_suite.execution.engine import Engine

GIVE_UP_S = 30.0
"""Seconds from one reply to the next, once the run is stopped, after which those that are still
missing are given up, or twice those of the longest reply; an interrupt may give them less."""


class RunStop:
    """Whether a run is stopped, and why.

    ``get_state`` gives what changes with every reply: as long as it does, they are waited for.
    ``request`` and ``give_up`` may be called from other threads and signal handlers, and more than
    once.
    """

    def __init__(self, engine: Engine, get_state: Callable[[], object]) -> None:
        self._engine, self._get_state = engine, get_state
        self.reason: str | None = None
        """Why nothing is asked any more; None while cases are asked."""
        self.longest_reply = 0.0
        """Seconds of the reply that took longest so far."""
        self.on_stop: Callable[[], None] = lambda: None
        """Called in the thread that asks, once the run is stopped."""
        self._is_reported = False
        self._timer: threading.Timer | None = None
        self._closed = threading.Event()

    def request(self, reason: str) -> None:
        """Begin nothing any more, for a reason in a sentence; what is in flight is still answered.

        The first reason stands. Replies that do not come for long are given up, see GIVE_UP_S.
        """
        if self.reason is None:
            self.reason = reason
            self._engine.stop(reason)
            name = "fakebench-stopped-run"
            threading.Thread(target=self._end_waiting, name=name, daemon=True).start()

    def request_after(self, seconds: float | None, *, limit: float | None) -> None:
        """Stop when the time of the run is over, whatever is waited for then; None: never.

        ``seconds`` are those that are left of ``limit``.
        """
        if seconds is None or limit is None:
            return
        reason = f"--run-timeout={limit:g} is over: the other cases were not asked."
        if seconds <= 0:
            self.request(reason)
            return
        self._timer = threading.Timer(seconds, self.request, [reason])
        self._timer.daemon = True
        self._timer.start()

    def give_up(self) -> None:
        """Wait no longer, once the run is stopped, for replies that can be given up.

        Their prompts are asked when the run goes on; all other replies are taken.
        """
        self._engine.give_up()

    def report(self) -> None:
        """Call ``on_stop``, the first time only; to be called once the run is stopped."""
        if not self._is_reported:
            self._is_reported = True
            self.on_stop()

    def close(self) -> None:
        """Stop and give up nothing any more: the backend may be asked by another run."""
        self._closed.set()
        if self._timer is not None:
            self._timer.cancel()

    def _end_waiting(self) -> None:
        """Give up what is in flight, where no reply arrives for long."""
        state, since = self._get_state(), time.monotonic()
        while not self._closed.wait(0.1):
            if (now := self._get_state()) != state:
                state, since = now, time.monotonic()
            if time.monotonic() - since >= max(GIVE_UP_S, 2 * self.longest_reply):
                self.give_up()
                return
