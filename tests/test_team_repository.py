"""A repository of a team's own: its cases, its card and its gates, run by the installed plugin."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.plugin.sandbox import SCRIPT
from tests.wheel import Installation

CONFTEST = '''"""Our model answers questions about our pictures."""

pytest_plugins = ["fakebench_suite.plugin"]

collect_ignore = ["cards", "pictures"]
'''
SETTINGS = "[pytest]\naddopts = --model=cards/ours.toml --data=pictures/cases.jsonl\n"
CASES = '''"""Our own questions."""

import pytest


@pytest.mark.detection
def test_pictures(case, ask, judge, record):
    record(judge(case, ask(case)))
'''
GATES = """
[[gate]]
name = "ours"
kind = "threshold"
task = "detection"
metric = "accuracy"
at_least = 0.25
on = "value"
"""
PYTEST = ("-m", "pytest")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Four pictures, of which the card's model calls each fake; two are real."""
    for name in ("cards", "pictures", "tests"):
        (tmp_path / name).mkdir()
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    assert len(CONFTEST.splitlines()) == 5
    (tmp_path / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "gates.toml").write_text(GATES, encoding="utf-8")
    (tmp_path / "cards" / "ours.toml").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "tests" / "test_pictures.py").write_text(CASES, encoding="utf-8")
    rows = []
    for number in range(4):
        image = f"{number}.png"
        Image.new("RGB", (9, 9), (40 * number, 0, 0)).save(tmp_path / "pictures" / image)
        label = ("fake", "real")[number % 2]
        row = {"id": f"p{number}", "task": "detection", "image": image, "label": label}
        rows.append(json.dumps(row | {"question": "Is this picture fake or real?"}))
    (tmp_path / "pictures" / "cases.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path


def list_recorded(repository: Path, run: str) -> list[str]:
    """The cases of a run."""
    lines = (repository / "reports" / run / "records.jsonl").read_bytes().splitlines()
    return sorted(json.loads(line)["case"]["id"] for line in lines)


def test_a_team_asks_its_own_cases(installation: Installation, repository: Path) -> None:
    """Its gates rule, also over workers; ``--lf`` asks the misses, and ``-k`` what it names."""
    for run, options in (("one", ("-n0",)), ("two", ("-n2", "-p", "no:cacheprovider"))):
        result = installation.call(repository, *PYTEST, f"--run={run}", *options)
        assert result.returncode == 0, result.stdout + result.stderr
        manifest = json.loads((repository / "reports" / run / "manifest.json").read_bytes())
        assert manifest["gates"]["file"] == "gates.toml"
        assert manifest["model"]["name"] == "ours"
    first, second = (repository / "reports" / run / "scores.json" for run in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    recorded, missed = list_recorded(repository, "one"), ["1.png:p1", "3.png:p3"]
    assert len(recorded) == 4
    installation.call(repository, *PYTEST, "--run=again", "--lf", "-n0")
    assert list_recorded(repository, "again") == missed
    installation.call(repository, *PYTEST, "--run=chosen", "-k", "p2", "-n0")
    assert list_recorded(repository, "chosen") == ["2.png:p2"]


@pytest.mark.parametrize(
    "arguments", [(), ("--pyargs", "fakebench_suite.cases")], ids=["own", "suite"]
)
@pytest.mark.parametrize("folder", [".", "tests"])
def test_what_the_summary_prints_can_be_pasted(
    installation: Installation, repository: Path, arguments: tuple[str, ...], folder: str
) -> None:
    """Node ids of a team's own cases and of the suite's, where pytest was called."""
    paths = ("--data=../pictures/cases.jsonl", "--model=../cards/ours.toml")
    options = ("-n0", "--gates=none", *(paths if folder == "tests" else ()))
    cwd = repository / folder
    first = installation.call(cwd, *PYTEST, *arguments, "--run=first", "--strict-cases", *options)
    lines = [line for line in first.stdout.splitlines() if line.startswith("FAILED ")]
    assert len(lines) == 2, first.stdout + first.stderr
    nodeid = lines[0].split()[1]
    installation.call(cwd, *PYTEST, nodeid, "--run=second", *options)
    assert list_recorded(cwd, "second") == [nodeid.partition("[")[2].removesuffix("]")]
