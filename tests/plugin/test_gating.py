"""The exit status is the gates' word, under every way to run."""

import json
from pathlib import Path

import pytest

from fakebench_suite.tasks.prompts import DETECTION
from fakebench_suite.types import QuestionType
from tests.helpers import call, read_run
from tests.plugin.sandbox import EVERY_MODE, FLOOR, MODES, Run

WIDE = FLOOR.replace('compare = "value"', 'compare = "interval"')
ERRORS = '[[gate]]\nname = "errors"\nkind = "errors"\n'
BENCHMARK = '[[gate]]\nname = "f"\nkind = "latency"\nbenchmark = "group"\nseconds = 1'
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
    assert [row["outcome"] for row in read_run(project).rulings] == [ruling]
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
    assert read_run(project, "c").rulings == []


def test_a_score_that_the_data_cannot_have_is_refused(run: Run, data: Path, project: Path) -> None:
    """Before a case is asked, if the user named the gates; else it is not evaluated."""
    gate = (
        '[[gate]]\nname = "s"\nkind = "threshold"\ntask = "detection"\n'
        'metric = "threshold_strength"\nat_most = 0.5\n'
    )
    for name in ("gates.toml", "named.toml"):
        (project / name).write_text(gate, encoding="utf-8")
    assert run(f"--data={data}", "--run=a").ret == 0
    assert [row["outcome"] for row in read_run(project, "a").rulings] == ["not evaluated"]
    result = run(f"--data={data}", "--run=b", "--gates=named.toml")
    assert result.ret == 4
    result.stderr.re_match_lines([r".*no forgery is shown at several strengths"])


@pytest.mark.parametrize(
    ("mode", "choice"),
    list(
        zip(
            EVERY_MODE,
            (("-m", "detection"), ("--tasks=detection",), ("cases/test_detection.py",)),
            strict=True,
        )
    ),
)
def test_a_whole_task_is_ruled(
    run: Run, data: Path, project: Path, mode: tuple[str, ...], choice: tuple[str, ...]
) -> None:
    """All detection cases of the data set are all that a gate over detection asks for."""
    (project / "gates.toml").write_text(FLOOR.format(bar=0.51) + ERRORS, encoding="utf-8")
    assert run(f"--data={data}", *choice, *mode).ret == 1
    assert [ruling["outcome"] for ruling in read_run(project).rulings] == ["fail", "pass"]
    manifest = read_run(project).manifest
    assert manifest["partial"] == []
    assert list(manifest["tasks"]) == ["detection"]
    assert manifest["tasks"]["detection"] == {
        "cases": 16, "planned": 16, "selected": 16, "recorded": 16, "errors": 0, "partial": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "partial"),
    [
        (("-k", "glide"), "filtered: -k glide"),
        (("--sample=4",), "sampled: 4 images"),
        (("cases/test_detection.py::test_detection[1.png:what]",), None),
    ],
    ids=lambda choice: str(choice)[:20],
)
def test_an_exploration_is_not_ruled(
    run: Run, data: Path, project: Path, choice: tuple[str, ...], partial: str | None
) -> None:
    """It ends with one line and status 0, or inconclusive where the user named the gates."""
    (project / "gates.toml").write_text(FLOOR.format(bar=0.9), encoding="utf-8")
    result = run(f"--data={data}", *choice)
    assert result.ret == 0
    outcome = read_run(project).result
    assert outcome["outcome"] == "not evaluated"
    assert [gate_result["outcome"] for gate_result in outcome["results"]] == ["not evaluated"]
    assert partial in (None, outcome["partial"])
    result.stdout.fnmatch_lines(["not evaluated: partial run (*)"])
    assert result.stdout.str().count("not evaluated") == 1
    if choice == ("-k", "glide"):
        assert run(f"--data={data}", *choice, "--run=named", "--gates=gates.toml").ret == 6
        assert read_run(project, "named").rulings[0]["reason"].startswith("The run is partial (")


def test_strict_cases_keep_an_exploration_inconclusive(run: Run, data: Path, project: Path) -> None:
    """Eight fakes, all found: no case is missed, and the gate settles nothing."""
    (project / "gates.toml").write_text(FLOOR.format(bar=0.9), encoding="utf-8")
    result = run(f"--data={data}", "-m", "detection", "-k", "glide", "--strict-cases")
    assert result.ret == 6


