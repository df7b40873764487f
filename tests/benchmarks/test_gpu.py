"""The benchmark of a GPU works, and says in a sentence where there is none."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "gpu.sh"


def call(*words: str) -> "subprocess.CompletedProcess[str]":
    """The script with this interpreter, where no GPU can be seen."""
    return subprocess.run(
        ["/bin/sh", str(SCRIPT), *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": ""},
    )


@pytest.mark.process
def test_without_a_gpu_nothing_is_run(tmp_path: Path) -> None:
    """One sentence, status 2, and no step."""
    result = call(str(tmp_path / "out"))
    assert result.returncode == 2
    assert result.stdout == (
        "There is no GPU here that torch can use: run this on a machine with one.\n"
    )
    assert result.stderr == ""
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["gpu.txt"]


@pytest.mark.process
@pytest.mark.parametrize("words", [(), ("one", "two")])
def test_it_needs_a_folder(words: Sequence[str]) -> None:
    """And no more."""
    result = call(*words)
    assert result.returncode == 2
    assert result.stderr == "usage: benchmarks/gpu.sh FOLDER\n"


@pytest.mark.checkpoint
def test_its_tables_can_be_made_on_a_cpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over a tiny model: every way is timed and compared, and look-ahead answers the same."""
    from benchmarks import gpu

    options = ["--shape=tiny", "--device=cpu", "--images=2", "--tokens=2"]
    monkeypatch.setattr(sys, "argv", ["gpu.py", *options])
    gpu.main()
    printed = capsys.readouterr().out
    assert "path: prefix" in printed
    ratios = dict(re.findall(r"^ratio (\S+) (\d+\.\d+)$", printed, re.MULTILINE))
    assert set(ratios) == {
        "ahead-vs-one-by-one",
        "ahead-vs-plain-batches",
        "ahead-vs-prefix-units-of-64",
        "ahead-vs-prefix-units-of-1024",
        "likelihood-ahead-vs-in-turn",
    }
    assert all(float(ratio) > 0 for ratio in ratios.values())
    rows = [line for line in printed.splitlines() if "prefix, " in line]
    assert len(rows) == 3
    assert all("28 of 28" in row for row in rows)
