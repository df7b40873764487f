"""The machine's trouble is not the model's: a sentence, status 3, and what was recorded is kept."""

import os
import time
from pathlib import Path

import pytest

from fakebench_suite.errors import MachineError
from fakebench_suite.runs.store import RECORDS, RunWriter, read_records
from fakebench_suite.types import Outcome
from tests.factories import make_record
from tests.helpers import read_run
from tests.plugin.sandbox import MODES, Run

C, E = Outcome.CORRECT, Outcome.MODEL_ERROR
FULL = """
import resource
import pytest

@pytest.hookimpl(tryfirst=True)  # xdist's loop ends the call of further hooks
def pytest_runtestloop():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
"""
NO_REPORT = """
import errno
import os
from fakebench_suite.report.html import page

def fail(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

page.write_whole = fail
"""
# The record of the tenth case finds that the directory is gone.
VANISHED = """
import shutil
seen = []

def pytest_runtest_logreport(report):
    seen.append(report.when)
    if seen.count("call") == {calls} and report.when == "call":
        shutil.rmtree("reports/run")
"""
NO_MEMORY = """
from fakebench_suite.datasets import images
plain, failed = images._decode, set()

def decode(content, name):
    if name in {names} and ({always} or name not in failed):
        failed.add(name)
        raise {error}
    return plain(content, name)

images._decode = decode
"""


def test_a_later_record_takes_the_place_of_an_error_and_of_nothing_else(tmp_path: Path) -> None:
    """Readers see one record a case, after a crash, too; a closed run has one line a case."""
    store = RunWriter(tmp_path / "run")
    store.open()
    store.append(make_record("1.png", E))
    store.append(make_record("2.png", C))
    store.append(make_record("1.png", C), replaces=True)
    store.append(make_record("2.png", E))
    outcomes = [(record.case.id, record.verdict.outcome) for record in read_records(store.folder)]
    assert outcomes == [("1.png:what", "correct"), ("2.png:what", "correct")]
    records = store.close()
    assert [record.case.id for record in records] == ["1.png:what", "2.png:what"]
    assert (store.folder / RECORDS).read_bytes().count(b"\n") == 2
    assert store.close() == records


