"""The pool: whatever happens to replicas and nodes, each unit is answered once."""

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.backends.base import InferenceInfo, NotAsked
from fakebench_suite.errors import EngineError, ModelError, UserError
from fakebench_suite.execution.ray import pool as pools
from fakebench_suite.execution.ray.pool import (
    MAX_ATTEMPTS,
    MAX_FRUITLESS,
    MAX_IN_FLIGHT,
    ReplicaPool,
)
from fakebench_suite.execution.ray.worker import (
    ReplicaConfig,
    ReplicaDied,
    ResultLost,
    UnitResponse,
)
from fakebench_suite.types import Answer
from tests.execution.ray.fake_cluster import (
    ORDER,
    VLLM_ORDER,
    Call,
    FakeCluster,
    answer_all,
    make_unit,
)


def decide_nothing(call: Call) -> None:
    """All replicas are sound."""
    del call


@given(st.integers(1, 4), st.integers(1, 12), st.data())
def test_each_slice_is_answered_once_whatever_dies(
    nodes: int, units: int, data: st.DataObject
) -> None:
    """Replicas die at random while loading and answering: every unit has its replies, once."""
    at_a_time = data.draw(st.integers(1, 4))
    remaining = {"deaths": MAX_ATTEMPTS - 1}

    def decide(call: Call) -> Any:
        if remaining["deaths"] and call.what != "greet" and data.draw(st.booleans()):
            remaining["deaths"] -= 1
            return ReplicaDied(why="a node was lost")
        return None

    cluster = FakeCluster(
        nodes, decide, lambda count: data.draw(st.integers(0, count - 1)), at_a_time=at_a_time
    )
    pool = ReplicaPool(cluster, ORDER if at_a_time == 1 else VLLM_ORDER, None)
    replies_by_unit = answer_all(pool, units)
    assert sorted(replies_by_unit) == list(range(units))
    for number, replies in replies_by_unit.items():
        assert {case: reply.text for case, reply in replies.items()} == {
            f"a.png:{number}-0": "fake",
            f"a.png:{number}-1": "fake",
        }
    assert cluster.most <= max(MAX_IN_FLIGHT, at_a_time)
    assert pool.describe().lost == MAX_ATTEMPTS - 1 - remaining["deaths"] == cluster.started - nodes
    assert all(info == InferenceInfo(path="x") for info in pool.inference)
    pool.close()
    assert len(cluster.ended) == cluster.started


@pytest.mark.parametrize("end", [ReplicaDied(why="signal 9"), ResultLost(why="signal 9")])
def test_a_slice_that_kills_replicas_fails_and_no_other(end: Any) -> None:
    """After three attempts it has failed as a whole, and says so; the others are answered."""

    def decide(call: Call) -> Any:
        return end if call.question is not None and call.question.number == 2 else None

    cluster = FakeCluster(2, decide)
    replies_by_unit = answer_all(ReplicaPool(cluster, ORDER, None), 6)
    failure = replies_by_unit.pop(2)
    assert isinstance(failure, ModelError)
    assert "was asked 3 times without an answer" in str(failure)
    assert str(failure).endswith("signal 9")
    assert len(replies_by_unit) == 5
    for replies in replies_by_unit.values():
        assert all(isinstance(reply, Answer) for reply in replies.values())


def test_a_replica_that_cannot_load_ends_the_run() -> None:
    """Its reason, naming the node, ends the run although another replica works."""

    def refuse_second(call: Call) -> str | None:
        return "No weights." if (call.replica, call.what) == (2, "load") else None

    cluster = FakeCluster(2, refuse_second)
    with pytest.raises(EngineError, match=r"^No weights\.$"):
        answer_all(ReplicaPool(cluster, ORDER, None), 50)


def test_others_go_on_where_a_lost_replica_cannot_be_replaced() -> None:
    """What takes a lost one's slot may fail to load; the run ends only with the last replica."""

    def make_fleet(nodes: int) -> ReplicaPool:
        def decide(call: Call) -> Any:
            if call.what == "load" and call.replica > nodes:
                return "No weights."
            return ReplicaDied(why="lost") if (call.replica, call.what) == (1, "ask") else None

        return ReplicaPool(FakeCluster(nodes, decide), ORDER, None)

    assert len(answer_all(make_fleet(2), 9)) == 9
    with pytest.raises(EngineError, match="No weights"):
        answer_all(make_fleet(1), 9)


def test_replicas_that_die_while_they_load_end_the_run() -> None:
    """A slot is filled three times and not for ever."""
    cluster = FakeCluster(
        1, lambda call: ReplicaDied(why="signal 9") if call.what == "load" else None
    )
    with pytest.raises(EngineError, match="die before they are ready: signal 9"):
        answer_all(ReplicaPool(cluster, ORDER, None), 1)
    assert cluster.started == MAX_ATTEMPTS


