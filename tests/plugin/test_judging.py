"""Text judges in a run: graded by slice, kept apart, never guessed, and asked again later."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endpoint_server import GOOD, Endpoint, serve
from tests.helpers import read_run
from tests.plugin.sandbox import MODES, Run


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A judge's endpoint on this machine."""
    with serve(Endpoint()) as running_endpoint:
        yield running_endpoint


def read_scores(project: Path, run: str = "run") -> dict[tuple[str, str], dict[str, Any]]:
    """Whole-population scores by task and metric."""
    scores = read_run(project, run).scores
    return {
        (score["task"], score["metric"]): score for score in scores if score["subgroup"] == "all"
    }


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
    graded = [line for line in read_run(project).records if "ratings" in line["verdict"]]
    assert {len(line["verdict"]["ratings"]) for line in graded} == {2}
    assert {line["verdict"]["judge"] for line in graded} == {f"m@{endpoint.url}"}
    requests = json.dumps(endpoint.asked)
    for secret in ("glide", "vqdm", ".png", "_images"):
        assert secret not in requests
    manifest = read_run(project).manifest
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
    failed = [r for r in read_run(project).records if r["verdict"]["outcome"] == "judge_error"]
    assert len(failed) == 24
    assert all(line["answer"]["text"] for line in failed)
    assert all("Score: 2" in line["verdict"]["reason"] for line in failed)


def test_answers_are_judged_again_without_asking_the_model(
    run: Run, referenced: Path, project: Path, endpoint: Endpoint
) -> None:
    """What failed at the judge is judged from the earlier run's answers; no model is loaded."""
    judge = (f"--judge=openai:m@{endpoint.url}", "--judge-rounds=1")
    endpoint.behave = lambda _body, number: (500, "down") if number else (200, GOOD)
    assert run(f"--data={referenced}", *judge, "--run=first").ret == 1
    endpoint.behave = lambda _body, _number: (200, GOOD)
    (project / "scripted.toml").unlink()
    result = run(
        f"--data={referenced}", *judge, "--answers=reports/first", "--run=again", "--model=pocket"
    )
    assert result.ret == 0
    first, second = (
        {line["case"]["id"]: line for line in read_run(project, name).records}
        for name in ("first", "again")
    )
    assert {k: v["answer"] for k, v in first.items()} == {k: v["answer"] for k, v in second.items()}
    assert read_scores(project, "again")["interpretation", "judged_score"]["n"] == 8
    manifest = read_run(project, "again").manifest
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
    assert run(f"--data={data}", "--run=first", "-m", "detection", "--sample=4").ret == 0
    replay = ("--model=pocket", "--answers=reports/first", "--run=again")
    assert run(f"--data={data}", *replay).ret == 0
    first, again = (
        {r["case"]["id"] for r in read_run(project, n).records} for n in ("first", "again")
    )
    assert first == again
    manifest = read_run(project, "again").manifest
    assert (manifest["partial"], manifest["errors"]) == (["sampled"], 0)


