"""The judge behind an endpoint, against a real server that does everything wrong in turn."""

import asyncio
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.endpoints import client, outage
from fakebench_suite.endpoints.event_loops import run_coroutine
from fakebench_suite.grading.judges import endpoint as endpoints
from fakebench_suite.grading.judges.base import MAX_ATTEMPTS
from fakebench_suite.grading.judges.cache import RatingCache
from fakebench_suite.grading.judges.endpoint import SEED_STRIDE, EndpointJudge
from fakebench_suite.grading.judges.registry import open_judge, parse_judge
from fakebench_suite.grading.judges.rubric import RatingRequest
from tests.endpoint_server import GOOD, Endpoint, Reply, linger

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


@pytest.mark.parametrize("kind", ["reasoning", "thinking"])
def test_thoughts_in_parts_are_no_rating(endpoint: Endpoint, cache: RatingCache, kind: str) -> None:
    """A rating that a judge considers is not the one it gives."""
    considered = {"type": kind, "text": '{"completeness": 0, "preciseness": 0, "relevance": 0}'}

    def answer_in_parts(completion: dict[str, Any]) -> dict[str, Any]:
        parts = [considered, {"type": "text", "text": GOOD}]
        return completion | {"choices": [{"message": {"content": parts}, "finish_reason": "stop"}]}

    def think_only(completion: dict[str, Any]) -> dict[str, Any]:
        choice = {"message": {"content": [considered]}, "finish_reason": "stop"}
        return completion | {"choices": [choice]}

    endpoint.change = think_only
    (judgement,) = make_judge(endpoint, cache, rounds=1).grade([REQUEST])
    assert (judgement.score, judgement.failed) == (None, 1)
    endpoint.change = answer_in_parts
    (judgement,) = make_judge(endpoint, cache, rounds=1).grade([REQUEST])
    assert judgement.score == 1


def test_all_rounds_of_a_slice_are_under_way_together(
    endpoint: Endpoint, cache: RatingCache
) -> None:
    """Three rounds of four texts: there is no wait for the replies of one before the next."""
    endpoint.behave = linger
    requests = [
        RatingRequest(question="?", reference=["a"], text=f"text {number}") for number in range(4)
    ]
    judgements = make_judge(endpoint, cache).grade(requests)
    assert [judgement.score for judgement in judgements] == [1] * 4
    assert endpoint.together > 6  # of twelve


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
    endpoint: Endpoint, cache: RatingCache, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """No round at all leaves no score, and says why; nothing of it is kept in the cache."""
    monkeypatch.setattr(client, "MAX_OVERLOADED_S", 0.2)
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
    monkeypatch.setattr(outage, "PROBE_EVERY_S", 0.01)
    monkeypatch.setattr(outage, "MAX_OUTAGE_S", 0.1)
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


def make_texts(count: int) -> list[RatingRequest]:
    """So many texts that differ."""
    return [RatingRequest(question="?", reference=["a"], text=f"text {n}") for n in range(count)]