def test_only_gates_whose_cases_were_asked_rule(run: Run, data: Path, project: Path) -> None:
    """Of a run with one whole task, one in part and two not at all, each gate sees its own."""
    gates = FLOOR.format(bar=0.4) + ERRORS
    for number, task in enumerate(("reasoning", "analysis")):
        floor = FLOOR.format(bar=0.4).replace("detection", task).replace("floor", f"f{number}")
        gates += floor
    (project / "gates.toml").write_text(gates, encoding="utf-8")
    assert (
        run(f"--data={data}", "-k", "test_detection or edge", "--tasks=detection,analysis").ret == 0
    )
    rulings = {
        ruling["gate"]: (ruling["outcome"], ruling["reason"])
        for ruling in read_run(project).rulings
    }
    assert rulings["floor"][0] == "pass"
    assert rulings["errors"] == (
        "pass", "0 of 16 cases ended in an error; allowed: at most 0.00%."
    )  # fmt: skip
    assert rulings["f0"] == ("not evaluated", "No reasoning case was asked.")
    assert rulings["f1"][0] == "not evaluated"
    assert read_run(project).result["gates"]["evaluated"] == 2
    tasks = read_run(project).manifest["tasks"]
    assert tasks["detection"]["partial"] == []
    assert tasks["analysis"]["partial"] == ["filtered"]


def test_a_subgroup_is_whole_by_itself(run: Run, data: Path, project: Path) -> None:
    """All pictures of one generator were asked about, and a gate over them rules."""
    floor = FLOOR.format(bar=0.9) + 'subgroup = "generator=glide"\n'
    (project / "gates.toml").write_text(floor, encoding="utf-8")
    assert run(f"--data={data}", "-m", "detection", "-k", "glide").ret == 0
    assert read_run(project).rulings[0]["outcome"] == "pass"
    (project / "gates.toml").write_text(floor.replace("glide", "dalle3"), encoding="utf-8")
    assert run(f"--data={data}", "-m", "detection", "--run=other").ret == 0
    decision = read_run(project, "other").rulings[0]
    assert decision["outcome"] == "not evaluated"
    assert "generator=dalle3" in decision["reason"]


@pytest.mark.parametrize("mode", ["absent", "none", "empty"])
def test_a_run_without_gates_says_so_everywhere(
    run: Run, data: Path, project: Path, mode: str
) -> None:
    """In terminal, summary, badge and rulings; and so does the merged run."""
    if mode == "empty":
        (project / "gates.toml").write_text("# none yet\n", encoding="utf-8")
    options = ["--gates=none"] if mode == "none" else []
    result = run(f"--data={data}", "-m", "detection", *options)
    assert result.ret == 0
    reasons = {
        "absent": "there is no gates.toml",
        "none": "--gates=none",
        "empty": "gates.toml holds no gate",
    }
    result.stdout.fnmatch_lines([f"not evaluated: *{reasons[mode]}*"])
    assert read_run(project).result["outcome"] == "not evaluated"
    assert reasons[mode] in read_run(project).result["reason"]
    folder = project / "reports/run"
    assert "NOT EVALUATED" in (folder / "summary.md").read_text(encoding="utf-8").splitlines()[2]
    assert json.loads((folder / "badge.json").read_bytes())["message"].startswith("NOT EVALUATED")
    merged = call("merge", "reports/run", "--into=reports/merged", cwd=project)
    assert merged.returncode == 0, merged.stderr
    assert read_run(project, "merged").result == read_run(project).result
    assert f"not evaluated: {read_run(project).result['reason']}" in merged.stdout


