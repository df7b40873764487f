"""What tests of whole runs share: reading a run as text, and letting its cases ask a fake model."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import fakes

_CONFTEST = """
import fakes
import pytest
from fakebench_suite.plugin.xdist.routes import report_route

@pytest.fixture(scope="session")
def model(request):
    fake = fakes.{model}
    yield fake
    report_route(request.config, fake.describe())
"""


def use_model(project: Path, model: str) -> None:
    """Let the cases of a project ask a model of :mod:`tests.fakes`, such as ``FailingModel()``.

    It is made in the process that asks it, which finds a copy of the module beside its cases.
    """
    shutil.copy(fakes.__file__, project / "fakes.py")
    (project / "cases" / "conftest.py").write_text(_CONFTEST.format(model=model), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class WrittenRun:
    """The directory of a run, whose files are read as JSON without the suite's readers."""

    folder: Path

    def read(self, name: str) -> Any:
        """A file of JSON."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    @property
    def manifest(self) -> dict[str, Any]:
        """What the run was made with."""
        manifest: dict[str, Any] = self.read("manifest.json")
        return manifest

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records as they arrived."""
        lines = (self.folder / "records.jsonl").read_bytes().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def scores(self) -> list[dict[str, Any]]:
        """Every score."""
        scores: list[dict[str, Any]] = self.read("scores.json")
        return scores

    @property
    def result(self) -> dict[str, Any]:
        """What the run came to."""
        result: dict[str, Any] = self.read("gates.json")
        return result

    @property
    def rulings(self) -> list[dict[str, Any]]:
        """What its gates decided."""
        rulings: list[dict[str, Any]] = self.result["results"]
        return rulings


def read_run(project: Path, run: str = "run") -> WrittenRun:
    """A run of a project by its name."""
    return WrittenRun(project / "reports" / run)
