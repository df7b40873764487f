"""Latency is measured when it is asked for, stored, compared, and never under xdist."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import call
from tests.plugin.sandbox import SCRIPT, Run, read_records, read_rulings

FILE = "cases/test_latency.py"
QUICK = ("--benchmark-max-time=0.01", "--benchmark-min-rounds=4")
SLOW = SCRIPT + "seconds = 0.02\n"
GATE = """
[[gate]]
name = "speed"
kind = "latency"
benchmark = "group"
{bar}
"""
NAMES = ["load", "first token", "prompt", "group", "slice"]


def read_timings(project: Path, run: str = "run") -> list[dict[str, Any]]:
    """What a run measured beside its cases."""
    path = project / "reports" / run / "latency.json"
    timings: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return timings


@pytest.mark.parametrize("mode", [("-n0",), ("-p", "no:xdist")], ids=" ".join)
def test_a_run_measures_latency_beside_its_cases(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Everything cold comes before anything warm, and the run keeps every round."""
    result = run(f"--data={data}", "--latency", "-v", "-W", "error", *QUICK, *mode)
    result.stdout.fnmatch_lines(["*test_group?data-cold? PASSED*", "*latency*state*tokens/s*"])
    assert "48 correct" not in result.stdout.str()
    assert len(read_records(project)) == 48
    timings = read_timings(project)
    states = [one["state"] for one in timings]
    assert states == sorted(states)
    assert {(one["name"], one["state"]) for one in timings} == {
        (name, state)
        for name in NAMES
        for state in ("cold", "warm")
        if (name, state) != ("load", "warm")
    }
    prompts = {one["name"]: one["prompts"] for one in timings}
    assert prompts == {"load": 0, "first token": 1, "prompt": 1, "group": 5, "slice": 48}
    assert all(len(one["seconds"]) >= 3 and one["work"] == timings[0]["work"] for one in timings)
    tokens = {one["name"]: one["tokens"] for one in timings}
    assert tokens["first token"] == 1
    assert tokens["group"] > tokens["prompt"] >= 1
    manifest = json.loads((project / "reports" / "run" / "manifest.json").read_text())
    assert (manifest["selected"], manifest["partial"]) == (48, [])
    assert "Latency" in (project / "reports" / "run" / "summary.md").read_text(encoding="utf-8")
    assert "Measured latency" in (project / "reports" / "run" / "index.html").read_text("utf-8")


