"""Text judges in a run: graded by slice, kept apart, never guessed, and asked again later."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.judges.server import GOOD, Endpoint, serve
from tests.plugin.sandbox import MODES, Run, read_records


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A judge's endpoint on this machine."""
    with serve(Endpoint()) as started:
        yield started


@pytest.fixture
def referenced(data: Path) -> Path:
    """The small data set with clues for every fake image and one answer of each two."""
    for stem, fields in (
        ("FakeClue", {"telltale_clues": ["Six fingers.", "A bent horizon."]}),
        ("FakeQA", {"A1": "The edge is jagged."}),
    ):
        path = data / "Evaluation" / f"{stem}.json"
        rows = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps([row | fields for row in rows]), encoding="utf-8")
    return data


def read_scores(project: Path, run: str = "run") -> dict[tuple[str, str], dict[str, Any]]:
    """Whole-population scores by task and metric."""
    scores = json.loads((project / f"reports/{run}/scores.json").read_text(encoding="utf-8"))
    return {(one["task"], one["metric"]): one for one in scores if one["slice"] == "all"}


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_marks_become_scores_and_withheld_references_stay_unscored(
    run: Run, referenced: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """Three marks of 2, 1 and 0 over two rounds; what has no reference is not sent."""
    judge = f"--judge=openai:m@{endpoint.url}"
    assert run(f"--data={referenced}", judge, "--judge-rounds=2", *mode).ret == 0
    scores = read_scores(project)
    for task, n in (("interpretation", 8), ("reasoning", 8), ("analysis", 8)):
        for metric, value in (
            ("judged_score", 1),
            ("completeness", 2),
            ("preciseness", 1),
            ("relevance", 0),
            ("judge_round_sd", 0),
        ):
            assert scores[task, metric]["value"] == value
            assert scores[task, metric]["n"] == n
        assert (task, "exact_score") not in scores
    assert scores["analysis", "unscored_rate"]["value"] == 0.5
    graded = [line for line in read_records(project) if line["verdict"]["ratings"]]
    assert {len(line["verdict"]["ratings"]) for line in graded} == {2}
    assert {line["verdict"]["judge"] for line in graded} == {f"m@{endpoint.url}"}
    told = json.dumps(endpoint.asked)
    for secret in ("glide", "vqdm", ".png", "_images"):
        assert secret not in told
    manifest = json.loads((project / "reports/run/manifest.json").read_text(encoding="utf-8"))
    assert manifest["judge"]["text"] == f"m@{endpoint.url}"
    assert manifest["judge"]["rounds"] == 2


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_judge_that_gives_nothing_is_an_error_and_never_zero(
    run: Run, referenced: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """Texts end in judge errors with their answers kept; detection and the status know."""
    endpoint.behave = lambda _body, _number: (200, "Score: 2")
    judge = f"--judge=openai:m@{endpoint.url}"
    result = run(f"--data={referenced}", judge, "--judge-rounds=1", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    scores = read_scores(project)
    assert scores["interpretation", "judge_error_rate"]["value"] == 1
    assert scores["interpretation", "accuracy"]["n"] == 0
    assert ("interpretation", "judged_score") not in scores
    assert scores["detection", "accuracy"]["n"] == 16
    failed = [r for r in read_records(project) if r["verdict"]["outcome"] == "judge_error"]
    assert len(failed) == 24
    assert all(line["answer"]["text"] for line in failed)
    assert all("Score: 2" in line["verdict"]["why"] for line in failed)


def test_answers_are_judged_again_without_asking_the_model(
    run: Run, referenced: Path, project: Path, endpoint: Endpoint
) -> None:
    """What failed at the judge is judged from the earlier run's answers; no model is loaded."""
    judge = (f"--judge=openai:m@{endpoint.url}", "--judge-rounds=1")
    endpoint.behave = lambda _body, _number: (500, "down")
    assert run(f"--data={referenced}", *judge, "--run=first").ret == 1
    endpoint.behave = lambda _body, _number: (200, GOOD)
    (project / "scripted.toml").unlink()
    again = run(
        f"--data={referenced}", *judge, "--answers=reports/first", "--run=again", "--model=pocket"
    )
    assert again.ret == 0
    first, second = (
        {line["case"]["id"]: line for line in read_records(project, name)}
        for name in ("first", "again")
    )
    assert {k: v["answer"] for k, v in first.items()} == {k: v["answer"] for k, v in second.items()}
    assert read_scores(project, "again")["interpretation", "judged_score"]["n"] == 8
    manifest = json.loads((project / "reports/again/manifest.json").read_text(encoding="utf-8"))
    assert (manifest["model"]["name"], manifest["answers"]) == ("scripted", "first")


def test_answers_of_other_data_or_another_model_are_refused(run: Run, data: Path) -> None:
    """Each mismatch is one usage error."""
    assert run(f"--data={data}", "--run=first", "--sample=2").ret == 0
    for options, message in (
        (["--model=pocket", "--answers=nowhere"], "*nowhere is not a run directory*"),
        (["--model=pocket", "--answers=reports/first"], "*digest differs*Give the same --data*"),
        (["--answers=reports/first", f"--data={data}", "--model=coin"], "*answers of scripted*"),
    ):
        result = run(*options, "--run=again")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([message])


def test_a_run_is_judged_again_as_far_as_it_went(run: Run, data: Path, project: Path) -> None:
    """What the earlier run was not asked is not asked now, and leaves the new run partial."""
    assert run(f"--data={data}", "--run=first", "-m", "detection").ret == 0
    replay = ("--model=pocket", "--answers=reports/first", "--run=again")
    assert run(f"--data={data}", *replay).ret == 0
    first, again = ({r["case"]["id"] for r in read_records(project, n)} for n in ("first", "again"))
    assert first == again
    manifest = json.loads((project / "reports/again/manifest.json").read_text(encoding="utf-8"))
    assert (manifest["partial"], manifest["errors"]) == (["sampled"], 0)


def test_the_stand_in_has_a_column_of_its_own(run: Run, referenced: Path, project: Path) -> None:
    """``--judge=embedding`` scores similarity under its own name and gives no marks."""
    assert run(f"--data={referenced}", "--judge=embedding", "-m", "interpretation").ret == 0
    scores = read_scores(project)
    assert scores["interpretation", "stand_in_score"]["n"] == 8
    assert not {metric for _, metric in scores} & {"judged_score", "completeness", "exact_score"}
