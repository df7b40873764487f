"""The judge behind an endpoint, against a real server that does everything wrong in turn."""

import asyncio
import os
import signal
import threading
import time
from typing import Any

import pytest

from fakebench_suite.endpoints import transport
from fakebench_suite.endpoints.event_loops import run_coroutine
from fakebench_suite.grading.judges import endpoint as endpoints
from fakebench_suite.grading.judges.base import MAX_ATTEMPTS
from fakebench_suite.grading.judges.cache import RatingCache
from fakebench_suite.grading.judges.endpoint import SEED_STRIDE, EndpointJudge
from fakebench_suite.grading.judges.rubric import RatingRequest
from tests.endpoint_server import GOOD, Endpoint, Reply, linger, serve

REQUEST = RatingRequest(question="Why fake?", reference=["Six fingers."], text="The hand is odd.")


def make_judge(
    endpoint: Endpoint, cache: RatingCache, *, rounds: int = 3, timeout: float = 5.0
) -> EndpointJudge:
    """A judge of that endpoint."""
    return EndpointJudge("m", endpoint.url, rounds=rounds, cache=cache, timeout=timeout)


def test_rounds_are_averaged_and_kept(endpoint: Endpoint, cache: RatingCache) -> None:
    """Each round has its seed, marks are averaged, and asked again nothing is sent."""
    judge = make_judge(endpoint, cache)
    (judgement,) = judge.grade([REQUEST])
    assert judgement.score == 1
    assert (len(judgement.ratings), judgement.failed) == (3, 0)
    assert sorted(body["seed"] for body in endpoint.asked) == [0, 1, 2]
    assert endpoint.asked[0]["response_format"]["type"] == "json_schema"
    assert make_judge(endpoint, cache).grade([REQUEST]) == [judgement]
    assert len(endpoint.asked) == 3
    other = RatingRequest(question="Why fake?", reference=["Six fingers."], text="Another.")
    judge.grade([other])
    assert len(endpoint.asked) == 6


def test_all_rounds_of_a_slice_are_under_way_together(
    endpoint: Endpoint, cache: RatingCache
) -> None:
    """Twelve rounds of 0.3 s take about as long as one, not 3.6 s."""
    endpoint.behave = linger
    requests = [
        RatingRequest(question="?", reference=["a"], text=f"text {number}") for number in range(4)
    ]
    started = time.monotonic()
    judgements = make_judge(endpoint, cache).grade(requests)
    assert time.monotonic() - started < 2.4
    assert [judgement.score for judgement in judgements] == [1] * 4
    assert endpoint.together > 3


@pytest.mark.parametrize(
    "bad", ["10", "error 401", "Score: 0 (1 = correct)", GOOD[:-3], GOOD.replace("2", "7")]
)
def test_replies_without_marks_are_asked_again_and_then_left_out(
    endpoint: Endpoint, cache: RatingCache, bad: str
) -> None:
    """One round always fails, one at first: two rounds count, one is a failure, none is zero."""

    def behave(body: dict[str, Any], _number: int) -> Reply:
        number, attempt = body["seed"] % SEED_STRIDE, body["seed"] // SEED_STRIDE
        return 200, bad if number == 0 or (number == 1 and attempt == 0) else GOOD

    endpoint.behave = behave
    (judgement,) = make_judge(endpoint, cache).grade([REQUEST])
    assert (len(judgement.ratings), judgement.failed) == (2, 1)
    assert judgement.score == 1
    assert repr(bad) in judgement.reason
    assert len(endpoint.asked) == MAX_ATTEMPTS + 2 + 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_endpoint_is_asked_again(
    endpoint: Endpoint, cache: RatingCache, status: int
) -> None:
    """Passing trouble costs nothing but time."""
    endpoint.behave = lambda _body, number: (status, "busy") if number < 2 else (200, GOOD)
    (judgement,) = make_judge(endpoint, cache, rounds=1).grade([REQUEST])
    assert judgement.score == 1
    assert len(endpoint.asked) == 3


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_lasting_trouble_is_a_failure_and_never_zero(
    endpoint: Endpoint, cache: RatingCache, status: int
) -> None:
    """No round at all leaves no score, and says why; nothing of it is kept in the cache."""
    endpoint.behave = lambda _body, _number: (status, "no luck")
    (judgement,) = make_judge(endpoint, cache, rounds=2).grade([REQUEST])
    assert judgement.score is None
    assert (judgement.ratings, judgement.failed) == ((), 2)
    assert "no luck" in judgement.reason
    endpoint.behave = lambda _body, _number: (200, GOOD)
    (judgement,) = make_judge(endpoint, cache, rounds=2).grade([REQUEST])
    assert judgement.score == 1


