"""A model by its URL in a run: scores, records with usage, one test request, and no secret."""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.runs.store import SCORES
from tests.endpoint_server import Endpoint, Reply, serve
from tests.helpers import read_run
from tests.plugin.sandbox import EVERY_MODE, MODES, Run

SMALL_UNITS = """
from fakebench_suite.execution import work_units
work_units.MIN_UNIT_PROMPTS = 8
"""
FILTERED = '{"error": {"code": "content_policy_violation", "message": "no"}}'
KEY = "marked-0123456789-key"


def answer(body: dict[str, Any], _number: int) -> Reply:
    """Fake to every question, by its form."""
    text = body["messages"][-1]["content"][-1]["text"]
    if "real image, yes or no" in text:
        return 200, "No."
    return 200, "Yes." if "yes or no" in text else "It is fake."


def write_priced_card(project: Path, endpoint: Endpoint) -> None:
    """The card ``priced.toml``; a reply of the endpoint costs 0.012 by its prices."""
    card = f'''
backend = "openai"
[endpoint]
url = "{endpoint.url}"
model = "tiny"
prices = {{input = 100.0, output = 1000.0}}
'''
    (project / "priced.toml").write_text(card, encoding="utf-8")


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A server of a model that calls everything fake, and counts tokens."""

    def count(completion: dict[str, Any]) -> dict[str, Any]:
        return completion | {"usage": {"prompt_tokens": 90, "completion_tokens": 3}}

    with serve(Endpoint(behave=answer, change=count)) as running_endpoint:
        yield running_endpoint


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_a_model_by_its_url_is_scored_as_any_other(
    run: Run, data: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """One test request, one request per case, and the same scores in every mode."""
    model = f"--model=openai:org/tiny@{endpoint.url}"
    result = run(model, f"--data={data}", "-m", "detection", *mode)
    assert result.ret == 0
    assert len(endpoint.asked) == 16 + 1
    written_run = read_run(project)
    scores = {
        (score["subgroup"], score["metric"]): score["value"]
        for score in written_run.scores
        if score["task"] == "detection"
    }
    assert scores["all", "accuracy"] == 0.5
    assert scores["label=fake", "accuracy"] == 1
    assert len(written_run.records) == 16
    usage = {"model": "m", "prompt_tokens": 90, "completion_tokens": 3, "attempts": 1}
    for record in written_run.records:
        answer_usage = {"attempts": 1} | record["answer"]["usage"]
        assert {name: answer_usage[name] for name in usage} == usage
        assert "reasoning" not in record["answer"]
    manifest = written_run.manifest
    assert manifest["model"]["name"] == f"org/tiny@{endpoint.url}"
    assert manifest["usage"] == {
        "answers": 16,
        "attempts": 16,
        "prompt_tokens": 16 * 90,
        "cached_tokens": 0,
        "completion_tokens": 16 * 3,
        "reasoning_tokens": 0,
        "cost": None,
        "reused_answers": 0,
        "first_token_seconds": None,
        "models": {"m": 16},
        "providers": {},
    }
    result.stdout.fnmatch_lines(
        ["usage * 16 requests, 1,440 tokens in, 48 tokens out, served by m"]
    )
    (inference,) = manifest["inference"]
    assert inference["generation"] == {"temperature": 0, "seed": 0, "max_tokens": 512}
    assert manifest["identity"]["card"]["endpoint"]["model"] == "org/tiny"
    assert "concurrency" not in manifest["identity"]["card"]["endpoint"]


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_workers_are_told_what_the_server_refuses(
    run: Run, data: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """It is found out once, and stands in the manifest and beside the scores."""
    endpoint.behave = lambda body, number: (
        (400, "temperature is not supported") if "temperature" in body else answer(body, number)
    )
    model = f"--model=openai:tiny@{endpoint.url}"
    result = run(model, f"--data={data}", "-m", "detection", *mode)
    assert result.ret == 0
    assert len(endpoint.asked) == 16 + 2
    manifest = read_run(project).manifest
    (inference,) = manifest["inference"]
    assert inference["details"]["refused_parameters"] == ["temperature"]
    assert manifest["identity"]["generation"] == {"seed": 0, "max_tokens": 512}
    assert any("temperature" in text for text in manifest["reservations"])


def test_a_server_that_cannot_be_asked_ends_the_run_before_it_begins(
    run: Run, data: Path, project: Path
) -> None:
    """One sentence, status 4, and no run directory."""
    result = run("--model=openai:tiny@http://127.0.0.1:9/v1", f"--data={data}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: The model tiny@http://127.0.0.1:9/v1 cannot be reached:*"])
    assert not (project / "reports").exists()
    for model, fault in (
        ("openai:tiny", "lacks a model or a URL"),
        ("openai:t@http://a:0/", "port"),
    ):
        result = run(f"--model={model}", f"--data={data}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert fault in result.stderr.str()


def test_several_models_behind_one_name_are_a_reservation(
    run: Run, data: Path, project: Path, endpoint: Endpoint
) -> None:
    """A gateway may pass requests on to whichever model it likes."""
    names = itertools.cycle(("m", "n"))
    endpoint.change = lambda completion: completion | {"model": next(names)}
    assert run(f"--model=openai:tiny@{endpoint.url}", f"--data={data}", "-m", "detection").ret == 0
    manifest = read_run(project).manifest
    assert sum(manifest["usage"]["models"].values()) == 16
    assert any("several models: m (" in text for text in manifest["reservations"])


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_server_that_ignores_images_is_a_reservation(
    run: Run, data: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """Where it counts the tokens of the text alone."""
    usage = {"prompt_tokens": 17, "completion_tokens": 3}
    endpoint.change = lambda completion: completion | {"usage": usage}
    model = f"--model=openai:tiny@{endpoint.url}"
    result = run(model, f"--data={data}", "-m", "detection", *mode)
    assert result.ret == 0
    assert len(endpoint.asked) == 16 + 1
    result.stdout.fnmatch_lines(["The model's server counted 17 tokens for a test prompt with a*"])
    assert sum("17 tokens" in text for text in read_run(project).manifest["reservations"]) == 1


def test_a_run_over_a_url_is_resumed_and_reused(
    run: Run, data: Path, project: Path, endpoint: Endpoint
) -> None:
    """Errors are asked again, answers are neither asked nor paid for twice."""
    endpoint.behave = lambda body, number: (
        (400, "no") if 1 < number % 4 < 3 else answer(body, number)
    )
    model = f"--model=openai:tiny@{endpoint.url}"
    assert run(model, f"--data={data}", "-m", "detection", "-n0", "--gates=none").ret == 1
    errors = read_run(project).manifest["errors"]
    assert 0 < errors < 16
    endpoint.behave = answer
    endpoint.asked.clear()
    assert run("--resume=reports/run").ret == 0
    assert len(endpoint.asked) == errors + 1
    assert read_run(project).manifest["errors"] == 0
    endpoint.asked.clear()
    options = ("--reuse=reports/run", "--run=second", "--gates=none")
    assert run(model, f"--data={data}", "-m", "detection", *options).ret == 0
    assert len(endpoint.asked) == 1
    usage = read_run(project, "second").manifest["usage"]
    assert (usage["reused_answers"], usage["attempts"]) == (16, 0)


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_budget_stops_the_run(
    run: Run, data: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """What was begun is recorded, and a run without the limit goes on with the rest."""
    (project / "cases" / "conftest.py").write_text(SMALL_UNITS, encoding="utf-8")
    model = (f"--model=openai:tiny@{endpoint.url}", f"--data={data}", "--gates=none")
    assert run(*model, "--run=whole").ret == 0
    endpoint.asked.clear()
    result = run(*model, "--budget=900tokens", *mode)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["to ask the rest: --resume=*", "*--budget=900 tokens is spent*"])
    first = read_run(project)
    assert 8 <= len(first.records) < 48
    assert len(first.records) == len(endpoint.asked) - 1
    assert first.manifest["status"] == "interrupted"
    assert run("--resume=reports/run", "--budget=1000000tokens").ret == 0
    assert len(endpoint.asked) - 2 == len(read_run(project).records) == 48
    runs = project / "reports"
    assert (runs / "run" / SCORES).read_bytes() == (runs / "whole" / SCORES).read_bytes()


def test_progress_says_what_is_in_flight_and_what_was_spent(
    run: Run, data: Path, project: Path, endpoint: Endpoint
) -> None:
    """While cases are asked; at the end the totals, without the cases that a resumption kept."""
    conftest = "import fakebench_suite.plugin.progress as progress\n\nprogress._SPEAK = 0.0\n"
    (project / "cases" / "conftest.py").write_text(SMALL_UNITS + conftest, encoding="utf-8")
    write_priced_card(project, endpoint)
    options = ("--model=priced.toml", f"--data={data}", "-n0", "--gates=none")
    whole = run(*options, "--run=whole")
    assert whole.ret == 0
    whole.stdout.fnmatch_lines(["priced: */48, * in flight, * tokens, cost *, * s left"])
    result = run(*options, "--budget=900tokens")
    result.stdout.fnmatch_lines(["priced: 1/48, * cases/s, * in flight, 93 tokens, cost 0.012"])
    count = len(read_run(project).records)
    result = run("--resume=reports/run", "--budget=1000000tokens")
    tokens, cost = 93 * (48 - count), 0.012 * (48 - count)
    result.stdout.fnmatch_lines(
        [f"priced: 48/48, * missed, 0 errors, * cases/s, {tokens:,} tokens, cost {cost:,.4g}"]
    )


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_refusal_costs_a_budget_of_money_no_answer(
    run: Run, data: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """A refusal with status 400 has no usage, so its price is not known; the run goes on."""
    endpoint.behave = lambda body, number: (400, "no") if number == 3 else answer(body, number)
    endpoint.raw = lambda body: FILTERED if body in endpoint.asked[3:4] else None
    write_priced_card(project, endpoint)
    options = ("--model=priced.toml", f"--data={data}", "--gates=none", *mode)
    assert run(*options, "--budget=1000").ret == 0
    records = read_run(project).records
    assert len(records) == 48
    costs = [record["answer"]["usage"].get("cost") for record in records]
    assert costs.count(None) == 1


def test_an_answer_that_is_not_counted_is_a_reservation(
    run: Run, data: Path, project: Path, endpoint: Endpoint
) -> None:
    """Also where all cases were in flight by then, so that no more could be left out."""
    counting, numbers = endpoint.change, itertools.count()
    endpoint.change = lambda completion: completion if next(numbers) == 3 else counting(completion)
    options = (f"--model=openai:tiny@{endpoint.url}", f"--data={data}", "--gates=none", "-n0")
    assert run(*options, "--budget=1000000tokens").ret == 0
    (reservation,) = read_run(project).manifest["reservations"]
    assert "not known what 1 answer took" in reservation


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_an_answer_without_a_price_stops_the_run(
    run: Run, data: Path, project: Path, endpoint: Endpoint, mode: tuple[str, ...]
) -> None:
    """What was answered is recorded, and a resumption asks the rest."""
    (project / "cases" / "conftest.py").write_text(SMALL_UNITS, encoding="utf-8")
    counting, numbers = endpoint.change, itertools.count()
    endpoint.change = lambda completion: completion if next(numbers) == 3 else counting(completion)
    write_priced_card(project, endpoint)
    options = ("--model=priced.toml", f"--data={data}", "--gates=none", *mode)
    result = run(*options, "--budget=1000")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["to ask the rest: --resume=*", "*--budget=1,000 cannot be kept*"])
    records = read_run(project).records
    assert len(records) == len(endpoint.asked) - 1
    assert 8 <= len(records) < 48
    assert run("--resume=reports/run", "--budget=1000").ret == 0
    assert len(read_run(project).records) == 48


def test_a_budget_of_money_needs_prices(run: Run, data: Path, endpoint: Endpoint) -> None:
    """Without them it could not be kept, and no case is asked."""
    result = run(f"--model=openai:tiny@{endpoint.url}", f"--data={data}", "--budget=1.5")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*neither the card nor the server of * gives prices*"])
    assert len(endpoint.asked) == 1
    result = run(f"--data={data}", "--budget=1.5")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*answers of scripted have no price*"])


def test_a_cluster_is_of_no_use_to_a_server(run: Run, data: Path, endpoint: Endpoint) -> None:
    """Nothing is sent."""
    result = run(f"--model=openai:tiny@{endpoint.url}", f"--data={data}", "--engine=ray")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--engine=ray" in result.stderr.str()
    assert endpoint.asked == []


def test_likelihoods_are_read_over_the_wire(
    run: Run, data: Path, project: Path, endpoint: Endpoint
) -> None:
    """A case for which neither option shows is unscored, and one that is refused, refused."""

    def change(completion: dict[str, Any]) -> dict[str, Any]:
        text = completion["choices"][0]["message"]["content"]
        token = {"It is fake.": "Fake", "Yes.": "The", "No.": "No"}[text]
        tops = [{"token": token, "logprob": -0.1}]
        choice = completion["choices"][0] | {"logprobs": {"content": [{"top_logprobs": tops}]}}
        return completion | {"choices": [choice]}

    endpoint.change = change
    model = f"--model=openai:tiny@{endpoint.url}"
    result = run(model, f"--data={data}", "-m", "detection", "--reading=likelihood")
    assert result.ret == 0
    records = read_run(project).records
    outcomes = {
        form: {r["verdict"]["outcome"] for r in records if r["case"]["question_type"] == form}
        for form in ("what", "isfake", "isreal")
    }
    assert outcomes == {
        "what": {"correct", "incorrect"},
        "isfake": {"unscored"},
        "isreal": {"correct", "incorrect"},
    }
    answers = [r["answer"] for r in records if r["case"]["question_type"] == "what"]
    assert {answer["p_fake"] for answer in answers} == {1.0}


def test_refusals_and_errors_are_kept_apart(
    run: Run, data: Path, project: Path, endpoint: Endpoint
) -> None:
    """A content filter is a miss of its own kind; a failure is no answer."""

    def behave(body: dict[str, Any], number: int) -> Reply:
        text = body["messages"][-1]["content"][-1]["text"]
        if number and "yes or no" not in text:
            return 400, "content_policy_violation"
        return (400, "odd") if number and "real image" in text else answer(body, number)

    endpoint.behave = behave
    endpoint.raw = lambda body: (
        None
        if "yes or no" in body["messages"][-1]["content"][-1]["text"]
        else json.dumps({"error": {"code": "content_policy_violation", "message": "no"}})
    )
    result = run(f"--model=openai:tiny@{endpoint.url}", f"--data={data}", "-m", "detection")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    outcomes = {
        record["case"]["question_type"]: record["verdict"]["outcome"]
        for record in read_run(project).records
        if record["case"]["label"] == "fake"
    }
    assert outcomes == {"what": "refused", "isfake": "correct", "isreal": "model_error"}


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
@pytest.mark.parametrize("failure", ["none", "echo", "401", "400"])
def test_the_key_is_neither_written_nor_printed(
    run: Run,
    data: Path,
    project: Path,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    failure: str,
    mode: tuple[str, ...],
) -> None:
    """Not the one in the environment, nor those in the URL or the headers of a card."""
    monkeypatch.setenv("MARKED_KEY", KEY)
    secrets = (KEY, "c0ffee-c0ffee", "marked-header", "marked-0-plain", "sk-marked-body-0")
    echo = f"Bearer {KEY} {' '.join(secrets)}"

    def behave(body: dict[str, Any], number: int) -> Reply:
        if failure == "none" or (failure == "400" and number == 0):
            return answer(body, number)
        return (200, echo) if failure == "echo" else (int(failure), echo)

    endpoint.behave = behave
    card = f"""
        backend = "openai"
        [endpoint]
        url = "{endpoint.url}?api_key=c0ffee-c0ffee"
        model = "tiny"
        key_env = "MARKED_KEY"
        headers = {{ x-api-key = "marked-header", X-Extra = "Bearer marked-0-plain" }}
        extra_body = {{ upstream = {{ header = "sk-marked-body-0" }} }}
    """
    (project / "tiny.toml").write_text(card, encoding="utf-8")
    options = ("-m", "detection", "--log-level=DEBUG", "--junit-xml=junit.xml", "-rA", "-v", "-l")
    result = run("--model=tiny.toml", f"--data={data}", *options, *mode)
    assert result.ret in (0, 1, 4)
    assert set(endpoint.keys) == {f"Bearer {KEY}"}
    output = result.stdout.str() + result.stderr.str()
    (project / "tiny.toml").unlink()
    for secret in secrets:
        assert secret not in output
        for folder, _, names in os.walk(project):
            for name in names:
                assert secret.encode() not in Path(folder, name).read_bytes(), name
