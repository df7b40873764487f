"""What the plugin tests share: the ways to run, a scripted model, and reading records."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MODES = (("-n0",), ("-n2",))
"""In one process, and over workers."""
WITHOUT_XDIST = ("-p", "no:xdist")
EVERY_MODE = (*MODES, WITHOUT_XDIST)
Run = Callable[..., pytest.RunResult]

SCRIPT = """
adapter = "scripted"
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


def read_records(project: Path, run: str = "run") -> list[dict[str, Any]]:
    """The records of a run, as written."""
    lines = (project / "reports" / run / "records.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def read_rulings(project: Path, run: str = "run") -> list[dict[str, Any]]:
    """What the gates of a run decided."""
    path = project / "reports" / run / "gates.json"
    rulings: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["results"]
    return rulings


def write_unloadable(folder: Path) -> None:
    """A checkpoint whose files are whole, and of no architecture that there is."""
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "chat_template.jinja").write_text("", encoding="utf-8")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")


def read_manifest(project: Path, run: str = "run") -> dict[str, Any]:
    """The manifest of a run."""
    path = project / "reports" / run / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def read_result(project: Path, run: str = "run") -> dict[str, Any]:
    """What a run came to, as ``gates.json`` says it."""
    path = project / "reports" / run / "gates.json"
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result
