"""How commands end: what they do not import, what they leave behind, and their exit statuses."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fakebench_suite.cli.main import app
from fakebench_suite.errors import MachineError
from fakebench_suite.report import html
from fakebench_suite.runs.store import RunWriter
from fakebench_suite.types import Outcome
from tests.factories import make_record, make_records, write_run
from tests.helpers import call

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")


def start(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, whose output the options lead somewhere."""
    command = [sys.executable, "-m", "fakebench_suite", *arguments]
    options = {"stdout": subprocess.PIPE} | options
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **options)


@pytest.mark.process
@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", [["tables"], ["tables", "--check"], ["--help"]])
def test_output_on_a_full_disk_is_one_sentence(command: list[str]) -> None:
    """Status 3, as for every trouble of the machine, and no traceback."""
    with FULL.open("w", encoding="utf-8") as stream:
        result = start(*command, stdout=stream)
    assert result.returncode == 3
    assert len(result.stderr.splitlines()) == 1
    assert "No space left" in result.stderr


@pytest.mark.process
@pytest.mark.parametrize("command", [["tables"], ["tables", "--check"]])
def test_a_closed_pipe_ends_quietly(command: list[str]) -> None:
    """With the status that a shell gives a program ended by SIGPIPE, which means no ruling."""
    reading, writer = os.pipe()
    os.close(reading)
    try:
        result = start(*command, stdout=writer)
    finally:
        os.close(writer)
    assert (result.returncode, result.stderr) == (141, "")


@pytest.mark.process
def test_closed_streams_are_empty_and_lead_nowhere() -> None:
    """Whoever closes standard input and output gets neither an answer nor a traceback."""
    command = [sys.executable, "-m", "fakebench_suite", "read"]
    shell = ["sh", "-c", 'exec "$@" <&- >&-', "sh", *command]
    result = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.process
def test_nothing_is_imported_from_the_current_directory(tmp_path: Path) -> None:
    """Libraries' names, as a data set may hold them, are no libraries."""
    marker = tmp_path / "MARK"
    for name in ("typer", "rich", "msgspec", "signal", "json", "numpy", "pathlib"):
        code = f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n"
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    result = start("tables", "--check", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert not marker.exists()


@pytest.mark.process
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="only Unix sends these")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_nothing_half_written(tmp_path: Path, name: str) -> None:
    """A command that is ended while it writes removes its draft, and its status names the signal.

    A second signal does not interrupt the removal.
    """
    script = (
        "import os, signal, shutil, sys\n"
        "from pathlib import Path\n"
        "from fakebench_suite.files import atomic_directory\n"
        "from fakebench_suite.cli.startup import unwind_at_signals\n"
        "unwind_at_signals()\n"
        f"def end(*_, **__): os.kill(os.getpid(), signal.{name})\n"
        "remove = shutil.rmtree\n"
        "atomic_directory.shutil.rmtree = lambda *a, **k: (end(), remove(*a, **k))\n"
        "with atomic_directory.write_directory(Path(sys.argv[1])) as draft:\n"
        "    (draft / 'file').touch()\n"
        "    end()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "whole")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 128 + getattr(signal, name), result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_an_ignored_signal_stays_ignored() -> None:
    """As under nohup."""
    from fakebench_suite.cli import startup

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        startup.unwind_at_signals()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
        startup.reset_signals()


@pytest.mark.process
def test_ctrl_c_while_importing_is_no_traceback(tmp_path: Path) -> None:
    """Status 130 before the first library is there."""
    library = tmp_path / "msgspec.py"
    library.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n", encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    result = start("tables", env=environment)
    assert (result.returncode, result.stderr) == (130, "")


def test_a_full_disk_names_the_place_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge says that nothing was kept; status 3, and no draft is named or left."""

    def fail(store: RunWriter, *_: object, **__: object) -> None:
        cause = OSError(28, "No space left on device")
        raise MachineError(f"The records of {store.folder} are kept there.") from cause

    run = write_run(tmp_path / "run", make_records(Outcome.CORRECT))
    monkeypatch.setattr(RunWriter, "append", fail)
    result = CliRunner().invoke(
        app, ["merge", str(run), f"--into={tmp_path / 'whole'}", "--gates=none"]
    )
    assert result.exit_code == 3
    message = " ".join(result.stderr.split())
    assert f"{tmp_path / 'whole'} cannot be written: No space left on device" in message
    assert "draft" not in message
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(("number", "status"), [(28, 3), (30, 2)])
def test_a_report_that_cannot_be_written_names_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, status: int
) -> None:
    """A full disk is the machine's fault, a place that is read-only the user's."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path / "run" / "report" / ".draft-x"))

    monkeypatch.setattr(html.page, "copy_assets", fail)
    run = write_run(tmp_path / "run", [make_record("a.png", Outcome.CORRECT)])
    (run / "scores.json").write_text("[]", encoding="utf-8")
    result = CliRunner().invoke(app, ["report", str(run)])
    assert result.exit_code == status
    assert f"The report of {run} cannot be written" in " ".join(result.stderr.split())
    assert ".draft" not in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["runs", "--older-than=100000000000"],
        ["runs", "--older-than=-1"],
        ["runs", "--prune=-1"],
        ["runs", "--prune=nan"],
        ["judge", "calibrate", "--judge=embedding", "--judge-rounds=1000000000000"],
        ["compare", "a", "b", "--items=-1"],
    ],
)
def test_numbers_have_bounds(command: list[str]) -> None:
    """A number that means nothing is a usage error, and no traceback."""
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "Invalid value" in result.stderr


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["runs", "--reports=", "--prune=0"], "--reports"),
        (["runs", "--reports", "", "--prune=0"], "--reports"),
        (["report", ""], "An argument"),
        (["compare", ".", " "], "An argument"),
        (["merge", "a", "--into="], "--into"),
    ],
)
def test_an_empty_path_is_not_the_current_directory(
    tmp_path: Path, words: list[str], name: str
) -> None:
    """A variable that is not set removes no run of the directory the command is called in."""
    run = write_run(tmp_path / "run", [make_record("a.png", Outcome.CORRECT)])
    result = call(*words, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith(f"{name} is empty, as where a variable is not set")
    assert run.is_dir()


def test_what_nobody_foresaw_is_no_ruling(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the suite's own ends with 3, for 1 would say that a gate failed."""

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("fakebench_suite.cli.main.check_published", fail)
    result = CliRunner().invoke(app, ["tables", "--check"])
    assert result.exit_code == 3
    assert call("runs", "--reports=/no/where").returncode == 2


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (["merge", "a", "b"], "Add --into=DIR, such as --into=reports"),
        (["judge", "calibrate"], "Add --judge=openai:MODEL@URL"),
    ],
)
def test_an_option_that_is_missing_is_named_with_an_example(
    command: list[str], advice: str
) -> None:
    """In one sentence, before anything is read."""
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert advice in " ".join(result.stderr.split())
