"""What the plugin tests share: the ways to run, a scripted model, and reading records."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODES = (("-n0",), ("-n2",))
"""In one process, and over workers."""
WITHOUT_XDIST = ("-p", "no:xdist")
EVERY_MODE = (*MODES, WITHOUT_XDIST)
Run = Callable[..., pytest.RunResult]
Command = Callable[..., subprocess.CompletedProcess[str]]

SCRIPT = """
backend = "scripted"
[script]
what = ["fake"]
isfake = ["yes"]
isreal = ["no"]
faultfinding = ["This is a fake image because the texture repeats."]
inference = ["The light is odd. Conclusion: fake."]
criterion = ["It is natural."]
"""
SLOW = SCRIPT + "seconds = 0.02\n"
LATENCY = "cases/test_latency.py"
QUICK = ("--benchmark-max-time=0.01", "--benchmark-min-rounds=4")


FLOOR = """
[[gate]]
name = "floor"
kind = "threshold"
task = "detection"
metric = "accuracy"
at_least = {bar}
compare = "value"
"""


def write_unloadable(folder: Path) -> None:
    """A checkpoint whose files are whole, and of no architecture that there is."""
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "chat_template.jinja").write_text("", encoding="utf-8")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