@pytest.mark.parametrize("mode", [("-n0",), ("-n2",), ("-p", "no:xdist")], ids=" ".join)
def test_nobody_measures_what_was_not_asked_for(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Without a word of latency no such test is collected, and nobody is warned."""
    result = run(f"--data={data}", "-W", "error", *mode)
    assert "enchmarks are automatically disabled" not in result.stdout.str() + result.stderr.str()
    assert len(read_records(project)) == 48
    assert not (project / "reports" / "run" / "latency.json").exists()


def test_it_is_asked_for_from_within_cases_too(
    run: Run, data: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is known by where it lies, not by how it was written."""
    monkeypatch.chdir(project / "cases")
    options = ("--collect-only", "-q", "--model=coin", f"--data={data}", "test_latency.py")
    run(*options).stdout.fnmatch_lines(["*test_slice?data-warm?*"])


@pytest.mark.parametrize(
    "asked", [("--latency",), (FILE,), (f"{FILE}::test_load",), ("-m", "latency")], ids=" ".join
)
def test_xdist_and_latency_are_one_sentence(run: Run, data: Path, asked: tuple[str, ...]) -> None:
    """Before any worker starts."""
    result = run(f"--data={data}", "-n2", *asked)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: Latency is measured with the machine to itself*-n 0."])
    assert "Traceback" not in result.stderr.str()


def test_other_ways_to_have_no_latency(run: Run, data: Path) -> None:
    """Answers given again take no time; pytest-benchmark has to be there."""
    run(f"--data={data}", "--run=old")
    again = run(f"--data={data}", "--answers=reports/old", "--latency")
    again.stderr.fnmatch_lines(["ERROR: --answers asks no model, so there is no latency*"])
    afar = run(f"--data={data}", "--latency", "--engine=ray")
    afar.stderr.fnmatch_lines(["ERROR: Latency is measured in this process*"])
    without = run(f"--data={data}", "--latency", "-p", "no:benchmark")
    without.stderr.fnmatch_lines(["ERROR: Latency needs pytest-benchmark*"])
    assert again.ret == without.ret == pytest.ExitCode.USAGE_ERROR


def test_the_file_alone_asks_no_case_and_leaves_no_run(run: Run, data: Path, project: Path) -> None:
    """It is a benchmark of its own."""
    result = run(f"--data={data}", FILE, *QUICK)
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(["latency*state*median s*"])
    assert not (project / "reports").exists()


def test_a_slower_candidate_fails_the_comparison(run: Run, data: Path, project: Path) -> None:
    """``--benchmark-compare-fail`` against a stored session: status 1, and no traceback."""
    (project / "slow.toml").write_text(SLOW, encoding="utf-8")
    compare = ("--benchmark-compare", "--benchmark-compare-fail=median:300%", *QUICK)
    stored = run(f"--data={data}", FILE, "-k", "prompt and warm", "--benchmark-autosave", *QUICK)
    assert stored.ret == 0
    slower = run(f"--data={data}", FILE, "-k", "prompt and warm", "--model=slow.toml", *compare)
    assert slower.ret == pytest.ExitCode.TESTS_FAILED
    shown = slower.stdout.str() + slower.stderr.str()
    assert "Performance has regressed" in shown
    assert "Traceback" not in shown
    (saved,) = (project / ".benchmarks").rglob("*.json")
    (entry,) = json.loads(saved.read_text(encoding="utf-8"))["benchmarks"]
    assert entry["extra_info"]["model"] == "scripted"
    assert entry["extra_info"]["tokens_per_second"] > 0


def test_a_gate_rules_on_what_was_measured(run: Run, data: Path, project: Path) -> None:
    """Against the baseline's rounds: as fast passes, a hundred times slower fails."""
    (project / "slow.toml").write_text(SLOW, encoding="utf-8")
    (project / "gates.toml").write_text(GATE.format(bar="at_most = 20"), encoding="utf-8")
    options = (f"--data={data}", "--latency", *QUICK, "-m", "detection or latency")
    run(*options, "--run=old", "--gates=none")
    again = run(*options, "--baseline=reports/old")
    assert again.ret == 0
    (ruling,) = read_rulings(project)
    assert ruling["ruling"] == "pass"
    assert "Group, warm takes" in ruling["reason"]
    slower = run(*options, "--baseline=reports/old", "--model=slow.toml", "--run=slow")
    assert slower.ret == 1
    (ruling,) = read_rulings(project, "slow")
    assert ruling["ruling"] == "fail"
    assert "times the baseline" in ruling["reason"]
    plain = run(f"--data={data}", "-m", "detection", "--baseline=reports/old", "--run=plain")
    assert plain.ret == 6
    assert "add --latency" in read_rulings(project, "plain")[0]["reason"]


def test_a_model_that_fails_has_no_latency(run: Run, data: Path, project: Path) -> None:
    """An error is no answer, however fast it came."""
    (project / "cases" / "conftest.py").write_text(
        "import pytest\n"
        "from fakebench_suite.errors import ModelError\n"
        "class Broken:\n"
        "    def answer(self, prompts, images):\n"
        "        return [ModelError('no memory') for _ in prompts]\n"
        "@pytest.fixture(scope='session')\n"
        "def model():\n"
        "    return Broken()\n",
        encoding="utf-8",
    )
    result = run(f"--data={data}", f"{FILE}::test_prompt", "-k", "warm", *QUICK)
    result.stdout.fnmatch_lines(["*The model failed while it was timed: no memory*"])
    result.assert_outcomes(failed=1, deselected=1)
    assert "median s" not in result.stdout.str()


def test_weights_that_do_not_load_are_one_sentence(run: Run, data: Path, project: Path) -> None:
    """Cold rounds load the model themselves."""
    (project / "broken").mkdir()
    (project / "broken" / "config.json").write_text("{}", encoding="utf-8")
    result = run(f"--data={data}", FILE, "-k", "load", "--model=./broken", *QUICK)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*cannot be loaded from*"])
    assert "Traceback" not in result.stdout.str()


def test_a_merge_takes_the_measurement_along(run: Run, data: Path, project: Path) -> None:
    """One shard measures, the whole is ruled by it."""
    bar = GATE.format(bar="seconds = 9")
    (project / "gates.toml").write_text(bar, encoding="utf-8")
    run(f"--data={data}", "--shard=1/2", "--run=s1", "--latency", *QUICK)
    run(f"--data={data}", "--shard=2/2", "--run=s2")
    merged = call("merge", "reports/s1", "reports/s2", "--into=reports/whole", at=project)
    assert merged.returncode == 0, merged.stderr
    assert "speed: Group, warm takes" in merged.stdout
    assert read_timings(project, "whole") == read_timings(project, "s1")