def test_texts_are_given_up_where_the_judge_hangs(
    endpoint: Endpoint, cache: RatingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty texts cost a few time-outs instead of sixty, and each says why."""
    monkeypatch.setattr(outage, "MAX_FAILED", 8)

    def hang(_body: object, _number: int) -> Reply:
        time.sleep(2)
        return 200, ""

    endpoint.behave = hang
    judge = EndpointJudge("m", endpoint.url, rounds=1, cache=cache, timeout=0.8, concurrency=8)
    judgements = judge.grade(make_texts(60))
    assert [judgement.unanswered for judgement in judgements] == [1] * 60
    assert judgements[-1].unasked == 1
    assert "no reply" in judgements[-1].reason
    asked = len(endpoint.asked)
    assert asked <= 3 * 16
    judge.grade(make_texts(5))
    assert len(endpoint.asked) == asked


@pytest.fixture
def quick_outages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is down is looked at often."""
    monkeypatch.setattr(outage, "PROBE_EVERY_S", 0.02)


def test_a_burst_of_429_is_waited_out(endpoint: Endpoint, cache: RatingCache) -> None:
    """The server takes four at a time; no round is lost, though it refuses many requests."""
    under_way, lock = [0], threading.Lock()

    def behave(_body: dict[str, Any], _number: int) -> Reply:
        with lock:
            under_way[0] += 1
            busy = under_way[0] > 4
        time.sleep(0.0 if busy else 0.01)
        with lock:
            under_way[0] -= 1
        return (429, "slow down") if busy else (200, GOOD)

    endpoint.behave, endpoint.headers = behave, {}
    judgements = make_judge(endpoint, cache).grade(make_texts(16))
    assert [len(judgement.ratings) for judgement in judgements] == [3] * 16
    assert len(endpoint.asked) > 3 * 16


@pytest.mark.usefixtures("quick_outages")
def test_a_server_that_is_down_is_waited_for(endpoint: Endpoint, cache: RatingCache) -> None:
    """No round fails, however often it was sent meanwhile."""
    began: list[float] = []

    def is_down() -> bool:
        return bool(began) and time.monotonic() - began[0] < 1.0

    def behave(_body: dict[str, Any], number: int) -> Reply:
        if number == 4:
            began.append(time.monotonic())
        return (502, "down") if is_down() else (200, GOOD)

    endpoint.behave, endpoint.is_down, endpoint.headers = behave, is_down, {}
    judge = make_judge(endpoint, cache)
    judgements = judge.grade(make_texts(8))
    assert [len(judgement.ratings) for judgement in judgements] == [3] * 8
    assert judge.given_up is None


@pytest.mark.usefixtures("quick_outages")
def test_a_server_that_stays_down_leaves_texts_without_scores(
    endpoint: Endpoint, cache: RatingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even by the rounds that were rated before; later texts wait for nothing."""
    monkeypatch.setattr(outage, "MAX_OUTAGE_S", 0.2)
    endpoint.behave = lambda _body, number: (200, GOOD) if number < 4 else (503, "down")
    endpoint.is_down, endpoint.headers = lambda: len(endpoint.asked) > 4, {}
    judge = EndpointJudge("m", endpoint.url, rounds=3, cache=cache, concurrency=1)
    first, second = judge.grade(make_texts(2))
    assert first.score == 1
    assert (len(second.ratings), second.failed, second.unasked) == (1, 2, 2)
    assert second.score is None
    assert judge.given_up == second.reason
    assert second.reason.startswith("The judge's server has not replied for")
    assert "503: down" in second.reason
    asked, gets = len(endpoint.asked), len(endpoint.paths)
    judgements = judge.grade(make_texts(5))
    assert [judgement.score for judgement in judgements] == [1, *[None] * 4]
    assert (len(endpoint.asked), len(endpoint.paths)) == (asked, gets)
    endpoint.behave = lambda _body, _number: (200, GOOD)
    again = make_judge(endpoint, cache).grade(make_texts(2))
    assert [judgement.score for judgement in again] == [1, 1]
    assert len(endpoint.asked) == asked + 2


@pytest.mark.parametrize("status", [401, 402])
def test_a_key_that_is_refused_stops_the_judge(
    endpoint: Endpoint, cache: RatingCache, status: int
) -> None:
    """Nothing more is sent, for no other text either."""
    endpoint.behave = lambda _body, number: (200, GOOD) if number < 4 else (status, "no credit")
    judge = EndpointJudge("m", endpoint.url, rounds=1, cache=cache, concurrency=1)
    judgements = [*judge.grade(make_texts(16)), *judge.grade(make_texts(20)[16:])]
    assert [judgement.score for judgement in judgements] == [1] * 4 + [None] * 16
    why = f"The judge's server refuses all requests (the judge's server says {status}: no credit)."
    assert {judgement.reason for judgement in judgements[4:]} == {why}
    assert judge.given_up == why
    assert len(endpoint.asked) == 5


def stop_once_asked(judge: EndpointJudge, sent: threading.Semaphore, count: int) -> None:
    """Stop a judge, from another thread, once so many requests have arrived."""

    def stop() -> None:
        for _ in range(count):
            assert sent.acquire(timeout=30)
        judge.stop("Enough.")

    threading.Thread(target=stop, daemon=True).start()


def test_a_stop_waits_for_what_was_sent_and_sends_nothing_else(
    endpoint: Endpoint, cache: RatingCache
) -> None:
    """What is in flight is rated; a text of which a round is missing has no score."""
    sent = threading.Semaphore(0)

    def behave(_body: dict[str, Any], _number: int) -> Reply:
        sent.release()
        time.sleep(0.5)
        return 200, GOOD

    endpoint.behave = behave
    judge = EndpointJudge("m", endpoint.url, rounds=2, cache=cache, concurrency=3)
    stop_once_asked(judge, sent, 3)
    judgements = judge.grade(make_texts(8))
    assert len(endpoint.asked) == 3
    assert [len(judgement.ratings) for judgement in judgements] == [2, 1, *[0] * 6]
    assert [judgement.score for judgement in judgements] == [1, *[None] * 7]
    assert {judgement.reason for judgement in judgements[1:]} == {"Enough."}
    assert judge.given_up is None
    assert [judgement.unasked for judgement in judge.grade(make_texts(9)[8:])] == [2]
    assert len(endpoint.asked) == 3


def test_a_stop_waits_a_bounded_time(
    endpoint: Endpoint, cache: RatingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that hangs is given up, and its text has no score."""
    monkeypatch.setattr(endpoints, "PATIENCE_S", 0.2)
    sent, go_on = threading.Semaphore(0), threading.Event()

    def behave(_body: dict[str, Any], _number: int) -> Reply:
        sent.release()
        go_on.wait(30)
        return 200, GOOD

    endpoint.behave = behave
    judge = EndpointJudge("m", endpoint.url, rounds=1, cache=cache, timeout=60)
    stop_once_asked(judge, sent, 4)
    started = time.monotonic()
    judgements = judge.grade(make_texts(4))
    go_on.set()
    assert time.monotonic() - started < 20
    assert [judgement.unasked for judgement in judgements] == [1] * 4
    assert {judgement.reason for judgement in judgements} == {"Enough."}


def test_workers_share_what_may_be_in_flight(endpoint: Endpoint, tmp_path: Path) -> None:
    """Of 16 workers each has two requests in flight."""
    endpoint.behave = linger
    choice = parse_judge(f"openai:m@{endpoint.url}", rounds=1)
    open_judge(choice, cache=tmp_path / "marks.sqlite", workers=16).grade(make_texts(4))
    assert endpoint.together == 2
