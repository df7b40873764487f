"""``--robustness``: detection cases are asked perturbed, in every mode, and scored by level."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.helpers import call, read_run, use_model
from tests.plugin.sandbox import EVERY_MODE, Run

MODEL = "SharpnessModel(limit=4.5)"
LADDER = ("--robustness", "--robustness-families=jpeg,opposite-polarity", "-m", "robustness")


@pytest.fixture
def noisy(data: Path, project: Path) -> Path:
    """The small data set with pictures of noise, which a model calls fake while it is sharp."""
    for number, path in enumerate(sorted(data.rglob("*.png"))):
        rng = np.random.default_rng(number)
        pixels = np.clip(rng.normal(128, 25, (240, 256, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(path)
    use_model(project, MODEL)
    return data


def find_scores(project: Path, run: str = "run") -> dict[tuple[str, str], dict[str, Any]]:
    """The scores of robustness by metric and subgroup."""
    return {
        (score["metric"], score["subgroup"]): score
        for score in read_run(project, run).scores
        if score["task"] == "robustness"
    }


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_a_ladder_is_asked_and_scored(
    run: Run, noisy: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Each of 16 questions is asked the original, itself again and five levels; ten turned."""
    result = run(f"--data={noisy}", *LADDER, *mode)
    assert result.ret == 0, result.stdout.str()
    written = read_run(project)
    assert len(written.records) == 16 * 7 + 10
    assert {record["case"]["task"] for record in written.records} == {"robustness"}
    scores = find_scores(project)
    flips = {
        level: scores["flip_rate", f"perturbation={level}"]["value"]
        for level in ("identity", "jpeg:90", "jpeg:10", "opposite-polarity")
    }
    assert flips == {"identity": 0, "jpeg:90": 0, "jpeg:10": 1, "opposite-polarity": 0}
    assert scores["accuracy_change", "perturbation=jpeg:10"]["value"] == 0  # half were right
    assert scores["flip_rate", "perturbation=jpeg:10"]["n"] == 16
    assert written.manifest["robustness"]["images"] == 16
    assert written.manifest["partial"] == []
    result.stdout.fnmatch_lines(["robustness: ladder, 122 prompts about 16 images"])
    table = "".join(result.outlines[result.outlines.index(next(filter(
        lambda line: "by family of perturbations" in line, result.outlines))) :])  # fmt: skip
    assert "jpeg:10" in table
    page = (project / "reports" / "run" / "index.html").read_text(encoding="utf-8")
    assert "jpeg:10" in page
    pictures = list((project / "reports/run/report/images").glob("*.png"))
    assert len(pictures) == 16, "one of each image, not one of each level"


def test_nothing_is_asked_without_the_option(run: Run, data: Path, project: Path) -> None:
    """A run has the cases it had, and leaves none out."""
    result = run(f"--data={data}", "-n0")
    assert len(read_run(project).records) == 48
    assert "robustness" not in result.stdout.str()
    assert read_run(project).manifest["robustness"] is None


def test_a_run_that_broke_off_goes_on(run: Run, noisy: Path, project: Path) -> None:
    """With its own options, what is answered is kept, and the scores are those of a whole run."""
    options = [f"--data={noisy}", *LADDER, "-n0"]
    assert run(*options).ret == 0
    whole = find_scores(project)
    lines = (project / "reports/run/records.jsonl").read_bytes().splitlines(keepends=True)
    (project / "reports/run/records.jsonl").write_bytes(b"".join(lines[:50]))
    result = run("--resume=reports/run")
    result.stdout.fnmatch_lines(["resumed: 50 answers kept, *"])
    assert find_scores(project) == whole


def test_an_answer_is_taken_over_but_for_identity(run: Run, noisy: Path, project: Path) -> None:
    """The same prompt and pixels are asked once more, or the noise would be that of a copy."""
    options = [f"--data={noisy}", "--robustness", "--robustness-families=flip", "-m", "robustness"]
    assert run(*options, "-n0", "--run=first").ret == 0
    assert run(*options, "-n0", "--reuse=reports/first").ret == 0
    reused = {
        record["case"]["perturbation"]: record.get("reused", False)
        for record in read_run(project).records
    }
    assert reused == {"original": True, "identity": False, "flip": True}
    assert read_run(project).manifest["reused"]["asked"] == {"always asked": 16}


def test_answers_are_judged_again_with_their_robustness(
    run: Run, noisy: Path, project: Path
) -> None:
    """The option need not be given again."""
    assert run(f"--data={noisy}", *LADDER, "-n0", "--run=first").ret == 0
    result = run(f"--data={noisy}", "--answers=reports/first", "--model=pocket", "-n0")
    assert result.ret == 0, result.stdout.str()
    assert find_scores(project) == find_scores(project, "first")


def test_answers_are_read_by_a_rule_that_reads_less(run: Run, noisy: Path, project: Path) -> None:
    """The paper's rule reads no Chinese, and the rest of the ladder is judged by it."""
    ladder = ("--robustness", "--robustness-families=flip,language", "-m", "robustness")
    assert run(f"--data={noisy}", *ladder, "-n0", "--run=first").ret == 0
    again = ("--answers=reports/first", "--model=pocket", "--reading=paper", "-n0")
    result = run(f"--data={noisy}", *again)
    assert result.ret == 0, result.stdout.str()
    assert ("flip_rate", "perturbation=language:zh") in find_scores(project, "first")
    scores = find_scores(project)
    assert ("flip_rate", "perturbation=flip") in scores
    assert ("flip_rate", "perturbation=language:zh") not in scores


