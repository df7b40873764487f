"""Read the claims of many texts by processes of their own, on all cores that this one may use.

A reading is the same wherever it is made: what a process did not read, because it could not be
started or was ended, is read here when it is asked for.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from queue import SimpleQueue
from threading import Lock
from typing import BinaryIO

import msgspec

from fakebench_suite.grading.claims.reader import ClaimReading, measure_reading
from fakebench_suite.grading.claims.readings import (
    Text,
    forget_readings,
    is_read,
    keep_reading,
    read_claims,
)

MOST_PROCESSES = 16
MIN_CHARACTERS = 1_000_000
"""Characters for each process, so that reading them takes longer than its start."""
_CHUNK_CHARACTERS = 50_000
"""Characters that a process is given at once."""
_PROGRESS_FROM = 1_000_000
"""Fewest characters for a progress bar: a second or two."""
_START = (
    "import sys; sys.path[:] = {path!a}; "
    "from fakebench_suite.grading.claims import reader_processes as own; "
    "own.__file__ == {file!a} and own.serve(yielding={yielding})"
)
"""What a process runs. If it finds another suite than this one, which was imported when the path
was another, it ends and has read nothing."""
_TEXTS = msgspec.json.Decoder(list[Text])
_READINGS = msgspec.json.Decoder(list[ClaimReading])


def read_ahead(texts: Iterable[Text], *, most: int | None = None) -> None:
    """Read the claims of texts, so that ``read_claims`` knows them; few texts are left to it.

    ``most`` is the largest number of processes; None is one for each core.
    """
    unread = [text for text in dict.fromkeys(texts) if not is_read(*text)]
    characters = sum(measure_reading(text) for text, _ in unread)
    processes = 0
    if characters >= 2 * MIN_CHARACTERS:
        from joblib import cpu_count  # which knows of the limits of containers

        processes = min(most or cpu_count(), MOST_PROCESSES, characters // MIN_CHARACTERS)
    chunks = list(_split(unread))
    with ExitStack() as stack:
        readings: Iterable[Sequence[ClaimReading]]
        if processes > 1:
            readers = stack.enter_context(_Readers(processes))
            readings = (answer.result() for answer in list(map(readers.ask, chunks)))
        elif characters >= _PROGRESS_FROM:
            readings = ([read_claims(*text) for text in chunk] for chunk in chunks)
        else:
            return
        for chunk, read in zip(chunks, _show_progress(readings, len(chunks)), strict=True):
            _keep(chunk, read)


def _split(texts: Sequence[Text]) -> Iterator[Sequence[Text]]:
    """Yield the texts in parts of about _CHUNK_CHARACTERS."""
    chunk: list[Text] = []
    characters = 0
    for text in texts:
        chunk.append(text)
        characters += measure_reading(text[0])
        if characters >= _CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _show_progress(
    readings: Iterable[Sequence[ClaimReading]], total: int
) -> Iterable[Sequence[ClaimReading]]:
    """The readings as they are made, with a progress bar in a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if not console.is_terminal:
        return readings
    return track(readings, "reading claims", total, console=console, transient=True)


class BackgroundReader:
    """Reads texts as they arrive by one process that gives way to others, once there are many."""

    def __init__(self) -> None:
        self._seen: set[Text] = set()
        self._waiting: list[Text] = []
        self._characters = 0
        """Of the waiting texts."""
        self._readers: _Readers | None = None
        self._asked: list[tuple[Sequence[Text], Future[Sequence[ClaimReading]]]] = []

    def add(self, text: Text) -> None:
        """Have a text read, unless it was added before."""
        if text in self._seen:
            return
        self._seen.add(text)
        self._waiting.append(text)
        self._characters += measure_reading(text[0])
        if self._characters >= (MIN_CHARACTERS if self._readers is None else _CHUNK_CHARACTERS):
            self._ask()

    def _ask(self) -> None:
        if self._readers is None:
            self._readers = _Readers(1, yielding=True)
            self._readers.start()
        for chunk in _split(self._waiting):
            self._asked.append((chunk, self._readers.ask(chunk)))
        self._waiting, self._characters = [], 0

    def wait(self) -> None:
        """Wait until what was given to the process is read."""
        wait([answer for _, answer in self._asked])

    def close(self) -> None:
        """End the process, and keep what it has read until now."""
        if self._readers is None:
            return
        try:
            for chunk, answer in self._asked:
                if answer.done():
                    _keep(chunk, answer.result())
        finally:
            self._readers.close()
            self._readers = None


