"""The wheel holds all that a run needs: cases, cards, weights and gates, in an empty directory."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fakebench_suite.checkpoints.fingerprint import digest_code

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[1]
CALLS = {
    "command": ["-m", "fakebench_suite", "run"],
    "plugin": ["-m", "pytest", "-p", "fakebench_suite.plugin", "--pyargs", "fakebench_suite.cases"],
}
CASES = ["--model=always-fake", "-m", "detection", "--sample=4", "-p", "no:cacheprovider"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of packages with the wheel's content."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def call(site: Path, where: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Python, with the wheel in place of the checkout."""
    return subprocess.run(
        [sys.executable, "-P", *words],
        cwd=where,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_needs_nothing_but_the_wheel(site: Path, tmp_path: Path) -> None:
    """The command and plain pytest give the same scores; the command rules by the own gates."""
    scores = set()
    for name, words in CALLS.items():
        result = call(site, tmp_path, *words, *CASES, f"--run={name}")
        assert result.returncode == 0, result.stdout
        scores.add((tmp_path / "reports" / name / "scores.json").read_bytes())
        manifest = json.loads((tmp_path / "reports" / name / "manifest.json").read_bytes())
        assert manifest["identity"]["code"] == digest_code()
        assert manifest["gates"]["file"] == {"command": "gates.toml", "plugin": None}[name]
    assert len(scores) == 1
    assert {place.name for place in tmp_path.iterdir()} <= {"reports", ".benchmarks"}


def test_node_ids_can_be_pasted_back(site: Path, tmp_path: Path) -> None:
    """As the summary prints them, wherever the command is called."""
    listed = call(site, tmp_path, *CALLS["command"], *CASES, "--collect-only", "-q")
    nodeid = next(line for line in listed.stdout.splitlines() if "::" in line)
    again = call(site, tmp_path, *CALLS["command"], nodeid, *CASES)
    assert " 1 correct in " in again.stdout or " 1 missed in " in again.stdout, again.stdout


def test_the_cards_are_in_the_wheel(site: Path, tmp_path: Path) -> None:
    """With the weights of pocket, but for those that a hub has."""
    listed = call(site, tmp_path, "-m", "fakebench_suite", "models")
    rows = {line.split()[0]: line.split()[-1] for line in listed.stdout.splitlines()[1:]}
    assert rows["pocket"] == "here"
    assert {path.stem for path in (ROOT / "models").glob("*.toml")} <= set(rows)
