"""A project of its own for every plugin test: the suite's conftest and cases, small data."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from fakebench_suite.tasks.prompts import DETECTION, FAULTFINDING, INFERENCE
from tests.helpers import call_forked
from tests.plugin.forking import ADDRESS, Forked
from tests.plugin.sandbox import ROOT, SCRIPT, Command, Run

_LOADED: dict[str, ModuleType] = {}
"""What was imported when a test ended."""


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    """Put back what pytester forgets: C extensions do not bear a second import.

    It is there before pytester is, so that its turn comes after pytester's.
    """
    yield
    sys.modules.update(_LOADED)


@pytest.fixture
def project(pytester: pytest.Pytester) -> Iterator[Path]:
    """The suite's conftest, cases and pytest settings in an empty directory."""
    shutil.copy(ROOT / "conftest.py", pytester.path)
    shutil.copy(ROOT / "pyproject.toml", pytester.path)
    shutil.copytree(
        ROOT / "cases", pytester.path / "cases", ignore=shutil.ignore_patterns("__pycache__")
    )
    (pytester.path / "scripted.toml").write_text(SCRIPT, encoding="utf-8")
    yield pytester.path
    _LOADED.update(sys.modules)


@pytest.fixture
def data(project: Path) -> Path:
    """Eight fake and eight real pictures in the official layout: 8 x 5 + 8 cases."""
    folder = project / "data"
    (folder / "Evaluation").mkdir(parents=True)
    rows: dict[str, list[dict[str, object]]] = {"FakeClass": [], "FakeClue": [], "FakeQA": []}
    questions = list(DETECTION.values())
    for number in range(16):
        fake = number % 2 == 0
        name = f"{('glide', 'vqdm')[number // 2 % 2]}-{number:02}.png" if fake else f"{number}.png"
        subfolder = folder / ("fake_images" if fake else "real_images")
        subfolder.mkdir(exist_ok=True)
        Image.new("RGB", (24, 16), (number * 15, 90, 30)).save(subfolder / name)
        question = questions[number // 2 % 3]
        answer = {"image_id": name, "question": question, "authenticity": int(not fake)}
        rows["FakeClass"].append(answer)
        if fake:
            clue = {"faultfinding_mode": FAULTFINDING, "inference_mode": INFERENCE}
            rows["FakeClue"].append({"image_id": name, "content_categories": "photo", **clue})
            edge, tone = "How is the edge?", "How is the overall tone?"
            rows["FakeQA"].append({"image_id": name, "Q1": edge, "A1": "", "Q2": tone, "A2": ""})
    for stem, content in rows.items():
        path = folder / "Evaluation" / f"{stem}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def referenced(data: Path) -> Path:
    """The small data set with clues for every fake image and one answer of each two, all unlike."""
    for stem in ("FakeClue", "FakeQA"):
        path = data / "Evaluation" / f"{stem}.json"
        rows = json.loads(path.read_text(encoding="utf-8"))
        for number, row in enumerate(rows):
            row["A1"] = f"The edge is jagged in {number} places."
            row["telltale_clues"] = [f"There are {number} fingers.", "A bent horizon."]
        path.write_text(json.dumps(rows), encoding="utf-8")
    return data


TIMEOUT = 300
"""Seconds after which a run in a process of its own has failed."""


def complete_options(options: Sequence[str]) -> list[str]:
    """The options with a model and a run name, where they name none or resume a run."""
    if any(o.startswith("--resume") for o in options):
        return [*options]
    preset = [] if any(o.startswith("--model") for o in options) else ["--model=scripted.toml"]
    preset += [] if any(o.startswith("--run") for o in options) else ["--run=run"]
    return [*preset, *options]


@pytest.fixture
def run(
    pytester: pytest.Pytester, project: Path, forks: str, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """``run(*options)`` runs the suite in a process of its own, model and run name preset.

    The process is forked, see :mod:`.forking`. What needs an interpreter of its own takes
    ``run_apart``: hash seeds, encodings, and variables that are read at import time.
    """
    assert project == pytester.path
    forget_session(monkeypatch)

    def fork(command: Sequence[str], **streams: Any) -> Forked:
        with Path(os.devnull).open("rb") as stdin:
            return Forked(command, (stdin, streams["stdout"], streams["stderr"]))

    def start(*options: str) -> pytest.RunResult:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(ADDRESS, forks)
            patch.setenv("PYTHONPATH", str(project), prepend=os.pathsep)
            patch.setattr(pytester, "popen", fork)
            return pytester.runpytest_subprocess(*complete_options(options), timeout=TIMEOUT)

    return start


@pytest.fixture
def run_apart(pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run_apart(*options)`` is ``run`` in a process that begins with nothing imported."""
    assert project == pytester.path
    forget_session(monkeypatch)

    def start(*options: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(*complete_options(options), timeout=TIMEOUT)

    return start


@pytest.fixture
def fakebench(forks: str) -> Command:
    """``fakebench(*words, cwd=FOLDER, **variables)`` calls the command in a forked process."""
    return partial(call_forked, forks)


def forget_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the session around leaves in the environment."""
    for name in ("ADDOPTS", "XDIST_WORKER", "XDIST_WORKER_COUNT", "XDIST_TESTRUNUID"):
        monkeypatch.delenv(f"PYTEST_{name}", raising=False)