def _keep(chunk: Sequence[Text], readings: Sequence[ClaimReading]) -> None:
    """Keep the readings of some texts; there are none if their process has ended."""
    for text, reading in zip(chunk, readings, strict=False):
        keep_reading(*text, reading)


class _Readers:
    """Processes that read texts until they are closed; none outlives this process.

    If they are ``yielding``, they take what other processes leave of the cores.
    """

    def __init__(self, number: int, *, yielding: bool = False) -> None:
        self._number, self._yielding = number, yielding
        self._processes: list[subprocess.Popen[bytes]] = []
        self._idle: SimpleQueue[subprocess.Popen[bytes] | None] = SimpleQueue()
        """Processes that read nothing now; None once all have ended."""
        self._alive = 0
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(number)

    def start(self) -> None:
        """Start as many processes as can be started."""
        # Not by multiprocessing, which would run the program's own file again in each process.
        path = [place for place in sys.path if isinstance(place, str)]
        start = _START.format(path=path, file=__file__, yielding=self._yielding)
        with suppress(OSError):  # no memory, or no more processes
            for _ in range(self._number if sys.executable else 0):
                process = subprocess.Popen(  # noqa: S603  # fixed words
                    [sys.executable, "-P", "-c", start],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                self._processes.append(process)
                self._idle.put(process)
        self._alive = len(self._processes)
        if not self._alive:
            self._idle.put(None)

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.kill()  # A thread that waits for it goes on then.
        self._idle.put(None)
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            with suppress(OSError), process:  # closes its pipes and waits for it
                pass

    def __enter__(self) -> "_Readers":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, chunk: Sequence[Text]) -> "Future[Sequence[ClaimReading]]":
        """The readings of a chunk, when they are made; none if its process ended."""
        try:
            return self._threads.submit(self._read, chunk)
        except RuntimeError:  # no more threads
            nothing: Future[Sequence[ClaimReading]] = Future()
            nothing.set_result(())
            return nothing

    def _read(self, chunk: Sequence[Text]) -> Sequence[ClaimReading]:
        process = self._idle.get()
        if process is None:
            self._idle.put(None)
            return ()
        try:
            readings = _exchange(process, chunk)
        except Exception:  # It ended, or there is no memory for what it has read.
            with self._lock:
                self._alive -= 1
                if not self._alive:
                    self._idle.put(None)
            return ()
        self._idle.put(process)
        return readings


def _exchange(process: "subprocess.Popen[bytes]", chunk: Sequence[Text]) -> Sequence[ClaimReading]:
    """The readings of a process of a chunk."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        request = msgspec.json.encode(chunk)
    except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot carry
        return ()
    process.stdin.write(request + b"\n")
    process.stdin.flush()
    readings = _READINGS.decode(process.stdout.readline())
    if len(readings) != len(chunk):
        raise ValueError("These are not the readings of the texts.")
    return readings


def serve(*, yielding: bool) -> None:
    """Read what standard input asks for until it ends, a list of texts a line."""
    if yielding and hasattr(os, "nice"):
        os.nice(10)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the process that asks.
    answer(sys.stdin.buffer, sys.stdout.buffer)


def answer(requests: BinaryIO, replies: BinaryIO) -> None:
    """Write a line of readings for each line of texts."""
    for line in requests:
        readings = [read_claims(*text) for text in _TEXTS.decode(line)]
        replies.write(msgspec.json.encode(readings) + b"\n")
        replies.flush()
        forget_readings()  # No text is asked for again.