def test_a_full_cluster_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no node has room the run ends in a sentence."""
    monkeypatch.setattr(pools, "CAPACITY_TIMEOUT_S", 0.0)
    pool = ReplicaPool(FakeCluster(1, lambda call: call and "late"), ORDER, None)
    with pytest.raises(EngineError, match="no node has had 1 core to spare"):
        answer_all(pool, 1)


def test_lost_nodes_are_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no node is left the run ends sooner than where all are busy, in another sentence."""
    monkeypatch.setattr(pools, "NODE_LOSS_TIMEOUT_S", 0.0)

    def decide(call: Call) -> Any:
        if call.what == "greet" and call.replica > 2:
            return "late"
        if call.what == "ask":
            cluster.nodes = 0
            return ReplicaDied(why="a node was lost")
        return None

    cluster = FakeCluster(2, decide, lambda count: count - 1)
    with pytest.raises(EngineError, match="All nodes that replicas can run on are gone"):
        answer_all(ReplicaPool(cluster, ORDER, None), 4)


@pytest.mark.parametrize("error", [ModelError("odd"), UserError("Leave it out.")])
def test_what_is_raised_over_a_whole_slice_is_passed_on(error: Exception) -> None:
    """An error of the model is that unit's, and a mistake of the user's ends the run as here."""
    reply = UnitResponse(replies=error, inference=InferenceInfo())  # type: ignore[arg-type]
    cluster = FakeCluster(1, lambda call: reply if call.what == "ask" else None)
    assert answer_all(ReplicaPool(cluster, ORDER, None), 1) == {0: error}


def test_the_replica_with_the_least_to_do_is_asked() -> None:
    """Work units are spread over all that are ready, and go on to who is done first."""
    cluster = FakeCluster(2, decide_nothing)
    pool = ReplicaPool(cluster, ORDER, None)
    pool.submit(make_unit(0))
    pool.wait()
    pool.submit(make_unit(1))
    pool.submit(make_unit(2))
    assert sorted(cluster.asked[1:]) == [(1, 1), (2, 2)]
    number = pool.wait().number
    pool.submit(make_unit(3))
    assert cluster.asked[-1] == (number, 3)


def test_one_slice_is_on_its_way_while_another_is_answered() -> None:
    """A third is not tied to a replica: whoever gets ready meanwhile is asked."""
    cluster = FakeCluster(2, decide_nothing)
    pool = ReplicaPool(cluster, ORDER, None)
    for number in range(2):
        assert pool.has_room
        pool.submit(make_unit(number))
    assert not pool.has_room
    pool.submit(make_unit(2))
    assert pool.wait().number == 0, "replica 1 was at it until now"
    assert cluster.asked[:3] == [(1, 0), (1, 1), (2, 2)]


