"""Event loops: one for a coroutine, and one in a thread for as long as a model is loaded."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")
CLOSING_S = 5.0
"""Seconds that the coroutines of a thread get to end once they are cancelled."""


class LoopThread:
    """An event loop in a thread of its own, which keeps no process alive."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Return the result of a coroutine; from any thread, several at a time.

        What breaks the wait off, such as Ctrl-C, cancels the coroutine.
        """
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Callable[..., None], *arguments: object) -> None:
        """Have a function called in the thread, soon; from any thread and from signal handlers."""
        with suppress(RuntimeError):  # The loop is closed.
            self._loop.call_soon_threadsafe(function, *arguments)

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Cancel what still runs, run the ``last`` coroutine, and end the thread."""

        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await last

        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(end(), self._loop).result(CLOSING_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSING_S)


def run_coroutine(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of a coroutine, run to its end.

    If this thread already runs an event loop, as in a notebook, it runs in another thread.
    """
    if not _has_running_loop():  # No exception here may become the context of a failure.
        return asyncio.run(coroutine)
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Result]]] = Future()
    cancelled = threading.Event()

    async def run() -> Result:
        task = asyncio.ensure_future(coroutine)
        started.set_result((asyncio.get_running_loop(), task))
        if cancelled.is_set():
            task.cancel()
        return await task

    with ThreadPoolExecutor(max_workers=1) as thread:
        try:
            return thread.submit(asyncio.run, run()).result()
        except BaseException:  # Ctrl-C interrupts this thread only, which waits for the other.
            cancelled.set()
            if started.done():
                loop, task = started.result()
                with suppress(RuntimeError):  # The other thread has ended and closed its loop.
                    loop.call_soon_threadsafe(task.cancel)
            raise


def _has_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
