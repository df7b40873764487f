"""What tests share: calling commands, waiting, reading runs, and letting cases ask fakes."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fakebench_suite.cli.main import app
from fakebench_suite.files.paths import expand_home
from tests import fakes
from tests.plugin.forking import ADDRESS, complete

Called = subprocess.CompletedProcess[str]
_FORK_SECONDS = 300.0
"""After which a forked call has failed."""
_CONFTEST = """
import fakes
import pytest
from fakebench_suite.plugin.xdist.inference_info import report_inference

@pytest.fixture(scope="session")
def model(request):
    fake = fakes.{model}
    yield fake
    report_inference(request.config, fake.describe())
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


def call(*arguments: str, cwd: Path | None = None, stdin: str = "") -> Called:
    """One call of ``fakebench`` in the directory ``cwd``, with standard input.

    It is made in this process, so that nothing has to be imported again; ``call_apart`` is the same
    in a process of its own.
    """
    with contextlib.chdir(cwd or Path()):
        result = CliRunner().invoke(
            app,
            list(map(expand_home, arguments)),
            input=stdin,
            prog_name="fakebench",
        )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Called(arguments, result.exit_code, result.stdout, result.stderr)


def call_apart(
    *arguments: str, cwd: Path | None = None, stdin: str = "", output: str = "utf-8"
) -> Called:
    """``call`` in a process of its own; ``output`` is the encoding of the terminal it writes to."""
    root = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "fakebench_suite", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(root), "PYTHONIOENCODING": output},
    )


def call_forked(
    forks: str, *arguments: str, cwd: Path, stdin: str = "", **variables: str
) -> Called:
    """``call_apart`` in a process that has imported the suite, see :mod:`tests.plugin.forking`.

    ``forks`` is the fixture of this name; ``variables`` are added to the environment.
    """
    environment = {name: os.environ[name] for name in os.environ if "PYTEST" not in name}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[1]), ADDRESS: forks, **variables}
    command = [sys.executable, "-W", "error", "-m", "fakebench_suite", *arguments]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ADDRESS, forks)
        result = complete(
            command, cwd=cwd, env=environment, stdin=stdin.encode(), timeout=_FORK_SECONDS
        )
    output, errors = result.stdout.decode(), result.stderr.decode()
    return subprocess.CompletedProcess(command, result.returncode, output, errors)


def install_package(folder: Path, name: str, *, source: str, entry_points: str) -> None:
    """Lay a package of one module into a directory, as if it had been installed there."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8"
    )
    (metadata / "entry_points.txt").write_text(entry_points, encoding="utf-8")


def wait_until(condition: Callable[[], object], *, seconds: float = 30.0) -> None:
    """Return once it is so; fail where it is not for so long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