def test_records_of_a_directory_that_was_removed_are_back(tmp_path: Path) -> None:
    """Whoever removes it meanwhile is told, and nothing is lost."""
    store = RunWriter(tmp_path / "reports" / "run")
    store.open()
    store.append(make_record("1.png", C))
    (store.folder / RECORDS).unlink()
    store.folder.rmdir()
    store.folder.parent.rmdir()
    with pytest.raises(MachineError, match="somebody removed"):
        store.append(make_record("2.png", C))
    assert [record.case.image for record in read_records(store.folder)] == ["1.png"]
    assert [record.case.image for record in store.close()] == ["1.png"]


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_full_disk_ends_the_run_in_a_sentence(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Status 3; whole lines only, and the scores of what was recorded."""
    (project / "full.py").write_text(FULL, encoding="utf-8")
    result = run(f"--data={data}", "-p", "full", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    output = result.stdout.str() + result.stderr.str()
    assert "could not be written any further" in output
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    result.stdout.fnmatch_lines(["*detection *all *accuracy *"])
    records = read_run(project).records
    assert 10 < len(records) < 48
    scores = read_run(project).scores
    assert scores


def test_a_report_for_which_there_is_no_room_is_told_by_the_status(
    run: Run, data: Path, project: Path
) -> None:
    """Status 3, and records, scores and rulings are whole."""
    (project / "full.py").write_text(NO_REPORT, encoding="utf-8")
    result = run(f"--data={data}", "-p", "full", "--gates=none", "-n0")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    output = result.stdout.str() + result.stderr.str()
    assert "The report of run cannot be written: No space left on device" in output
    assert "Traceback" not in output
    assert len(read_run(project).records) == 48
    assert (project / "reports/run/gates.json").exists()


@pytest.mark.parametrize("calls", [10, 48])
def test_a_directory_that_vanishes_ends_the_run_in_a_sentence(
    run: Run, data: Path, project: Path, calls: int
) -> None:
    """Status 3, whether cases are left or not; the records are back."""
    (project / "vanish.py").write_text(VANISHED.format(calls=calls), encoding="utf-8")
    result = run(f"--data={data}", "-p", "vanish", "--gates=none", "-n0")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["*somebody removed*"])
    assert "Traceback" not in result.stdout.str()
    assert len(read_run(project).records) == calls
    assert (project / "reports/run/scores.json").exists()


@pytest.mark.parametrize(
    ("error", "mode"),
    [("MemoryError", MODES[0]), ("OSError(24, 'Too many open files')", MODES[1])],
)
def test_a_picture_for_which_the_machine_has_no_room_is_no_image_error(
    run: Run, data: Path, project: Path, error: str, mode: tuple[str, ...]
) -> None:
    """Its cases have no record and are asked again another time; the others are whole."""
    source = NO_MEMORY.format(names={"glide-00.png"}, always=True, error=error)
    (project / "memory.py").write_text(source, encoding="utf-8")
    result = run(f"--data={data}", "-p", "memory", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert "Traceback" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*glide-00.png*(5 times)"])
    assert len(read_run(project).records) == 43


def test_a_picture_that_opens_alone_is_asked_about(run: Run, data: Path, project: Path) -> None:
    """What there was no memory for beside others is opened once more, alone."""
    source = NO_MEMORY.format(names={"glide-00.png", "5.png"}, always=False, error="MemoryError")
    (project / "memory.py").write_text(source, encoding="utf-8")
    assert run(f"--data={data}", "-p", "memory", "--gates=none").ret == 0
    assert len(read_run(project).records) == 48


SIGNALLED = """
import os
import signal
import threading
import time

def send(times):
    for _ in range(times):
        os.kill(os.getpid(), signal.{name})
        time.sleep(0.3)

def press(times):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        threading.Thread(target=send, args=(times,), daemon=True).start()
        time.sleep(30 if times > 1 else 5)
"""
MOMENTS = {
    "answering": """
from fakebench_suite.execution import work_units
work_units.MIN_UNIT_PROMPTS = 8
seen = []
def pytest_runtest_logreport(report):
    seen.append(report.when)
    if seen.count("call") == 10 and report.when == "call":
        press({times})
""",
    "scoring": """
import fakebench_suite.metrics.scores as scores
plain, pressed = scores.score_run, []
def score(*args):
    if not pressed:
        pressed.append(True)
        press({times})
    return plain(*args)
scores.score_run = score
""",
    "pictures": """
import fakebench_suite.report.thumbnails as pictures
plain, pressed = pictures.Thumbnails.finish, []
def finish(self):
    if not pressed:
        pressed.append(True)
        press({times})
    return plain(self)
pictures.Thumbnails.finish = finish
""",
}


@pytest.mark.parametrize(
    ("moment", "name", "mode"),
    [
        ("answering", "SIGTERM", MODES[0]),
        ("answering", "SIGINT", MODES[1]),
        ("scoring", "SIGINT", MODES[0]),
        ("pictures", "SIGINT", MODES[1]),
    ],
)
def test_an_interrupt_closes_the_run(
    run: Run, data: Path, project: Path, moment: str, name: str, mode: tuple[str, ...]
) -> None:
    """Status 2, with scores and report of what is there, and no traceback."""
    source = SIGNALLED.replace("{name}", name) + MOMENTS[moment].replace("{times}", "1")
    (project / "presser.py").write_text(source, encoding="utf-8")
    result = run(f"--data={data}", "-p", "presser", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    output = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    assert len(read_run(project).records) >= (10 if moment == "answering" else 48)
    for file in ("scores.json", "index.html"):
        assert (project / "reports" / "run" / file).exists()


@pytest.mark.parametrize(("moment", "mode"), [("answering", MODES[1]), ("pictures", MODES[0])])
def test_a_second_interrupt_ends_it_at_once(
    run: Run, data: Path, project: Path, moment: str, mode: tuple[str, ...]
) -> None:
    """Status 2, and no worker is left."""
    source = SIGNALLED.replace("{name}", "SIGINT") + MOMENTS[moment].replace("{times}", "2")
    (project / "presser.py").write_text(source, encoding="utf-8")
    start = time.monotonic()
    result = run(f"--data={data}", "-p", "presser", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert time.monotonic() - start < 100
    assert len(read_run(project).records) >= 10
    assert not list_processes(project)


def list_processes(project: Path) -> list[str]:
    """Processes whose working directory is the project, but for those that are just ending."""
    commands = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "cwd").readlink() == project and int(path.name) != os.getpid():
                commands.append((path / "cmdline").read_text(encoding="utf-8"))
        except OSError:
            continue
    return [
        command for command in commands if command and ("pytest" not in command or "-c" in command)
    ]
