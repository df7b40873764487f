"""The benchmarks are no part of the tests, but each of them can be started."""

import os
import sys
from pathlib import Path

import pytest

from tests.plugin.forking import ADDRESS, complete

ROOT = Path(__file__).parents[1]
HELP = """
import runpy, sys

for script in sys.argv[1:]:
    sys.argv[:] = [script, "--help"]
    print("script", script, flush=True)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        print("ends with", end.code)
"""


def test_each_benchmark_shows_its_help(forks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it imports is there; all in one process, which need not import torch."""
    monkeypatch.setenv(ADDRESS, forks)
    folder = ROOT / "benchmarks"
    scripts = [str(p) for p in sorted(folder.glob("*.py")) if "\nif __name__" in p.read_text()]
    assert len(scripts) >= 5
    result = complete(
        [sys.executable, "-c", HELP, *scripts],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=b"",
        timeout=300,
    )
    assert result.returncode == 0, result.stderr.decode()
    outputs = result.stdout.decode().split("script ")[1:]
    assert [output.splitlines()[0] for output in outputs] == scripts
    for output in outputs:
        assert "\nusage: " in output
        assert output.endswith("ends with 0\n")
