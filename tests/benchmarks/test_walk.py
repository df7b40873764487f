"""How far a case walks through the package."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES, JUMPS = 30, 80
"""Fewer than so many can be followed by a stranger, from the row of a case to its record."""


@pytest.mark.process
def test_a_case_walks_through_few_files() -> None:
    """Each file that every case passes through has to be worth it."""
    command = [sys.executable, "benchmarks/walk.py", "coin"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    counts = re.search(r"^coin: (\d+) files, .* (\d+) jumps$", printed, re.MULTILINE)
    assert counts is not None, printed
    files, jumps = map(int, counts.groups())
    assert 10 < files < FILES
    assert 10 < jumps < JUMPS
