"""Look-ahead: a thread prepares the next items while this one works on the present one."""

import threading
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue
from typing import TypeVar

Item = TypeVar("Item")

_CLOSING_S = 5.0
"""Seconds that the thread gets to end; one that hangs is left behind and keeps no process alive."""


@dataclass(frozen=True, slots=True)
class _End:
    """What follows the last item: nothing, or what was raised."""

    error: BaseException | None


def look_ahead(
    items: Iterable[Item], *, stop: threading.Event, waiting: int = 1
) -> Generator[Item, None, None]:
    """Yield the items in order, which a thread takes from ``items`` ahead of time.

    So many of them wait, at most, beside the one in use and the one that is being made. What
    ``items`` raises is raised here, in its place. When this generator has ended or is closed, the
    thread has ended, too: ``stop`` is set then, and ``items`` has to end soon after, if it can.
    """
    queue: Queue[Item | _End] = Queue(maxsize=waiting)

    def take() -> None:
        end = _End(None)
        try:
            for item in items:
                queue.put(item)
                if stop.is_set():
                    return
        except BaseException as error:  # Also SystemExit: code of a checkpoint may raise anything.
            end = _End(error)
        if not stop.is_set():
            queue.put(end)

    thread = threading.Thread(target=take, name="fakebench-look-ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        _join(thread, queue)


def _join(thread: threading.Thread, queue: "Queue[Item | _End]") -> None:
    """Wait for the thread, and make room for what it still has to put."""
    deadline = time.monotonic() + _CLOSING_S
    while thread.is_alive() and time.monotonic() < deadline:
        with suppress(Empty):
            queue.get_nowait()
        thread.join(0.01)
