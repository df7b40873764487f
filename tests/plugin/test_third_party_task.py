"""A task of another package, from its data set to the report, without a change to the suite."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers import install_package, read_run
from tests.plugin.sandbox import EVERY_MODE, FLOOR, Run

PACKAGE = """
from fakebench_suite.tasks.registry import Grader, TaskSpec
from fakebench_suite.types import QuestionType

SPEC = TaskSpec(
    title="Sharpness",
    question_types=(QuestionType.ISFAKE, QuestionType.ISREAL),
    grader=Grader.LABEL,
    headlines=("accuracy", "balanced_accuracy"),
    colour="#b5566c",
)
"""
CASES = """
import pytest

pytestmark = pytest.mark.sharpness


def test_sharpness(case, ask, judge, record):
    answer = ask(case)
    verdict = judge(case, answer)
    record(verdict)
"""
QUESTION = "Look at how sharp it is. Is this a fake image, yes or no?"


@pytest.fixture
def cases(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package, its test, and a data set of eight detection and eight sharpness cases."""
    folder = project / "site"
    entry_points = "[fakebench_suite.tasks]\nsharpness = fakepkg:SPEC\n"
    install_package(folder, "fakepkg", source=PACKAGE, entry_points=entry_points)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    (project / "cases" / "test_sharpness.py").write_text(CASES, encoding="utf-8")
    lines = []
    for number in range(8):
        Image.new("RGB", (8, 8), (number * 30, 90, 30)).save(project / f"{number}.png")
        label = "fake" if number % 4 else "real"
        lines += [
            {"id": task, "task": task, "image": f"{number}.png", "label": label,
             "generator": "mine" if number % 4 else None, "question": QUESTION}
            for task in ("detection", "sharpness")
        ]  # fmt: skip
    path = project / "mine.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_a_run_scores_gates_and_reports_it(
    run: Run, project: Path, cases: Path, mode: tuple[str, ...]
) -> None:
    """Its cases stand beside those of detection in records, scores, summary and HTML report."""
    floor = FLOOR.format(bar=0.7).replace("detection", "sharpness")
    (project / "gates.toml").write_text(floor, encoding="utf-8")
    result = run(f"--data={cases.name}", "--gates=gates.toml", *mode)
    written_run = read_run(project)
    assert [line["case"]["task"] for line in written_run.records].count("sharpness") == 8
    scores = json.loads((project / "reports" / "run" / "scores.json").read_bytes())
    (accuracy,) = (
        score for score in scores
        if (score["task"], score["metric"], score["subgroup"]) == ("sharpness", "accuracy", "all")
    )  # fmt: skip
    assert (accuracy["value"], accuracy["n"]) == (0.75, 8)
    assert written_run.manifest["tasks"]["sharpness"]["recorded"] == 8
    assert result.ret == 0
    summary = (project / "reports" / "run" / "summary.md").read_text(encoding="utf-8")
    assert "| sharpness | all | accuracy | 0.750 |" in summary
    page = (project / "reports" / "run" / "index.html").read_text(encoding="utf-8")
    assert "sharpness" in page
    scripts = (project / "reports" / "run" / "report").rglob("*.js")
    assert any("#b5566c" in script.read_text(encoding="utf-8") for script in scripts)


def test_it_is_asked_alone(run: Run, project: Path, cases: Path) -> None:
    """``--tasks=sharpness`` leaves detection out."""
    result = run(f"--data={cases.name}", "--gates=none", "--tasks=sharpness", "-n0")
    assert result.ret == 0
    written_run = read_run(project)
    assert {line["case"]["task"] for line in written_run.records} == {"sharpness"}
    assert len(written_run.records) == 8


def test_an_unknown_task_is_refused_with_those_that_there_are(run: Run, cases: Path) -> None:
    """The names of other packages' tasks are among them."""
    result = run(f"--data={cases.name}", "--tasks=sharpnes", "-n0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'sharpnes' is no task*sharpness*"])
