"""The exit status is the gates' word, under every way to run."""

import json
from pathlib import Path

import pytest

from fakebench_suite.prompts import DETECTION
from fakebench_suite.types import Form
from tests.plugin.sandbox import FLOOR, MODES, Run, read_rulings

WIDE = FLOOR.replace('on = "value"', 'on = "interval"')
REGRESSION = """
[[gate]]
name = "no worse"
kind = "regression"
task = "detection"
margin = 0.1
"""


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
@pytest.mark.parametrize(
    ("gates", "status", "ruling"),
    [
        (FLOOR.format(bar=0.5), 0, "pass"),
        (FLOOR.format(bar=0.51), 1, "fail"),
        (WIDE.format(bar=0.4), 6, "inconclusive"),
    ],
)
def test_rulings_decide_the_exit_status(
    run: Run, data: Path, project: Path, mode: tuple[str, ...], gates: str, status: int, ruling: str
) -> None:
    """All pass: 0; any fails: 1; none fails and some settle nothing: 6. Half the replies miss."""
    (project / "gates.toml").write_text(gates, encoding="utf-8")
    result = run(
        f"--data={data}", "-m", "detection or analysis or interpretation or reasoning", *mode
    )
    assert result.ret == status
    assert [one["ruling"] for one in read_rulings(project)] == [ruling]
    result.stdout.re_match_lines([rf"{ruling} +floor: accuracy is 0\.500"])
    summary = (project / "reports/run/summary.md").read_text(encoding="utf-8")
    assert f"| floor | {ruling} |" in summary


def test_misses_alone_are_green_and_strict_cases_are_red(run: Run, data: Path) -> None:
    """Without gates a miss leaves 0; ``--strict-cases`` is plain pytest."""
    assert run(f"--data={data}").ret == 0
    assert run(f"--data={data}", "--run=strict", "--strict-cases").ret == 1


def test_the_root_file_is_the_default_and_none_turns_it_off(
    run: Run, data: Path, project: Path
) -> None:
    """``gates.toml`` at the root applies unasked; another file or ``none`` takes its place."""
    (project / "gates.toml").write_text(FLOOR.format(bar=0.9), encoding="utf-8")
    (project / "low.toml").write_text(FLOOR.format(bar=0.1), encoding="utf-8")
    assert run(f"--data={data}", "--run=a").ret == 1
    assert run(f"--data={data}", "--run=b", "--gates=low.toml").ret == 0
    assert run(f"--data={data}", "--run=c", "--gates=none").ret == 0
    assert read_rulings(project, "c") == []


def test_a_filtered_run_settles_nothing(run: Run, data: Path, project: Path) -> None:
    """A gate over part of the cases is inconclusive, whatever the figure."""
    (project / "gates.toml").write_text(FLOOR.format(bar=0.1), encoding="utf-8")
    assert run(f"--data={data}", "-m", "detection").ret == 6
    (decision,) = read_rulings(project)
    assert decision["reason"] == "The run is partial (filtered)."


def test_a_regressed_model_fails_against_its_baseline(run: Run, data: Path, project: Path) -> None:
    """Eight fakes found before and none now: red, with the drop and its p-value by name."""
    (project / "gates.toml").write_text(REGRESSION, encoding="utf-8")
    rows = [
        {
            "id": path.stem,
            "task": "detection",
            "image": f"fake_images/{path.name}",
            "label": "fake",
            "question": DETECTION[Form.WHAT],
        }
        for path in sorted((data / "fake_images").iterdir())
    ]
    cases = data / "fakes.jsonl"
    cases.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    card = (project / "scripted.toml").read_text(encoding="utf-8")
    (project / "worse.toml").write_text(card.replace('["fake"]', '["real"]'), encoding="utf-8")
    assert run(f"--data={cases}", "--run=before").ret == 6
    assert read_rulings(project, "before")[0]["reason"] == "No --baseline was given."
    compared = (f"--data={cases}", "--baseline=reports/before")
    assert run(*compared, "--run=same").ret == 6  # eight cases rule out no drop of a tenth
    result = run(*compared, "--run=after", "--model=worse.toml")
    assert result.ret == 1
    (decision,) = read_rulings(project, "after")
    assert (decision["ruling"], decision["value"], decision["n"]) == ("fail", 1.0, 8)
    assert decision["p"] == pytest.approx(0.5**8)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--gates=absent.toml", "cannot be read"),
        ("--gates=scripted.toml", "malformed"),
        ("--baseline=reports/absent", "is not a run directory"),
    ],
)
def test_mistakes_are_met_before_anything_is_asked(
    run: Run, data: Path, project: Path, option: str, said: str
) -> None:
    """One sentence, pytest's usage status, and no run directory."""
    result = run(f"--data={data}", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()
    assert not (project / "reports" / "run").exists()


def test_a_baseline_over_other_data_is_refused(run: Run, data: Path) -> None:
    """Runs over different cases are not compared."""
    assert run("--sample=2", "--run=probes").ret == 0
    result = run(f"--data={data}", "--baseline=reports/probes")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "whose digest differs" in result.stderr.str()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("latency.json", '[{"name": 1}]', "*latency.json holds no timings: *"),
        ("records.jsonl", '{"case": 1}\n', "ERROR: Line 1 of *records.jsonl is no record: *"),
    ],
)
def test_a_broken_baseline_is_refused_before_the_first_case(
    run: Run, data: Path, project: Path, mode: tuple[str, ...], name: str, text: str, message: str
) -> None:
    """All that is read of it at the end has been read by then: no run is asked for nothing."""
    run(f"--data={data}", "--run=before")
    (project / "reports" / "before" / name).write_text(text, encoding="utf-8")
    result = run(f"--data={data}", "--baseline=reports/before", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not (project / "reports" / "run").exists()
