"""A run over cases that show two images, in every mode, and one by a model that takes one."""

import json
from pathlib import Path

import pytest

from fakebench_suite.runs.store import read_manifest, read_records, read_scores
from fakebench_suite.types import Outcome, Task
from tests.datasets.other_benchmarks import write_loki
from tests.plugin.sandbox import EVERY_MODE, SCRIPT, Run


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_a_choice_of_two_images_is_asked_and_scored(
    run: Run, project: Path, mode: tuple[str, ...]
) -> None:
    """Both pictures are recorded and in the report, and LOKI's own names are printed."""
    write_loki(project / "loki")
    (project / "scripted.toml").write_text(SCRIPT + 'whichfake = ["A"]\nwhichreal = ["A"]\n')
    result = run(*mode, f"--data=loki:{project / 'loki'}", "--gates=none")
    assert result.ret == 0
    folder = project / "reports" / "run"
    records = {record.case.id: record for record in read_records(folder)}
    assert len(records) == 7
    pairs = [record for record in records.values() if record.case.task == Task.COMPARISON]
    assert {record.verdict.outcome for record in pairs} == {Outcome.CORRECT, Outcome.INCORRECT}
    for record in pairs:
        assert record.pixels is not None
        assert record.second_pixels is not None
        assert record.pixels != record.second_pixels
    scores = {(s.task, s.metric): s.value for s in read_scores(folder) if s.subgroup == "all"}
    assert scores[Task.COMPARISON, "accuracy"] == 0.5
    assert scores[Task.COMPARISON, "first_choice_rate"] == 1.0
    assert scores[Task.DETECTION, "accuracy"] == 0.5
    images = json.loads((folder / "report" / "images" / "images.json").read_bytes())
    assert len(images) == 3
    result.stdout.fnmatch_lines([
        "These are scores of the benchmark LOKI, not FakeBench scores.",
        "LOKI under its own metric names",
        "Judgment accuracy  *0.500 *accuracy of detection",
        "Multiple choice accuracy by question type: whichreal *0.000*",
    ])  # fmt: skip
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert "## LOKI under its own metric names" in summary


def test_a_model_that_takes_one_image_is_asked_the_other_tasks(run: Run, project: Path) -> None:
    """One reservation says what was left out, and a run of nothing else is refused."""
    write_loki(project / "loki")
    (project / "one.toml").write_text(SCRIPT + "[prompt]\nimages = 1\n")
    options = ("-n0", f"--data=loki:{project / 'loki'}", "--gates=none")
    result = run(*options, "--model=one.toml")
    assert result.ret == 0
    folder = project / "reports" / "run"
    assert len(list(read_records(folder))) == 5
    manifest = read_manifest(folder)
    assert manifest.deselected == {"comparison": "two_images"}
    reservation = "Not asked: comparison; the model lacks the capability two_images."
    assert [text for text in manifest.reservations if "two_images" in text] == [reservation]
    alone = run(*options, "--model=one.toml", "--tasks=comparison", "--run=alone")
    assert alone.ret != 0
    alone.stderr.fnmatch_lines(["*one cannot be asked comparison: * lacks two_images.*"])


def test_answers_to_two_images_are_taken_over_and_given_again(run: Run, project: Path) -> None:
    """By --reuse and --answers, while neither picture has changed."""
    write_loki(project / "loki")
    options = ("-n0", f"--data=loki:{project / 'loki'}", "--gates=none")
    assert run(*options, "--run=first").ret == 0
    first = project / "reports" / "first"
    assert run(*options, "--run=again", f"--reuse={first}").ret == 0
    assert all(record.reused for record in read_records(project / "reports" / "again"))
    answers = ("-n0", f"--data=loki:{project / 'loki'}", "--gates=none", f"--answers={first}")
    assert run(*answers, "--run=given", "--model=scripted").ret == 0
    given = list(read_records(project / "reports" / "given"))
    assert not any(record.verdict.outcome.is_error for record in given)
    assert [record.second_pixels for record in given if record.case.second_image] != [None, None]


def test_a_task_without_cases_is_not_counted(run: Run, project: Path) -> None:
    """A data set without pairs has no test of pairs; what an option leaves out is counted."""
    write_loki(project / "loki")
    listing = ("--collect-only", "-q", "-n0")
    result = run(*listing, f"--data=loki:{project / 'loki'}")
    result.stdout.fnmatch_lines(["7 tests collected in *"])
    rows = [json.dumps({
        "id": "a", "task": "detection", "image": "a.png", "label": "fake",
        "question": "Is this a fake image, yes or no?",
    })]  # fmt: skip
    (project / "one.jsonl").write_text("\n".join(rows))
    result = run(*listing, "--data=one.jsonl")
    result.stdout.fnmatch_lines(["1 test collected in *"])
    result = run(*listing, f"--data=loki:{project / 'loki'}", "--tasks=detection")
    result.stdout.fnmatch_lines(["*/* tests collected (2 deselected) in *"])
