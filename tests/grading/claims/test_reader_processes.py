"""Many texts are read by processes, and nobody can tell from the readings."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import fakebench_suite
from fakebench_suite.grading.claims import reader_processes
from fakebench_suite.grading.claims.reader import ClaimReading
from fakebench_suite.grading.claims.reader_processes import BackgroundReader, answer, read_ahead
from fakebench_suite.grading.claims.readings import forget_texts, is_read, read_claims
from tests.grading.claims.test_explanations import ALL

TEXTS = [(one.text, one.asked) for rows in ALL.values() for one in rows]
LONE_SURROGATE = ("The texture is odd \ud800.", None)


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Processes are worth it from a few sentences on, and nothing has been read."""
    monkeypatch.setattr(reader_processes, "MIN_CHARACTERS", 1_000)
    monkeypatch.setattr(reader_processes, "_CHUNK_CHARACTERS", 2_000)
    forget_texts()
    yield
    forget_texts()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """The processes that a test starts."""
    every: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[call-overload]
            every.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return every


def read_here() -> dict[tuple[str, str | None], ClaimReading]:
    """The readings of all texts by this process."""
    forget_texts()
    return {text: read_claims(*text) for text in TEXTS}


@pytest.mark.process
def test_processes_read_what_this_one_would(started: list["subprocess.Popen[bytes]"]) -> None:
    """Every reading is the same, and no process is left."""
    read_ahead([*TEXTS, LONE_SURROGATE], most=2)
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)
    assert sum(is_read(*text) for text in TEXTS) > len(TEXTS) / 2
    assert {text: read_claims(*text) for text in TEXTS} == read_here()
    read_ahead(TEXTS, most=2)
    assert len(started) == 2  # all are known


@pytest.mark.process
def test_what_a_killed_process_has_not_read_is_read_here(
    started: list["subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a word, and with the same result."""
    exchange = reader_processes._exchange

    def kill_first(process: "subprocess.Popen[bytes]", chunk: object) -> object:
        process.kill()
        process.wait()
        return exchange(process, chunk)  # type: ignore[arg-type]

    monkeypatch.setattr(reader_processes, "_exchange", kill_first)
    read_ahead(TEXTS, most=2)
    assert len(started) == 2
    assert not any(is_read(*text) for text in TEXTS)
    assert {text: read_claims(*text) for text in TEXTS} == read_here()


@pytest.mark.process
def test_ctrl_c_leaves_no_process_behind(
    started: list["subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it arrives, all processes have ended when it is passed on."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reader_processes, "keep_reading", interrupt)
    with pytest.raises(KeyboardInterrupt):
        read_ahead(TEXTS, most=2)
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


def test_few_texts_are_left_to_this_process(
    started: list["subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start of processes would take longer than reading does."""
    monkeypatch.setattr(reader_processes, "MIN_CHARACTERS", 1_000_000)
    read_ahead(TEXTS, most=8)
    assert not started
    assert not any(is_read(*text) for text in TEXTS)


def test_one_core_reads_by_itself(
    started: list["subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a progress bar, for which the texts are read at once."""
    monkeypatch.setattr(reader_processes, "_PROGRESS_FROM", 1_000)
    read_ahead(TEXTS, most=1)
    assert not started
    assert all(is_read(*text) for text in TEXTS)


def test_processes_that_cannot_be_started_are_done_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where there is no memory for them, this process reads."""

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError

    monkeypatch.setattr(subprocess, "Popen", refuse)
    read_ahead(TEXTS, most=2)
    assert {text: read_claims(*text) for text in TEXTS} == read_here()


@pytest.mark.process
def test_threads_that_cannot_be_started_are_done_without(
    started: list["subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under a limit of threads: neither a record that arrives nor the scores are lost."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    ahead = BackgroundReader()
    for text in TEXTS:
        ahead.add(text)
    ahead.close()
    read_ahead(TEXTS, most=2)
    assert len(started) == 3
    assert all(process.poll() is not None for process in started)
    assert {text: read_claims(*text) for text in TEXTS} == read_here()


@pytest.mark.process
@pytest.mark.parametrize("readings", [None, []], ids=["no memory", "of another chunk"])
def test_what_is_no_reading_of_the_texts_is_read_here(
    started: list["subprocess.Popen[bytes]"],
    monkeypatch: pytest.MonkeyPatch,
    readings: list[ClaimReading] | None,
) -> None:
    """No text gets the claims of another, and nothing hangs."""

    class Decoder:
        def decode(self, _line: bytes) -> list[ClaimReading]:
            if readings is None:
                raise MemoryError
            return readings

    monkeypatch.setattr(reader_processes, "_READINGS", Decoder())
    read_ahead(TEXTS, most=2)
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)
    assert not any(is_read(*text) for text in TEXTS)


@pytest.mark.process
def test_another_suite_on_the_path_reads_nothing(
    started: list["subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It may read otherwise: the path has changed since this suite was imported."""
    package = tmp_path / "fakebench_suite"
    shutil.copytree(
        Path(fakebench_suite.__file__).parent, package, ignore=shutil.ignore_patterns("*.pyc")
    )
    monkeypatch.syspath_prepend(tmp_path)
    read_ahead(TEXTS, most=2)
    assert len(started) == 2
    assert not any(is_read(*text) for text in TEXTS)


@pytest.mark.process
def test_ctrl_c_while_readings_are_kept_leaves_no_process_behind(
    started: list["subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that reads what arrives has ended, too."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    ahead = BackgroundReader()
    for text in TEXTS:
        ahead.add(text)
    ahead.wait()
    monkeypatch.setattr(reader_processes, "keep_reading", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ahead.close()
    assert [process.poll() is None for process in started] == [False]


@pytest.mark.process
def test_texts_are_read_while_others_arrive(started: list["subprocess.Popen[bytes]"]) -> None:
    """By one process, which ends when it is closed; what it read by then is kept."""
    ahead = BackgroundReader()
    for text in TEXTS:
        ahead.add(text)
        ahead.add(text)
    assert len(started) == 1
    ahead.wait()
    ahead.close()
    ahead.close()
    assert started[0].poll() is not None
    assert sum(is_read(*text) for text in TEXTS) > len(TEXTS) / 2
    assert {text: read_claims(*text) for text in TEXTS} == read_here()


def test_nothing_is_started_for_a_few_texts_that_arrive(
    started: list["subprocess.Popen[bytes]"],
) -> None:
    """And there is nothing to close."""
    ahead = BackgroundReader()
    ahead.add(("The texture is odd.", None))
    ahead.close()
    assert not started


def test_a_line_of_readings_answers_a_line_of_texts() -> None:
    """What a process does until its input ends."""
    replies = io.BytesIO()
    lines = [json.dumps([text]).encode() + b"\n" for text in TEXTS[:3]]
    answer(io.BytesIO(b"".join(lines)), replies)
    assert len(replies.getvalue().splitlines()) == 3


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_process_ignores_ctrl_c_and_ends_with_its_input() -> None:
    """Ctrl-C reaches all processes of a terminal, and the one that asks decides what ends."""
    start = (
        "from fakebench_suite.grading.claims.reader_processes import serve; serve(yielding=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(b'[["The texture is odd.", null]]\n')
            process.stdin.flush()
            assert b"texture" in process.stdout.readline()
            os.kill(process.pid, signal.SIGINT)
        process.stdin.close()
        assert process.wait(timeout=30) == 0
