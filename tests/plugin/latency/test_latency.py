"""Latency is measured when it is asked for, stored, compared, and never under xdist."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import call, read_run, use_model
from tests.plugin.sandbox import LATENCY, QUICK, SLOW, Run, write_unloadable

GATE = """
[[gate]]
name = "speed"
kind = "latency"
benchmark = "group"
{bar}
"""
NAMES = ["load", "first token", "prompt", "group", "work unit"]


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
    assert len(read_run(project).records) == 48
    timings = read_timings(project)
    states = [timing["state"] for timing in timings]
    assert states == sorted(states)
    assert {(timing["name"], timing["state"]) for timing in timings} == {
        (name, state)
        for name in NAMES
        for state in ("cold", "warm")
        if (name, state) != ("load", "warm")
    }
    prompts = {timing["name"]: timing["prompts"] for timing in timings}
    assert prompts == {"load": 0, "first token": 1, "prompt": 1, "group": 5, "work unit": 48}
    assert all(
        len(timing["seconds"]) >= 3 and timing["input_digest"] == timings[0]["input_digest"]
        for timing in timings
    )
    tokens = {timing["name"]: timing["tokens"] for timing in timings}
    assert tokens["first token"] == 1
    assert tokens["group"] > tokens["prompt"] >= 1
    manifest = read_run(project).manifest
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
    assert len(read_run(project).records) == 48
    assert not (project / "reports" / "run" / "latency.json").exists()


def test_it_is_asked_for_from_within_cases_too(
    run: Run, data: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is known by where it lies, not by how it was written."""
    monkeypatch.chdir(project / "cases")
    options = ("--collect-only", "-q", "--model=coin", f"--data={data}", "test_latency.py")
    run(*options).stdout.fnmatch_lines(["*test_work_unit?data-warm?*"])