def test_a_budget_leaves_out_whole_images(run: Run, noisy: Path, project: Path) -> None:
    """As many as have room are a population of their own; the run says what it left out."""
    result = run(f"--data={noisy}", *LADDER, "-n0", "--robustness-budget=40")
    result.stdout.fnmatch_lines(["robustness: ladder, * about * images; --robustness-budget=40 *"])
    written = read_run(project)
    assert len(written.records) <= 40
    robustness = written.manifest["robustness"]
    assert robustness["images"] + robustness["left_out"] == 16
    assert robustness["prompts"] == len(written.records)
    assert {score["n"] for (metric, level), score in find_scores(project).items()
            if metric == "accuracy" and "jpeg" in level} == {robustness["images"]}  # fmt: skip
    assert written.manifest["partial"] == []


def test_a_search_finds_the_smallest_flip(run: Run, noisy: Path, project: Path) -> None:
    """One item for each detection case; the record says what was asked and what flips.

    Two workers find what one process finds that goes on with their run.
    """
    options = ("--robustness=search", "--robustness-families=jpeg,flip", "-m", "robustness")
    assert run(f"--data={noisy}", *options, "-n2").ret == 0
    records = read_run(project).records
    assert len(records) == 16
    searches = [record["answer"]["search"] for record in records]
    assert {search["flip"].partition(":")[0] for search in searches} == {"jpeg"}
    assert all(search["is_minimal"] and search["prompts"] <= 100 for search in searches)
    scores = find_scores(project)
    assert scores["search_flip_rate", "all"]["value"] == 1
    assert scores["robust_accuracy", "all"]["value"] == 0
    names = set(read_run(project).read("report/images/images.json"))
    assert names == {
        name
        for record, search in zip(records, searches, strict=True)
        for image in [record["case"]["original_image"]]
        for name in (f"{image}@original", f"{image}@{search['flip']}")
    }, "the original and the flip beside it"
    lines = (project / "reports/run/records.jsonl").read_bytes().splitlines(keepends=True)
    (project / "reports/run/records.jsonl").write_bytes(b"".join(lines[:5]))
    assert run("--resume=reports/run", "-n0").ret == 0
    assert find_scores(project) == scores
    resumed = {r["case"]["id"]: r["answer"]["search"] for r in read_run(project).records}
    assert resumed == {
        record["case"]["id"]: search for record, search in zip(records, searches, strict=True)
    }


def test_shards_are_merged(run: Run, noisy: Path, project: Path) -> None:
    """Perturbed cases lie in the shard of their image; the whole has the scores of one run."""
    options = [f"--data={noisy}", *LADDER[:2], "--tasks=detection,robustness", "-n0"]
    for number in (1, 2):
        run(*options, f"--shard={number}/2", f"--run=s{number}")
    assert run(*options, "--run=whole").ret == 0
    shards = [
        {record["case"].get("original_image", record["case"]["image"]) for record in shard.records}
        for shard in (read_run(project, "s1"), read_run(project, "s2"))
    ]
    assert not shards[0] & shards[1]
    assert (
        call("merge", "reports/s1", "reports/s2", "--into=reports/all", cwd=project).returncode == 0
    )
    assert find_scores(project, "all") == find_scores(project, "whole")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--robustness=laddr"], "*--robustness*'laddr'*ladder, search, both; nearest: ladder*"),
        (
            ["--robustness", "cases/"],
            "*--robustness*'cases/'*put it before --robustness, or write --robustness=ladder*",
        ),
        (["--robustness-families=jpg"], "*--robustness-families*'jpg'*nearest: jpeg*"),
        (["--robustness-families=jpeg"], "*are about --robustness; add that*"),
        (["--robustness-budget=0", "--robustness"], "*'0' is not a number, 1 or more*"),
        (["--robustness-budget=5", "--robustness"], "*--robustness-budget=5 has no room*larger*"),
        (
            ["--robustness", "--tasks=detection"],
            "*--tasks leaves out*=detection,robustness*",
        ),
        (["--tasks=robustness"], "*No robustness case is asked without --robustness. Add it*"),
        (["-m", "robustness"], "*-m robustness selects no case without --robustness. Add it*"),
        (
            ["--robustness=search", "--robustness-families=paraphrase"],
            "*--robustness=search changes pictures, which paraphrase does not*",
        ),
    ],
)
def test_mistakes_are_met_before_anything_is_asked(
    run: Run, options: list[str], message: str
) -> None:
    """In one sentence that says what to do."""
    result = run(*options, "-n0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert "Traceback" not in result.stderr.str()


def test_a_data_set_has_no_robustness_cases_of_its_own(run: Run, project: Path) -> None:
    """They are made of detection cases, and a row that claims to be one is refused."""
    row = '{"id": "a", "task": "robustness", "image": "a.png", "question": "Fake or real?"}'
    (project / "own.jsonl").write_text(row, encoding="utf-8")
    result = run("--data=own.jsonl", "-n0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*made of detection cases*--robustness*"])
