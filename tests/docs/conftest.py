"""A directory in which every command of the documents finds what it names."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.tasks.prompts import DETECTION, FAULTFINDING, INFERENCE
from tests.backends.classifier.detectors import write_card, write_onnx
from tests.datasets.other_benchmarks import write_loki
from tests.docs.markdown import ROOT, list_blocks
from tests.plugin.forking import ADDRESS, complete
from tests.plugin.sandbox import QUICK

Row = dict[str, object]
Call = Callable[..., str]
_SECONDS = 300
GENERATORS = ("dalle3", "midjourney")


def write_pictures(folder: Path) -> None:
    """Four pictures of two generators and four others, in FakeBench's layout."""
    for number in range(8):
        fake = number < 4
        subfolder = folder / ("fake_images" if fake else "real_images")
        subfolder.mkdir(parents=True, exist_ok=True)
        name = f"{GENERATORS[number % 2]}-{1190 + number:05}.png" if fake else f"{number}.png"
        Image.new("RGB", (48, 32), (number * 30, 90, 200 - number * 20)).save(subfolder / name)


def write_fakebench(folder: Path) -> None:
    """A small data set of FakeBench's shape: 20 cases of all tasks on 8 pictures."""
    write_pictures(folder)
    questions = list(DETECTION.values())
    rows: dict[str, list[Row]] = {"FakeClass": [], "FakeClue": [], "FakeQA": []}
    for subfolder, fake in (("fake_images", True), ("real_images", False)):
        for number, path in enumerate(sorted((folder / subfolder).iterdir())):
            question = questions[number % 3]
            row: Row = {"image_id": path.name, "question": question, "authenticity": int(not fake)}
            rows["FakeClass"].append(row)
            if fake:
                clue = {"faultfinding_mode": FAULTFINDING, "inference_mode": INFERENCE}
                rows["FakeClue"].append({"image_id": path.name, **clue})
                analysis_question = "How is the light and shadow of this image?"
                rows["FakeQA"].append({"image_id": path.name, "Q1": analysis_question, "A1": ""})
    (folder / "Evaluation").mkdir()
    for stem, content in rows.items():
        path = folder / "Evaluation" / f"{stem}.json"
        path.write_text(json.dumps(content), encoding="utf-8")


def write_examples(folder: Path) -> None:
    """What the documents name: cases of the reader's own, a checkpoint, a gates file."""
    (folder / "photos").mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 40), (200, 40, 90)).save(folder / "photos" / name)
    case = {
        "id": "a1", "task": "detection", "image": "photos/a.png", "label": "fake",
        "question": "Is this a fake image, yes or no?",
    }  # fmt: skip
    (folder / "my-cases.jsonl").write_text(json.dumps(case) + "\n", encoding="utf-8")
    for number, name in enumerate(("real", "sdxl", "real", "flux") * 2):
        (folder / "my-images" / name).mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (24, 16), (number * 30, 90, 30))
        image.save(folder / "my-images" / name / f"{number}.png")
    shutil.copy(ROOT / "gates.toml", folder / "my-gates.toml")
    (folder / "my-detector").mkdir()
    graph = write_onnx(folder / "my-detector" / "model.onnx", [0.0, 1.0])
    settings = ('labels = ["real", "fake"]', "image_mean = [0, 0, 0]", "image_std = [1, 1, 1]")
    write_card(folder / "my-detector" / "card.toml", graph, *settings)
    for name in ("my-checkpoint", "candidate"):
        (folder / name).symlink_to(ROOT / "models" / "pocket")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout's cases and configuration, with the examples beside them."""
    folder = tmp_path_factory.mktemp("workplace")
    for name in ("conftest.py", "pyproject.toml", "gates.toml"):
        shutil.copy(ROOT / name, folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "cases", folder / "cases", ignore=ignored)
    write_fakebench(folder / "path" / "to" / "FakeBench")
    write_loki(folder / "path" / "to" / "LOKI")
    write_examples(folder)
    return folder


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of somebody's own, as the quickstart describes it: nothing of the checkout."""
    folder = tmp_path_factory.mktemp("repository")
    write_examples(folder)
    blocks = [
        block
        for name in ("quickstart.md", "models.md")
        for block in list_blocks(ROOT / "docs" / name, "python")
    ]
    for block in blocks:
        path = folder / block.text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    (folder / "cards").mkdir()
    shutil.copy(ROOT / "models" / "always-fake.toml", folder / "cards" / "mine.toml")
    (folder / "cards" / "detector.toml").write_text('backend = "detector"\n', encoding="utf-8")
    (points,) = list_blocks(ROOT / "docs" / "models.md", "ini")
    installed = folder / "my_detector-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Name: my-detector\nVersion: 1.0\n", encoding="utf-8")
    entry_points = points.text.replace('[project.entry-points."', "[").replace('"]', "]")
    entry_points = entry_points.replace('"', "")
    (installed / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    shutil.copy(ROOT / "gates.toml", folder)
    return folder


@pytest.fixture(scope="module")
def call(workplace: Path, forks: str) -> Call:
    """``call(words, allowed)`` runs a command and returns what it printed.

    A command of ``pytest`` or ``fakebench`` is given in words and runs in a process that has
    imported the suite already; any other is one word, a line for the shell. The exit status is one
    of those allowed. ``cwd`` is another directory than the workplace.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment |= {"PATH": path, "COLUMNS": "120"}
    environment |= {"PYTEST_ADDOPTS": shlex.join(("--sample=8", "-n0", *QUICK)), ADDRESS: forks}
    modules = {"pytest": "pytest", "fakebench": "fakebench_suite"}

    def run(words: list[str], allowed: set[int], cwd: Path = workplace) -> str:
        module = modules.get(words[0])
        command = (
            ["/bin/sh", "-c", words[0]]
            if module is None
            else [sys.executable, "-m", module, *words[1:]]
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(ADDRESS, forks)
            if module is None:
                command = [sys.executable, "-c", f"import os; os.execv('/bin/sh', {command!r})"]
            result = complete(
                command,
                cwd=cwd,
                env=environment | {"PYTHONPATH": str(cwd)},
                stdin=b"",
                timeout=_SECONDS,
            )
        output = result.stdout.decode() + result.stderr.decode()
        assert result.returncode in allowed, f"{words} ends with {result.returncode}:\n{output}"
        return output

    return run