@pytest.mark.parametrize(
    "options",
    [("--latency",), (LATENCY,), (f"{LATENCY}::test_load",), ("-m", "latency")],
    ids=" ".join,
)
def test_xdist_and_latency_are_one_sentence(run: Run, data: Path, options: tuple[str, ...]) -> None:
    """Before any worker starts."""
    result = run(f"--data={data}", "-n2", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: Latency is measured with the machine to itself*-n 0."])
    assert "Traceback" not in result.stderr.str()


@pytest.mark.parametrize("mode", [("-n0",), ("-n2",), ("-p", "no:xdist")], ids=" ".join)
@pytest.mark.parametrize("expression", ["not latency", "detection and not latency"])
def test_a_marker_that_leaves_it_out_is_no_request(
    run: Run, data: Path, project: Path, mode: tuple[str, ...], expression: str
) -> None:
    """Nothing is measured, and xdist is welcome."""
    assert run(f"--data={data}", "-m", expression, *mode).ret == 0
    assert len(read_run(project).records) >= 16
    assert not (project / "reports" / "run" / "latency.json").exists()


def test_other_ways_to_have_no_latency(run: Run, data: Path) -> None:
    """Answers given again take no time; pytest-benchmark has to be there."""
    run(f"--data={data}", "--run=old")
    replayed = run(f"--data={data}", "--answers=reports/old", "--latency")
    replayed.stderr.fnmatch_lines(["ERROR: --answers asks no model, so there is no latency*"])
    remote = run(f"--data={data}", "--latency", "--engine=ray")
    remote.stderr.fnmatch_lines(["ERROR: Latency is measured in this process*"])
    without = run(f"--data={data}", "--latency", "-p", "no:benchmark")
    without.stderr.fnmatch_lines(["ERROR: Latency needs pytest-benchmark*"])
    assert replayed.ret == without.ret == pytest.ExitCode.USAGE_ERROR


def test_the_file_alone_asks_no_case_and_leaves_no_run(run: Run, data: Path, project: Path) -> None:
    """It is a benchmark of its own."""
    result = run(f"--data={data}", LATENCY, *QUICK)
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(["latency*state*median s*"])
    assert not (project / "reports").exists()


def test_gates_that_had_nothing_to_rule_on_are_told(run: Run, data: Path, project: Path) -> None:
    """Where only latency is measured no gate rules, and where none is measured the gate says so."""
    (project / "gates.toml").write_text(GATE.format(bar="seconds = 9"), encoding="utf-8")
    result = run(f"--data={data}", LATENCY, "-k", "group and warm", *QUICK)
    result.stdout.fnmatch_lines(["No gate was evaluated, for no case was asked*"])
    assert run(f"--data={data}", "--latency", "-m", "detection").ret == 6
    assert "select its tests" in read_run(project).rulings[0]["reason"]


def test_a_model_of_ones_own_has_no_latency(run: Run, data: Path, project: Path) -> None:
    """It cannot be loaded anew, so that cold and warm would be two models."""
    use_model(project, "FakeModel()")
    result = run(f"--data={data}", LATENCY, "-k", "first_token", *QUICK)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*has a fixture 'model' of its own*"])


def test_the_group_is_the_image_most_is_asked_about(run: Run, data: Path, project: Path) -> None:
    """Wherever it stands in the data."""
    names = [path.name for path in sorted((data / "fake_images").iterdir())]
    rows = [
        {"id": str(number), "image": name, "label": "fake", "task": "analysis", "question": "Why?"}
        for name, count in zip(names, (1, 3, 2), strict=False)
        for number in range(count)
    ]
    cases = data / "fake_images" / "cases.jsonl"
    cases.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run(f"--data={cases}", "--latency", "--gates=none", *QUICK)
    assert {timing["prompts"] for timing in read_timings(project) if timing["name"] == "group"} == {
        3
    }


def test_a_gate_rules_on_what_was_measured(run: Run, data: Path, project: Path) -> None:
    """Against the baseline's rounds: as fast passes, a hundred times slower fails."""
    (project / "slow.toml").write_text(SLOW, encoding="utf-8")
    (project / "gates.toml").write_text(GATE.format(bar="at_most = 20"), encoding="utf-8")
    options = (f"--data={data}", "--latency", *QUICK, "-m", "detection or latency")
    run(*options, "--run=old", "--gates=none")
    unchanged = run(*options, "--baseline=reports/old")
    assert unchanged.ret == 0
    (ruling,) = read_run(project).rulings
    assert ruling["outcome"] == "pass"
    assert "Group, warm takes" in ruling["reason"]
    slower = run(*options, "--baseline=reports/old", "--model=slow.toml", "--run=slow")
    assert slower.ret == 1
    (ruling,) = read_run(project, "slow").rulings
    assert ruling["outcome"] == "fail"
    assert "times the baseline" in ruling["reason"]
    untimed = run(f"--data={data}", "-m", "detection", "--baseline=reports/old", "--run=plain")
    assert untimed.ret == pytest.ExitCode.USAGE_ERROR
    assert "Add --latency" in untimed.stderr.str()


def test_a_model_that_fails_has_no_latency(run: Run, data: Path, project: Path) -> None:
    """An error is no answer, however fast it came."""
    (project / "cases" / "conftest.py").write_text(
        "from fakebench_suite.backends.scripted import ScriptedBackend\n"
        "from fakebench_suite.errors import ModelError\n"
        "def fail(self, requests):\n"
        "    return [ModelError('no memory') for _ in requests]\n"
        "ScriptedBackend.run = fail\n",
        encoding="utf-8",
    )
    result = run(f"--data={data}", f"{LATENCY}::test_prompt", "-k", "warm", *QUICK)
    result.stdout.fnmatch_lines(["*The model failed while it was timed: no memory*"])
    result.assert_outcomes(failed=1, deselected=1)
    assert "median s" not in result.stdout.str()


def test_weights_that_do_not_load_are_one_sentence(run: Run, data: Path, project: Path) -> None:
    """Cold rounds load the model themselves."""
    write_unloadable(project / "broken")
    result = run(f"--data={data}", LATENCY, "-k", "load", "--model=./broken", *QUICK)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*cannot be loaded from*"])
    assert "Traceback" not in result.stdout.str()


def test_a_merge_takes_the_measurement_along(run: Run, data: Path, project: Path) -> None:
    """One shard measures, the whole is ruled by it."""
    bar = GATE.format(bar="seconds = 9")
    (project / "gates.toml").write_text(bar, encoding="utf-8")
    run(f"--data={data}", "--shard=1/2", "--run=s1", "--latency", *QUICK)
    run(f"--data={data}", "--shard=2/2", "--run=s2")
    merged = call("merge", "reports/s1", "reports/s2", "--into=reports/whole", cwd=project)
    assert merged.returncode == 0, merged.stderr
    assert "speed: Group, warm takes" in merged.stdout
    assert read_timings(project, "whole") == read_timings(project, "s1")
