"""The package as its wheel installs it, in place of the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.plugin.forking import ADDRESS, complete

ROOT = Path(__file__).parents[1]
_SECONDS = 300.0
"""After which a call has failed."""


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, in ``folder``."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install_wheel(folder: Path) -> Path:
    """A directory of packages with the wheel's content, below ``folder``, which is made."""
    folder.mkdir()
    with zipfile.ZipFile(build_wheel(folder)) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def call_installed(
    site: Path, cwd: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Python in the directory ``cwd``, with the packages of ``site`` before all others."""
    return subprocess.run(
        [sys.executable, "-P", *words],
        cwd=cwd,
        env=_make_environment(site) | variables,
        capture_output=True,
        text=True,
        check=False,
    )


class Installation:
    """The packages of ``site``, called in processes that have imported them already.

    ``forks`` is the address of the :class:`tests.plugin.forking.Server` that has.
    """

    def __init__(self, site: Path, forks: str) -> None:
        self._site, self._forks = site, forks

    def call(self, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """``call_installed``, but for what Python does at its start."""
        command = [sys.executable, "-P", *words]
        environment = _make_environment(self._site) | {ADDRESS: self._forks}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(ADDRESS, self._forks)
            result = complete(command, cwd=cwd, env=environment, stdin=b"", timeout=_SECONDS)
        output, errors = result.stdout.decode(), result.stderr.decode()
        return subprocess.CompletedProcess(command, result.returncode, output, errors)


def _make_environment(site: Path) -> dict[str, str]:
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("PYTEST_")}
    return environment | {"PYTHONPATH": str(site)}
