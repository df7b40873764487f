"""The wheel holds all that a run needs: cases, cards, weights and gates, in an empty directory."""

import json
from pathlib import Path

from fakebench_suite.checkpoints.fingerprint import digest_code
from tests.wheel import ROOT, Installation, call_installed

CALLS = {
    "command": ["-m", "fakebench_suite", "run"],
    "plugin": ["-m", "pytest", "-p", "fakebench_suite.plugin", "--pyargs", "fakebench_suite.cases"],
}
CASES = ["--model=always-fake", "-m", "detection", "--sample=4", "-p", "no:cacheprovider"]


def test_a_run_needs_nothing_but_the_wheel(site: Path, tmp_path: Path) -> None:
    """The command and plain pytest give the same scores; the command rules by the own gates."""
    scores = set()
    for name, words in CALLS.items():
        result = call_installed(site, tmp_path, *words, *CASES, f"--run={name}")
        assert result.returncode == 0, result.stdout
        scores.add((tmp_path / "reports" / name / "scores.json").read_bytes())
        manifest = json.loads((tmp_path / "reports" / name / "manifest.json").read_bytes())
        assert manifest["identity"]["code"] == digest_code()
        program = {"command": "fakebench run --model", "plugin": "pytest -p"}[name]
        assert manifest["command"].startswith(program)
        assert manifest["gates"]["file"] == {"command": "gates.toml", "plugin": None}[name]
    assert len(scores) == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"reports", ".benchmarks"}


def test_node_ids_can_be_pasted_back(installation: Installation, tmp_path: Path) -> None:
    """As the summary prints them, wherever the command is called."""
    collected = installation.call(tmp_path, *CALLS["command"], *CASES, "--collect-only", "-q")
    nodeid = next(line for line in collected.stdout.splitlines() if "::" in line)
    result = installation.call(tmp_path, *CALLS["command"], nodeid, *CASES)
    assert " 1 correct in " in result.stdout or " 1 missed in " in result.stdout, result.stdout


def test_node_ids_can_be_pasted_back_to_pytest(installation: Installation, tmp_path: Path) -> None:
    """The cases lie outside the root, and are named by their module, wherever pytest is called."""
    collected = installation.call(tmp_path, *CALLS["plugin"], *CASES, "--collect-only", "-q")
    nodeid = next(line for line in collected.stdout.splitlines() if "::" in line)
    assert nodeid.startswith("fakebench_suite.cases.test_detection::test_detection[")
    plugin_call = ("-m", "pytest", "-p", "fakebench_suite.plugin")
    for command in (plugin_call, (*plugin_call, "--pyargs"), CALLS["command"]):
        result = installation.call(tmp_path, *command, nodeid, *CASES, "--collect-only", "-q")
        nodeids = [line for line in result.stdout.splitlines() if "::" in line]
        assert [line.partition("::")[2] for line in nodeids] == [nodeid.partition("::")[2]]


def test_the_cards_are_in_the_wheel(installation: Installation, tmp_path: Path) -> None:
    """With the weights of pocket, but for those that a hub has."""
    result = installation.call(tmp_path, "-m", "fakebench_suite", "models")
    rows = {line.split()[0]: line.split()[-1] for line in result.stdout.splitlines()[1:]}
    assert rows["pocket"] == "here"
    assert {path.stem for path in (ROOT / "models").glob("*.toml")} <= set(rows)


def test_mistaken_arguments_of_plain_pytest_are_one_sentence(
    installation: Installation, tmp_path: Path
) -> None:
    """As in a checkout: a directory is no tests, and an option is misspelt or lacks the plugin."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "conftest.py").write_text("raise SystemExit('ran')\n", encoding="utf-8")
    unloaded = [word for word in CALLS["plugin"] if word not in ("-p", "fakebench_suite.plugin")]
    for command, words, message in (
        (CALLS["plugin"], ["--data", "data"], "Write --data=data"),
        (CALLS["plugin"], ["--modell=coin"], "There is no option --modell; nearest: --model."),
        (unloaded, ["--model=coin"], "Add -p fakebench_suite.plugin."),
    ):
        result = installation.call(tmp_path, *command, *words)
        assert result.returncode == 4
        assert message in result.stderr
