"""A project of its own for every plugin test: the suite's conftest and cases, small data."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.prompts import DETECTION, FAULTFINDING, INFERENCE
from tests.plugin.sandbox import ROOT, SCRIPT, Run


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """The suite's conftest, cases and pytest settings in an empty directory."""
    shutil.copy(ROOT / "conftest.py", pytester.path)
    shutil.copy(ROOT / "pyproject.toml", pytester.path)
    shutil.copytree(
        ROOT / "cases", pytester.path / "cases", ignore=shutil.ignore_patterns("__pycache__")
    )
    (pytester.path / "scripted.toml").write_text(SCRIPT, encoding="utf-8")
    return pytester.path


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
        side = folder / ("fake_images" if fake else "real_images")
        side.mkdir(exist_ok=True)
        Image.new("RGB", (24, 16), (number * 15, 90, 30)).save(side / name)
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
def run(pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run(*options)`` starts the suite in a process of its own, model and run name preset."""
    assert project == pytester.path
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(name, raising=False)

    def start(*options: str) -> pytest.RunResult:
        preset = [] if any(o.startswith("--model") for o in options) else ["--model=scripted.toml"]
        preset += [] if any(o.startswith("--run") for o in options) else ["--run=run"]
        return pytester.runpytest_subprocess(*preset, *options, timeout=300)

    return start


@pytest.fixture
def run_inside(pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run_inside(*options)`` is ``run`` in this process: quicker, and never with workers."""
    assert project == pytester.path
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def start(*options: str) -> pytest.RunResult:
        preset = [] if any(o.startswith("--model") for o in options) else ["--model=scripted.toml"]
        preset += [] if any(o.startswith("--run") for o in options) else ["--run=run"]
        return pytester.runpytest_inprocess(*preset, "-n0", *options)

    return start