def test_slices_of_a_lost_replica_come_first_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next replica is asked what the lost one had, then what nobody had."""
    monkeypatch.setattr(pools, "MAX_IN_FLIGHT", 3)
    cluster = FakeCluster(
        1, lambda call: ReplicaDied(why="lost") if (call.replica, call.what) == (1, "ask") else None
    )
    pool = ReplicaPool(cluster, ORDER, None)
    for number in range(5):
        pool.submit(make_unit(number))
    assert [pool.wait().number for _ in range(5)] == [0, 1, 2, 3, 4]
    assert [number for replica, number in cluster.asked if replica == 1] == [0, 1, 2]


def test_a_replica_that_got_ready_clears_its_seat_of_failures() -> None:
    """Two that died while loading, long ago, do not count with two that die now."""

    def decide(call: Call) -> Any:
        fails = call.what == "load" and call.replica % MAX_ATTEMPTS
        return (
            ReplicaDied(why="lost")
            if fails or (call.replica, call.what) == (MAX_ATTEMPTS, "ask")
            else None
        )

    cluster = FakeCluster(1, decide)
    assert len(answer_all(ReplicaPool(cluster, ORDER, None), 3)) == 3
    assert cluster.started == 2 * MAX_ATTEMPTS


def test_a_replica_may_work_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one has room, nobody waits for room, however long it takes to answer."""
    clock = count(0.0, 10 * pools.CAPACITY_TIMEOUT_S)
    monkeypatch.setattr(pools, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert len(answer_all(ReplicaPool(FakeCluster(1, decide_nothing), ORDER, None), 3)) == 3


def test_the_wait_for_room_begins_with_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that the last replica worked does not count."""
    now, results = [0.0], ["late"]
    monkeypatch.setattr(pools, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def decide(call: Call) -> Any:
        if (call.replica, call.what) == (1, "ask"):
            if len(cluster.asked) > 2:
                return ReplicaDied(why="lost")
            now[0] += 10 * pools.CAPACITY_TIMEOUT_S
        return results.pop() if (call.replica, call.what) == (2, "greet") and results else None

    cluster = FakeCluster(1, decide)
    assert len(answer_all(ReplicaPool(cluster, ORDER, None), 3)) == 3
    assert not results


def fail_whole(call: Call) -> UnitResponse | None:
    """What a sick replica says to a work unit."""
    if call.question is None:
        return None
    prompts = [request.prompt for request in call.question.requests]
    error = ModelError("uncorrectable ECC error")
    return UnitResponse(
        replies=dict.fromkeys((p.case for p in prompts), error), inference=InferenceInfo()
    )


@given(st.integers(2, 4), st.integers(10, 30), st.data())
def test_a_sick_replica_is_retired_and_its_slices_asked_elsewhere(
    nodes: int, units: int, data: st.DataObject
) -> None:
    """Every unit is answered, and the sick replica is soon asked nothing more."""
    cluster = FakeCluster(
        nodes,
        lambda call: fail_whole(call) if call.replica == 1 else None,
        lambda count: data.draw(st.integers(0, count - 1)),
    )
    pool = ReplicaPool(cluster, ORDER, None)
    replies_by_unit = answer_all(pool, units)
    assert sorted(replies_by_unit) == list(range(units))
    for replies in replies_by_unit.values():
        assert all(isinstance(reply, Answer) for reply in replies.values())
    assert pool.describe().lost in (0, 1)
    assert sum(replica == 1 for replica, _ in cluster.asked) <= 2 * MAX_IN_FLIGHT + pools.SICK


@given(st.integers(1, 4), st.integers(1, 12))
def test_where_all_replicas_fail_alike_the_errors_stand(nodes: int, units: int) -> None:
    """Each unit is asked twice at most, and no replica is given up."""
    cluster = FakeCluster(nodes, lambda call: fail_whole(call) if call.what == "ask" else None)
    pool = ReplicaPool(cluster, ORDER, None)
    replies_by_unit = answer_all(pool, units)
    assert all(
        isinstance(reply, ModelError)
        for replies in replies_by_unit.values()
        for reply in replies.values()
    )
    assert len(cluster.asked) <= units * min(nodes, 2)
    assert pool.describe().lost == 0


def test_a_replica_that_hangs_is_ended_and_its_slice_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After the time limit another replica takes its slot."""
    clock = count(0.0, 1.0)
    monkeypatch.setattr(pools, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    def decide(call: Call) -> Any:
        return "late" if (call.replica, call.what) == (1, "ask") else None

    cluster = FakeCluster(1, decide)
    replies_by_unit = answer_all(ReplicaPool(cluster, ORDER, None, limit=50.0), 3)
    assert all(
        isinstance(r, Answer) for replies in replies_by_unit.values() for r in replies.values()
    )
    assert 1 in cluster.ended
    assert cluster.started == 2


def test_replicas_that_batch_by_themselves_have_many_units() -> None:
    """As many as each says once it is loaded, so that vLLM is full at all times."""
    cluster = FakeCluster(2, decide_nothing, at_a_time=5)
    pool = ReplicaPool(cluster, VLLM_ORDER, None)
    pool.submit(make_unit(0))
    pool.wait()
    for number in range(1, 11):
        assert pool.has_room
        pool.submit(make_unit(number))
    assert not pool.has_room
    assert [replica for replica, _ in cluster.asked[1:]].count(1) == 5
    assert {pool.wait().number for _ in range(10)} == set(range(1, 11))
    assert pool.describe().replica_engine == "vllm"


def end_model(call: Call) -> UnitResponse:
    """What a replica says whose engine has ended in the middle of a unit."""
    assert call.question is not None
    first, second = (request.prompt.case for request in call.question.requests)
    answer = Answer(text="fake", tokens=1, seconds=0.1, batch_size=1)
    return UnitResponse(
        replies={first: answer, second: NotAsked("It has ended.", model_ended=True)},
        inference=InferenceInfo(),
    )


def test_a_replica_whose_model_has_ended_is_lost_though_it_lives() -> None:
    """What it had is asked elsewhere, another replica takes its place, and no case is an error."""
    cluster = FakeCluster(
        2, lambda call: end_model(call) if (call.replica, call.what) == (1, "ask") else None,
        at_a_time=3,
    )  # fmt: skip
    pool = ReplicaPool(cluster, VLLM_ORDER, None)
    replies_by_unit = answer_all(pool, 12)
    for replies in replies_by_unit.values():
        assert all(isinstance(reply, Answer) for reply in replies.values())
    assert 1 in cluster.ended
    assert pool.describe().lost == 1
    assert cluster.started == 3


def test_models_that_always_end_end_the_run() -> None:
    """Replicas are not started for ever where none answers anything."""
    cluster = FakeCluster(1, lambda call: end_model(call) if call.what == "ask" else None)
    pool = ReplicaPool(cluster, VLLM_ORDER, None)
    with pytest.raises(EngineError, match="lost before they have answered anything: its model has"):
        answer_all(pool, 50)
    assert cluster.started == MAX_FRUITLESS


def test_an_answer_shows_that_a_place_is_sound() -> None:
    """However often replicas are lost, where each has answered something before."""

    def decide(call: Call) -> Any:
        answered = [unit for replica, unit in cluster.asked if replica == call.replica]
        return end_model(call) if call.what == "ask" and len(answered) > 2 else None

    cluster = FakeCluster(1, decide)
    replies_by_unit = answer_all(ReplicaPool(cluster, VLLM_ORDER, None), 3 * MAX_FRUITLESS)
    assert all(
        isinstance(reply, Answer)
        for replies in replies_by_unit.values()
        for reply in replies.values()
    )
    assert cluster.started > MAX_FRUITLESS


@given(st.integers(1, 3), st.integers(2, 5), st.integers(0, 11), st.data())
def test_a_unit_that_ends_models_takes_no_other_along(
    nodes: int, at_a_time: int, fatal: int, data: st.DataObject
) -> None:
    """Those that were begun beside it are asked with no other, and answered."""

    def decide(call: Call) -> Any:
        return end_model(call) if call.question and call.question.number == fatal else None

    cluster = FakeCluster(
        nodes, decide, lambda count: data.draw(st.integers(0, count - 1)), at_a_time=at_a_time
    )
    replies_by_unit = answer_all(ReplicaPool(cluster, VLLM_ORDER, None), 12)
    failure = replies_by_unit.pop(fatal)
    assert isinstance(failure, ModelError)
    assert "was asked 3 times without an answer" in str(failure)
    assert len(replies_by_unit) == 11
    for replies in replies_by_unit.values():
        assert all(isinstance(reply, Answer) for reply in replies.values())


@pytest.mark.parametrize(("order", "told"), [(ORDER, False), (VLLM_ORDER, True)])
def test_after_a_stop_only_what_replicas_have_is_waited_for(
    order: ReplicaConfig, told: bool
) -> None:
    """What waits is not asked; replicas of vLLM hand nothing over, and may give up what hangs."""
    waits = {"ask": True}

    def decide(call: Call) -> Any:
        return "late" if waits["ask"] and call.what == "ask" else None

    cluster = FakeCluster(1, decide, at_a_time=3 if told else 1)
    pool = ReplicaPool(cluster, order, None)
    room = 3 if told else MAX_IN_FLIGHT
    for number in range(room + 2):
        pool.submit(make_unit(number))
    waits["ask"] = False
    assert pool.wait().number == 0
    waits["ask"] = True
    pool.stop("It is enough.")
    pool.stop("It is late.")
    unasked = pool.wait()
    assert unasked.number == room + 1
    assert isinstance(unasked.replies, dict)
    assert set(unasked.replies.values()) == {NotAsked("It is enough.")}
    assert cluster.stopped == ({1: "It is enough."} if told else {})
    assert not cluster.gave_up
    pool.give_up()
    waits["ask"] = False
    for _ in range(room):
        replies = pool.wait().replies
        assert isinstance(replies, dict)
        assert all(isinstance(reply, Answer) for reply in replies.values())
    assert cluster.gave_up == ({1} if told else set())


def test_models_of_processes_end_before_their_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines of vLLM end in order; what does not within a time is left to Ray."""
    cluster = FakeCluster(2, decide_nothing)
    for order in (VLLM_ORDER, ORDER):
        cluster.unloaded.clear()
        pool = ReplicaPool(cluster, order, None)
        assert len(answer_all(pool, 6)) == 6
        pool.close()
        assert len(cluster.unloaded) == (2 if order is VLLM_ORDER else 0)
        assert len(cluster.ended) == cluster.started
    monkeypatch.setattr(pools, "UNLOADING_TIMEOUT_S", 0.01)
    cluster = FakeCluster(1, lambda call: "late" if call.what == "unload" else None)
    pool = ReplicaPool(cluster, VLLM_ORDER, None)
    answer_all(pool, 1)
    pool.close()
    assert cluster.ended == {1}