def test_the_gates_lie_beside_the_root_wherever_pytest_starts(
    run: Run, data: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the caller's directory nor a file of that name in it has a say."""
    (project / "gates.toml").write_text(FLOOR.format(bar=0.9), encoding="utf-8")
    (project / "cases/gates.toml").write_text(FLOOR.format(bar=0.1), encoding="utf-8")
    monkeypatch.chdir(project / "cases")
    paths = (f"--model={project / 'scripted.toml'}", f"--reports={project / 'reports'}")
    assert run(f"--data={data}", "--tasks=detection", *paths).ret == 1
    assert read_run(project).manifest["gates"]["file"] == "gates.toml"


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        (REGRESSION, "--baseline=RUN"),
        (FLOOR.format(bar=0) + 'subgroup = "generator=glidee"\n', "nearest: generator=glide"),
        (FLOOR.format(bar=0).replace('"accuracy"', '"roc_auc"'), "--reading=likelihood"),
        (BENCHMARK, "--latency"),
    ],
    ids=["baseline", "slice", "likelihood", "latency"],
)
def test_what_a_gate_lacks_is_said_before_the_first_case(
    run: Run, data: Path, project: Path, gate: str, message: str
) -> None:
    """One sentence and status 4, and nothing was asked."""
    (project / "own.toml").write_text(gate, encoding="utf-8")
    result = run(f"--data={data}", "--gates=own.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not (project / "reports" / "run").exists()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_baseline_that_lacks_is_said_in_every_mode(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Workers have been started by then, and none has been asked anything."""
    (project / "gates.toml").write_text(REGRESSION, encoding="utf-8")
    result = run(f"--data={data}", "-m", "detection", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: The gate 'no worse' of gates.toml *--baseline=RUN*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not (project / "reports" / "run").exists()


def test_a_default_gate_lacks_nothing_where_it_does_not_rule(
    run: Run, data: Path, project: Path
) -> None:
    """An exploration needs no baseline; a whole run does."""
    (project / "gates.toml").write_text(REGRESSION, encoding="utf-8")
    assert run(f"--data={data}", "-k", "glide").ret == 0
    assert run(f"--data={data}", "-m", "detection", "--run=b").ret == pytest.ExitCode.USAGE_ERROR


def test_a_regressed_model_fails_against_its_baseline(run: Run, data: Path, project: Path) -> None:
    """Eight fakes found before and none now: red, with the drop and its p-value by name."""
    (project / "gates.toml").write_text(REGRESSION, encoding="utf-8")
    rows = [
        {
            "id": path.stem,
            "task": "detection",
            "image": f"fake_images/{path.name}",
            "label": "fake",
            "question": DETECTION[QuestionType.WHAT],
        }
        for path in sorted((data / "fake_images").iterdir())
    ]
    cases = data / "fakes.jsonl"
    cases.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    card = (project / "scripted.toml").read_text(encoding="utf-8")
    (project / "worse.toml").write_text(card.replace('["fake"]', '["real"]'), encoding="utf-8")
    assert run(f"--data={cases}", "--run=before", "--gates=none").ret == 0
    compared = (f"--data={cases}", "--baseline=reports/before")
    assert run(*compared, "--run=same").ret == 6  # eight cases rule out no drop of a tenth
    result = run(*compared, "--run=after", "--model=worse.toml")
    assert result.ret == 1
    (decision,) = read_run(project, "after").rulings
    assert (decision["outcome"], decision["value"], decision["n"]) == ("fail", 1.0, 8)
    assert decision["p"] == pytest.approx(0.5**8)
    assert "accuracy fell by 1.000 [" in decision["reason"]
    assert "(p = 0.0039)" in decision["reason"]
    (change,) = json.loads((project / "reports/after/comparison.json").read_bytes())["changes"]
    assert (change["before"], change["after"], change["change"]) == (1.0, 0.0, -1.0)
    assert change["p"] == pytest.approx(2 * 0.5**8)
    manifest = read_run(project, "after").manifest
    assert manifest["baseline"]["run"] == "before"
    assert len(manifest["baseline"]["records_digest"]) == 64
    assert str(project) not in json.dumps(manifest["baseline"])
    summary = (project / "reports/after/summary.md").read_text(encoding="utf-8")
    for text in (result.stdout.str(), summary):
        assert "accuracy fell by 1.000" in text
        assert "fell by -" not in text
    assert "| detection | accuracy | 1.000 | 0.000 | -1.000 |" in summary
    result.stdout.re_match_lines([r"detection +accuracy +1\.000 +0\.000 +-1\.000 .* 0\.0078 +8"])


def test_a_partial_baseline_is_named_as_such(run: Run, data: Path, project: Path) -> None:
    """The run is whole and the baseline is not: inconclusive, and it is said whose fault it is."""
    (project / "gates.toml").write_text(REGRESSION, encoding="utf-8")
    assert run(f"--data={data}", "-k", "glide", "--run=before").ret == 0
    assert run(f"--data={data}", "--baseline=reports/before").ret == 6
    (decision,) = read_run(project).rulings
    assert decision["reason"] == "The baseline is partial (filtered: -k glide)."


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--gates=absent.toml", "cannot be read"),
        ("--gates=scripted.toml", "malformed"),
        ("--baseline=reports/absent", "is not a run directory"),
    ],
)
def test_mistakes_are_met_before_anything_is_asked(
    run: Run, data: Path, project: Path, option: str, message: str
) -> None:
    """One sentence, pytest's usage status, and no run directory."""
    result = run(f"--data={data}", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
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
