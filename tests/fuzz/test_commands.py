"""Sixty broken inputs through the commands as users start them, each in a process of its own."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.guard import MEMORY
from tests.fuzz.targets import (
    Sound,
    Trial,
    break_card,
    break_gates,
    break_official,
    break_rows,
    break_run,
    check_said,
)
from tests.fuzz.test_fuzz import SEED, sound

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="limits are set as Linux has them"),
]
__all__ = ["sound"]
_LIBRARIES = 8 << 30
"""Bytes of address space that the libraries take themselves."""
_SECONDS = 120
Options = Callable[[Trial], list[object]]


def _inspect(make: Callable[[Trial], Path]) -> Options:
    return lambda trial: ["data", make(trial)]


def _compare(trial: Trial) -> list[object]:
    return ["compare", trial.sound.run, break_run(trial)]


def _report(trial: Trial) -> list[object]:
    return ["report", break_run(trial)]


def _list(trial: Trial) -> list[object]:
    break_run(trial)
    return ["runs", f"--reports={trial.box}"]


def _merge(trial: Trial) -> list[object]:
    return ["merge", break_run(trial), "--into=out/whole"]


def _run(option: str, make: Callable[[Trial], Path]) -> Options:
    def write(trial: Trial) -> list[object]:
        data = [] if option == "data" else [f"--data={trial.sound.rows}"]
        model = [] if option in {"model", "answers"} else ["--model=coin"]
        return ["run", f"--{option}={make(trial)}", "--reports=out", *data, *model]

    return write


_COMMANDS: dict[str, tuple[Options, int]] = {
    "data, official": (_inspect(break_official), 7),
    "data, rows": (_inspect(break_rows), 7),
    "compare": (_compare, 8),
    "report": (_report, 7),
    "runs": (_list, 4),
    "merge": (_merge, 7),
    "run --data, official": (_run("data", break_official), 3),
    "run --data, rows": (_run("data", break_rows), 3),
    "run --model": (_run("model", break_card), 4),
    "run --gates": (_run("gates", break_gates), 4),
    "run --baseline": (_run("baseline", break_run), 3),
    "run --answers": (_run("answers", break_run), 3),
}
"""What is started with a broken input, and how often: sixty times together."""


@pytest.mark.parametrize(
    ("name", "number"),
    [(name, number) for name, (_, count) in _COMMANDS.items() for number in range(count)],
)
def test_a_command_works_or_says_why_not(
    name: str, number: int, sound: Sound, tmp_path: Path
) -> None:
    """The status is one that docs/ci.md names; no traceback, no hang, nothing beside ``out``."""
    rng = random.Random(f"{SEED}/{name}/{number}")
    trial = Trial(rng=rng, box=tmp_path / "box", sound=sound)
    trial.box.mkdir()
    make, _ = _COMMANDS[name]
    arguments = make(trial)
    before = list_places(tmp_path)
    command = [sys.executable, "-m", "fakebench_suite", *map(str, arguments)]
    limit = (_LIBRARIES + MEMORY) >> 10
    result = subprocess.run(
        ["/bin/sh", "-c", f'ulimit -v {limit}; exec "$@"', "sh", *command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="strict",
        check=False,
        cwd=trial.box,
        timeout=_SECONDS,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
    )
    statuses = {0, 1, 2, 6} | ({4} if name.startswith("run") else set())
    errors = result.stderr if result.returncode != 4 else ""
    check_said(result.returncode, result.stdout + result.stderr, errors, frozenset(statuses))
    assert result.returncode != 4 or "ERROR: " in result.stderr
    benchmarks = Path("box/.benchmarks")  # pytest-benchmark makes it, and it stays empty.
    new_paths = list_places(tmp_path) - before - {benchmarks}
    new_paths = {path for path in new_paths if path.parts[:2] != ("box", "out")}
    if name == "report":
        new_paths = {path for path in new_paths if path.parts[:2] != ("box", "run")}
    assert not new_paths


def list_places(folder: Path) -> set[Path]:
    """Everything below a directory."""
    return {path.relative_to(folder) for path in folder.rglob("*")}
