"""The Makefile."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.process
@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("qwen2.5-vl", "qwen2.5-vl"),
        ("./release-1.2", "release-1.2"),
        ("./candidate/", "candidate"),
        ("cards/mine-1.5.toml", "mine-1.5"),
    ],
)
def test_latency_is_stored_under_the_name_of_the_model(model: str, name: str) -> None:
    """Whatever dots and slashes are in what was asked for."""
    command = ["make", "-n", "-o", ".venv/ready", "latency", f"MODEL={model}"]
    result = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert re.findall(r"--benchmark-save=(\S*)", result.stdout) == [name]
