"""A project of its own for every plugin test: the suite's conftest and cases, small data."""

import gc
import itertools
import json
import shutil
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from fakebench_suite.prompts import DETECTION, FAULTFINDING, INFERENCE
from tests.plugin.sandbox import ROOT, SCRIPT, Run

if TYPE_CHECKING:
    from types import ModuleType


@pytest.fixture(autouse=True, scope="module")
def _litter() -> Iterator[None]:
    """Collect what the runs of a module left, once: each keeps it from the collector's sight."""
    yield
    gc.unfreeze()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # An end by force leaves files open.
        gc.collect()
    gc.freeze()


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


TIMEOUT = 300
"""Seconds after which a run in a process of its own has failed."""


class Keeper:
    """Keeps what a run in this process has imported, so that the next need not import it again.

    pytester forgets what was imported meanwhile, after a run and again in the end, and C extensions
    do not bear a second import. What lies in a test's own directory is forgotten: conftest.py and
    cases.
    """

    def __init__(self, own: Path) -> None:
        self._own = own
        self._loaded: dict[str, ModuleType] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Note what is loaded while it still is."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            places = [file] if file else list(getattr(module, "__path__", ()))
            if not any(Path(place).is_relative_to(self._own) for place in places):
                self._loaded[name] = module

    def restore(self) -> None:
        """Put it back, once pytester has forgotten it."""
        sys.modules.update(self._loaded)


@pytest.fixture(autouse=True)
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    """It is there before pytester is, so that its turn comes after pytester's."""
    keeper = Keeper(tmp_path_factory.getbasetemp())
    yield keeper
    keeper.restore()


def complete_options(options: Sequence[str]) -> list[str]:
    """The options with a model and a run name, where they name none."""
    preset = [] if any(o.startswith("--model") for o in options) else ["--model=scripted.toml"]
    preset += [] if any(o.startswith("--run") for o in options) else ["--run=run"]
    return [*preset, *options]


def needs_process(options: Sequence[str], project: Path) -> bool:
    """Whether a run could leave this process changed, or end it.

    A plugin of the project's own replaces parts of the suite or sends signals, and what a model
    hangs in is ended.
    """
    own = {path.stem for path in project.glob("*.py")}
    plugins = {name for option, name in itertools.pairwise(options) if option == "-p"}
    return bool(own & plugins) or any(o.startswith("--unit-timeout") for o in options)


@pytest.fixture
def run(
    request: pytest.FixtureRequest,
    pytester: pytest.Pytester,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    keeper: Keeper,
) -> Iterator[Run]:
    """``run(*options)`` runs the suite, model and run name preset.

    It does so in this process where the module says ``INSIDE = True`` and the options allow it:
    that takes a second in place of five. Workers are processes of their own as ever. What else
    needs an interpreter of its own takes ``run_apart``: signals, encodings, and variables that are
    read at import time.
    """
    assert project == pytester.path
    forget_session(monkeypatch)
    inside = getattr(request.module, "INSIDE", False)

    def start(*options: str) -> pytest.RunResult:
        if not inside or needs_process(options, project):
            return pytester.runpytest_subprocess(*complete_options(options), timeout=TIMEOUT)
        try:
            return pytester.runpytest_inprocess(
                *complete_options(options), plugins=[keeper], no_reraise_ctrlc=True
            )
        finally:
            keeper.restore()

    yield start
    gc.enable()


@pytest.fixture
def run_apart(pytester: pytest.Pytester, project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``run_apart(*options)`` is ``run`` in a process of its own, as users start it."""
    assert project == pytester.path
    forget_session(monkeypatch)

    def start(*options: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess(*complete_options(options), timeout=TIMEOUT)

    return start


def forget_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the session around leaves in the environment."""
    for name in ("ADDOPTS", "XDIST_WORKER", "XDIST_WORKER_COUNT", "XDIST_TESTRUNUID"):
        monkeypatch.delenv(f"PYTEST_{name}", raising=False)