def test_the_stand_in_has_a_column_of_its_own(run: Run, referenced: Path, project: Path) -> None:
    """``--judge=embedding`` scores similarity under its own name and gives no marks."""
    assert run(f"--data={referenced}", "--judge=embedding", "-m", "interpretation").ret == 0
    scores = read_scores(project)
    assert scores["interpretation", "similarity_score"]["n"] == 8
    assert not {metric for _, metric in scores} & {"judged_score", "completeness", "exact_score"}


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_judge_that_cannot_be_asked_stops_the_run_before_any_case(
    run: Run, referenced: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """One test request, in the controller alone; status 4, the server's reason, no run."""
    endpoint.behave = lambda _body, _number: (404, "The model `m` does not exist")
    result = run(f"--data={referenced}", f"--judge=openai:m@{endpoint.url}", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: There is no judge m@*The model `m` does not exist*"])
    assert len(endpoint.asked) == 1
    assert not (project / "reports/run").exists()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_what_a_judge_refuses_is_found_out_once_and_kept_in_the_manifest(
    run: Run, referenced: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """Workers are told; one request in all is refused."""
    endpoint.behave = lambda body, _number: (
        (400, "Unrecognized request argument supplied: seed") if "seed" in body else (200, GOOD)
    )
    judge = f"--judge=openai:m@{endpoint.url}"
    assert run(f"--data={referenced}", judge, "--judge-rounds=1", *mode).ret == 0
    assert sum("seed" in body for body in endpoint.asked) == 1
    assert read_scores(project)["interpretation", "judged_score"]["n"] == 8
    manifest = read_run(project).manifest
    assert manifest["judge"]["refused_parameters"] == ["seed"]
    assert "seed" in manifest["judge"]["sampling"]


def test_a_judge_that_has_nothing_to_grade_is_not_asked(
    run: Run, data: Path, endpoint: Endpoint
) -> None:
    """References are withheld; nothing is collected only; then the judge may be down."""
    endpoint.behave = lambda _body, _number: (401, "no key")
    judge = f"--judge=openai:m@{endpoint.url}"
    assert run(f"--data={data}", judge, "--collect-only", "-q").ret == 0
    assert endpoint.asked == []


def test_secrets_are_nowhere_in_a_run(
    run: Run,
    referenced: Path,
    project: Path,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Key, password and parameter reach the server and no file, though it repeats them all."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    secrets = ("sk-test-0123456789", "hunter2", "c0ffee")
    secret_text = " ".join(secrets)
    endpoint.behave = lambda _body, number: (
        (500, secret_text) if number % 3 == 2 else (200, GOOD.replace("because", secret_text))
    )
    address = endpoint.url.replace("http://", "http://me:hunter2@")
    result = run(
        f"--data={referenced}",
        f"--judge=openai:m@{address}?api_key=c0ffee",
        "--judge-rounds=2",
        "--log-level=INFO",
        "--junit-xml=reports/junit.xml",
        "-rA",
    )
    assert read_scores(project)["interpretation", "judged_score"]["n"] == 8
    output = result.stdout.str() + result.stderr.str()
    files = [path for path in (project / "reports").rglob("*") if path.is_file()]
    assert len(files) > 5
    for secret in secrets:
        assert secret not in output
        assert [path.name for path in files if secret.encode() in path.read_bytes()] == []
    judges = {line["verdict"].get("judge") for line in read_run(project).records} - {None}
    assert judges == {f"m@{endpoint.url.replace('http://', 'http://***@')}?api_key=***"}


def test_a_judge_that_dies_is_an_error_and_settles_no_gate(
    run: Run, referenced: Path, project: Path, endpoint: Endpoint
) -> None:
    """It answers the test request and nothing else: judge errors, inconclusive, not unfit."""
    endpoint.behave = lambda _body, number: (200, GOOD) if number == 0 else (400, "it broke")
    (project / "gates.toml").write_text(
        '[[gate]]\nname = "clues"\nkind = "threshold"\ntask = "interpretation"\n'
        'metric = "judged_score"\nat_least = 1.0\n',
        encoding="utf-8",
    )
    result = run(f"--data={referenced}", f"--judge=openai:m@{endpoint.url}", "--judge-rounds=1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    failed = [r for r in read_run(project).records if r["verdict"]["outcome"] == "judge_error"]
    assert len(failed) == 24
    assert all("it broke" in line["verdict"]["reason"] for line in failed)
    assert [ruling["outcome"] for ruling in read_run(project).rulings] == ["inconclusive"]
    manifest = read_run(project).manifest
    assert manifest["judge"]["calibration"]["passed"] is False
    assert "it broke" in manifest["judge"]["calibration"]["reason"]


QUICK_OUTAGES = """
from fakebench_suite.endpoints import outage, retries
retries.LONGEST_WAIT_S = outage.PROBE_EVERY_S = 0.01
outage.MAX_OUTAGE_S = 0.1
"""


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_judge_that_goes_away_leaves_texts_to_be_judged(
    run: Run, referenced: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """Its server is waited for once, the run says so once, and --resume judges what is missing."""
    (project / "cases" / "conftest.py").write_text(QUICK_OUTAGES, encoding="utf-8")
    endpoint.behave = lambda _body, number: (200, GOOD) if number < 9 else (503, "down")
    endpoint.is_down, endpoint.headers = lambda: len(endpoint.asked) > 9, {}
    judge = f"--judge=openai:m@{endpoint.url}"
    result = run(f"--data={referenced}", judge, "--judge-rounds=1", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    first = read_run(project)
    failed = [r for r in first.records if r["verdict"]["outcome"] == "judge_error"]
    rated = [r for r in first.records if "ratings" in r["verdict"]]
    assert (len(rated), len(failed)) == (8, 16)
    assert all(record["answer"]["text"] for record in failed)
    reason = first.manifest["judge"]["given_up"]
    assert reason.startswith("The judge's server has not replied for")
    assert sum(reason in text for text in first.manifest["reservations"]) == 1
    result.stdout.fnmatch_lines(["Some texts were not judged; --resume judges them. The judge's*"])
    assert first.manifest["judge"]["calibration"]["reason"] == reason

    endpoint.behave, endpoint.is_down = lambda _body, _number: (200, GOOD), lambda: False
    endpoint.asked.clear()
    assert run("--resume=reports/run").ret == 0
    second = read_run(project)
    assert {r["case"]["id"]: r["answer"] for r in first.records} == {
        r["case"]["id"]: r["answer"] for r in second.records
    }
    assert sum("ratings" in r["verdict"] for r in second.records) == 24
    assert "given_up" not in second.manifest["judge"]
    # The test request, the texts, and those of the calibration.
    assert len(endpoint.asked) == 1 + 16 + 48


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_judge_whose_key_is_refused_is_asked_nothing_more(
    run: Run, referenced: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """Neither about the other texts nor about those of the calibration."""
    endpoint.behave = lambda _body, number: (200, GOOD) if number < 1 else (401, "revoked")
    judge = f"--judge=openai:m@{endpoint.url}"
    result = run(f"--data={referenced}", judge, "--judge-rounds=1", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    # What is in flight when the key is refused, in each of two workers at most.
    assert len(endpoint.asked) <= 1 + 24
    failed = [r for r in read_run(project).records if r["verdict"]["outcome"] == "judge_error"]
    assert len(failed) == 24
    assert "refuses all requests" in read_run(project).manifest["judge"]["given_up"]


def test_a_judge_that_cannot_be_meant_is_a_sentence(run: Run) -> None:
    """What is allowed is said, and no password."""
    result = run("--judge=opnai:m@http://me:hunter2@h/v1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --judge is *openai:MODEL@URL*"])
    assert "hunter2" not in result.stderr.str()