@pytest.mark.parametrize(
    "content",
    [
        '{"choices": [{"message": {"role": "assistant", "content": 7}}]}',
        '{"choices": [{"message": {"role": "assistant", "content": ["x", {"text": 3}]}}]}',
        "[]",
        '{"choices": null}',
        '{"choices": [{"message": null}]}',
        "<html>",
        "",
    ],
)
def test_a_malformed_completion_fails_its_round_only(
    endpoint: Endpoint, cache: RatingCache, content: str
) -> None:
    """What is no completion at all costs one text its marks, and the others nothing."""
    endpoint.raw = lambda body: content if "bad text" in str(body["messages"]) else None
    requests = [RatingRequest(question="?", reference=["a"], text=t) for t in ("bad text", "good")]
    lost, kept = make_judge(endpoint, cache, rounds=1).grade(requests)
    assert (lost.score, lost.failed) == (None, 1)
    assert lost.reason
    assert kept.score == 1


def test_an_endpoint_without_structured_output_is_asked_without(
    endpoint: Endpoint, cache: RatingCache
) -> None:
    """After one refusal of the format the plain question is enough, for good."""
    endpoint.behave = lambda body, _number: (
        (400, "response_format is not known") if "response_format" in body else (200, GOOD)
    )
    judge = make_judge(endpoint, cache, rounds=1)
    assert [one.score for one in judge.grade([REQUEST])] == [1]
    assert len(endpoint.asked) == 2
    judge.grade([RatingRequest(question="?", reference=["a"], text="b")])
    assert len(endpoint.asked) == 3


def test_an_endpoint_that_hangs_or_is_gone_is_a_failure(
    endpoint: Endpoint, cache: RatingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time-outs and refused connections end in failures with their names."""
    monkeypatch.setattr(endpoints, "MAX_ATTEMPTS", 1)
    endpoint.behave = linger
    (slow,) = make_judge(endpoint, cache, rounds=1, timeout=0.05).grade([REQUEST])
    assert slow.score is None
    assert "0.05 s" in slow.reason
    gone = EndpointJudge("m", "http://127.0.0.1:9/v1", rounds=1, cache=cache)
    (judgement,) = gone.grade([REQUEST])
    assert judgement.score is None
    assert "gave no reply" in judgement.reason
    assert judgement.unanswered == 1


def test_a_loop_that_runs_already_is_no_obstacle(endpoint: Endpoint, cache: RatingCache) -> None:
    """As in a notebook, or beside a browser that other tests drive."""

    async def judge() -> None:
        asked = make_judge(endpoint, cache)
        asked.check()
        (judgement,) = asked.grade([REQUEST])
        assert judgement.score == 1

    run_coroutine(judge())


def test_ctrl_c_does_not_wait_for_the_judge(endpoint: Endpoint, cache: RatingCache) -> None:
    """Nor does it where the requests are awaited in a thread beside a running loop."""
    free = threading.Event()

    def hang(_body: dict[str, Any], _number: int) -> Reply:
        os.kill(os.getpid(), signal.SIGINT)
        free.wait(20)
        return 200, GOOD

    async def judge() -> None:
        make_judge(endpoint, cache, rounds=1, timeout=30).grade([REQUEST])

    endpoint.behave = hang
    started = time.monotonic()
    notebook = asyncio.new_event_loop()  # asyncio.run has a Ctrl-C of its own
    try:
        with pytest.raises(KeyboardInterrupt):
            notebook.run_until_complete(judge())
        assert time.monotonic() - started < 10
    finally:
        free.set()
        notebook.close()


def test_texts_are_given_up_at_once_where_the_judge_hangs(
    cache: RatingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty texts cost a few time-outs instead of sixty, and each says why."""
    monkeypatch.setattr(transport, "MIN_FAILURES", 8)
    monkeypatch.setattr(transport, "MIN_OUTAGE_S", 0.0)

    def hang(_body: object, _number: int) -> Reply:
        time.sleep(1)
        return 200, ""

    with serve(Endpoint(behave=hang)) as endpoint:
        judge = EndpointJudge("m", endpoint.url, rounds=1, cache=cache, timeout=0.2)
        requests = [RatingRequest(question="?", reference=["a"], text=f"{n}") for n in range(60)]
        started = time.monotonic()
        judgements = judge.grade(requests)
        assert time.monotonic() - started < 15
        assert [one.unanswered for one in judgements] == [1] * 60
        assert "was not asked" in judgements[-1].reason
        asked = len(endpoint.asked)
        assert asked <= 64
        judge.grade(requests[:5])
        assert len(endpoint.asked) == asked
