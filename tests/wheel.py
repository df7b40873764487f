"""The package as its wheel installs it, in place of the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, in ``folder``."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install_wheel(folder: Path) -> Path:
    """A directory of packages with the wheel's content, below ``folder``."""
    with zipfile.ZipFile(build_wheel(folder)) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def call_installed(
    site: Path, cwd: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Python in the directory ``cwd``, with the packages of ``site`` before all others."""
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-P", *words],
        cwd=cwd,
        env=environment | {"PYTHONPATH": str(site)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
