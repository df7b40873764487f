"""The main job under every way of running it."""

from pathlib import Path

import pytest

from tests.helpers import read_run, use_model
from tests.plugin.sandbox import EVERY_MODE, MODES, Run


def test_scores_do_not_depend_on_how_cases_are_distributed(
    run: Run, run_apart: Run, data: Path, project: Path
) -> None:
    """Scores and records are the same at -n0, -n2 and without xdist, byte for byte and set-wise."""
    outcomes, scores = [], []
    # Each process has its own hash seed, but for those that are forked.
    for number, (start, mode) in enumerate(zip((run, run_apart, run), EVERY_MODE, strict=True)):
        result = start(f"--data={data}", f"--run=r{number}", *mode)
        assert result.ret == 0, result.stdout.str()
        outcomes.append(
            sorted(line["case"]["id"] for line in read_run(project, f"r{number}").records)
        )
        scores.append((project / "reports" / f"r{number}" / "scores.json").read_bytes())
    assert len(outcomes[0]) == 48
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert scores[0] == scores[1] == scores[2]


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_misses_are_counted_and_leave_the_status_at_zero(
    run: Run, data: Path, mode: tuple[str, ...]
) -> None:
    """A model that is wrong about half of the images ends with exit status 0 and its own words."""
    result = run(f"--data={data}", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*FakeBench scores*", "*detection *all *balanced_accuracy *0.500*"]
    )
    result.stdout.fnmatch_lines(["*8 missed*"])
    assert "Traceback" not in result.stdout.str()
    assert "FAILURES" not in result.stdout.str()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_an_unreadable_image_is_an_error_of_its_cases_only(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """A broken picture gives errors for its five cases, status 1, and scores for all others."""
    (data / "fake_images" / "glide-00.png").write_bytes(b"")
    result = run(f"--data={data}", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    records = read_run(project).records
    broken = [line for line in records if line["verdict"]["outcome"] == "image_error"]
    assert len(records) == 48
    assert {line["case"]["image"] for line in broken} == {"glide-00.png"}
    assert len(broken) == 5
    assert all(line["answer"] is None for line in broken)
    scores = read_run(project).scores
    accuracy = next(s for s in scores if s["metric"] == "accuracy" and s["subgroup"] == "all")
    assert accuracy["n"] == 15
    result.stdout.fnmatch_lines(["*glide-00.png is empty*", "*(not part of any accuracy): 5.*"])


def test_tasks_are_chosen_with_plain_pytest(run: Run, data: Path, project: Path) -> None:
    """Markers, -k and node ids select cases; what is less than a whole task is marked partial."""
    result = run(f"--data={data}", "-m", "detection", "--run=marker")
    assert result.ret == 0
    assert len(read_run(project, "marker").records) == 16
    assert "PARTIAL RUN" not in result.stdout.str()
    keyword = run(f"--data={data}", "-k", "edge and glide", "--run=keyword")
    assert keyword.ret == 0
    assert len(read_run(project, "keyword").records) == 4
    keyword.stdout.fnmatch_lines(["*PARTIAL RUN (filtered: -k 'edge and glide')*"])
    node = "cases/test_reasoning.py::test_reasoning[vqdm-02.png:inference]"
    assert run(f"--data={data}", node, "--run=node").ret == 0
    assert [line["case"]["id"] for line in read_run(project, "node").records] == [
        "vqdm-02.png:inference"
    ]
    manifest = read_run(project, "node").manifest
    assert manifest["partial"] == ["filtered"]


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_lf_runs_the_misses_again(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """--lf after a run asks exactly the missed cases."""
    assert run(f"--data={data}", "--run=first", *mode).ret == 0
    missed = {
        line["case"]["id"]
        for line in read_run(project, "first").records
        if line["verdict"]["outcome"] == "incorrect"
    }
    assert run(f"--data={data}", "--run=again", "--lf", *mode).ret == 0
    assert {line["case"]["id"] for line in read_run(project, "again").records} == missed
    assert len(missed) == 8


def test_the_sample_is_whole_images_drawn_by_seed(run: Run, data: Path, project: Path) -> None:
    """--sample keeps image groups whole, repeats under one seed and changes under another."""
    images = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert run(f"--data={data}", "--sample=8", f"--seed={seed}", f"--run={name}").ret == 0
        records = read_run(project, name).records
        images.append([line["case"]["id"] for line in records])
        assert len(records) == 4 * 5 + 4
    assert images[0] == images[1] != images[2]
    manifest = read_run(project, "a").manifest
    assert manifest["partial"] == ["sampled"]


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_every_record_holds_what_was_asked_said_and_made_of_it(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """A record names case, prompt, answer, verdict and worker; the manifest names the rest."""
    assert run(f"--data={data}", *mode).ret == 0
    records = read_run(project).records
    record = next(line for line in records if line["case"]["task"] == "analysis")
    assert set(record) == {"case", "prompt", "answer", "verdict", "worker", "pixels"}
    assert {
        "id",
        "task",
        "image",
        "label",
        "question_type",
        "generator",
        "criterion",
        "content_categories",
    } <= set(record["case"])
    assert set(record["answer"]) == {"text", "tokens", "seconds", "batch_size", "finish_reason"}
    assert set(record["verdict"]) == {"outcome", "reason"}, "its reference is withheld"
    detections = [line for line in records if line["case"]["task"] == "detection"]
    assert {line["verdict"]["label"] for line in detections} == {"fake"}
    workers = {str(line["worker"]) for line in records}
    assert workers <= ({"gw0", "gw1"} if mode == ("-n2",) else {"main"})
    manifest = read_run(project).manifest
    assert manifest["status"] == "finished"
    assert manifest["recorded"] == manifest["selected"] == manifest["dataset"]["cases"] == 48
    assert {"model", "prompts", "judge", "seed", "versions", "hardware", "wall_seconds"} <= set(
        manifest
    )
    assert manifest["hardware"]["processor"]


def test_other_tests_beside_the_cases_keep_their_own_status(
    run: Run, data: Path, project: Path
) -> None:
    """A test that is no case counts in no score, and turns the run red only where it fails."""
    test_file = project / "cases" / "test_other.py"
    test_file.write_text("def test_other():\n    pass\n")
    assert run(f"--data={data}", "--run=green").ret == 0
    manifest = read_run(project, "green").manifest
    assert (manifest["selected"], manifest["partial"]) == (48, [])
    test_file.write_text("def test_other():\n    assert False\n")
    assert run(f"--data={data}", "--run=red").ret == pytest.ExitCode.TESTS_FAILED


def test_stopping_at_the_first_miss_is_not_a_success(run: Run, data: Path, project: Path) -> None:
    """With --strict-cases -x the run ends early: status 1, and the manifest says interrupted."""
    assert run(f"--data={data}", "--strict-cases", "-x").ret == pytest.ExitCode.TESTS_FAILED
    manifest = read_run(project).manifest
    assert manifest["partial"] == ["interrupted"]


def test_verbose_names_every_outcome(run: Run, data: Path) -> None:
    """-v prints one line per case with the suite's own words."""
    result = run(f"--data={data}", "-v", "-m", "detection or analysis")
    result.stdout.fnmatch_lines(
        ["*= misses =*", "INCORRECT *", "*asked *", "*expected *real*", "*said *"]
    )
    result.stdout.fnmatch_lines(["*test_detection*CORRECT*"])
    result.stdout.fnmatch_lines(["*test_detection*MISSED*"])
    result.stdout.fnmatch_lines(["*test_analysis*UNSCORED*"])


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_likelihoods_are_weighed_recorded_and_scored(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Detection compares probabilities, other tasks write replies; AUROC is among the scores."""
    use_model(project, "WeighedModel()")
    assert run(f"--data={data}", "--model=pocket", "--reading=likelihood", *mode).ret == 0
    records = read_run(project).records
    answered = {line["case"]["image"]: line for line in records if line["answer"].get("p_fake")}
    assert len(answered) == 15  # The first picture's chance is 0, which is a likelihood too.
    assert answered["15.png"]["answer"]["p_fake"] == pytest.approx(225 / 255)
    assert answered["15.png"]["verdict"]["label"] == "fake"
    assert "P(fake) is 0.882" in answered["15.png"]["verdict"]["reason"]
    scores = read_run(project).scores
    # Brightness rises with the number and every other picture is real: 28 of 64 pairs are right.
    (auroc,) = [score for score in scores if score["metric"] == "roc_auc"]
    assert auroc["value"] == pytest.approx(28 / 64)


def test_the_papers_rule_reads_keywords(run: Run, data: Path, project: Path) -> None:
    """``--reading=paper`` calls "not fake" fake; the manifest says which rule was used."""
    script = (project / "scripted.toml").read_text(encoding="utf-8")
    script = script.replace('what = ["fake"]', 'what = ["It is not fake."]')
    (project / "scripted.toml").write_text(script, encoding="utf-8")
    labels = {}
    for rule in ("grammar", "paper"):
        run(f"--data={data}", "-m", "detection", f"--reading={rule}", f"--run={rule}")
        labels[rule] = {
            line["verdict"]["label"]
            for line in read_run(project, rule).records
            if line["case"]["question_type"] == "what"
        }
        manifest = read_run(project, rule).manifest
        assert manifest["judge"]["label"] == rule
    assert labels == {"grammar": {"real"}, "paper": {"fake"}}
