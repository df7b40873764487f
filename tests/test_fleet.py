"""The fleet: whatever happens to replicas and nodes, each slice is answered once."""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fakebench_suite.adapters import fleet as fleets
from fakebench_suite.adapters.cards import Card
from fakebench_suite.adapters.engine import Slice
from fakebench_suite.adapters.fingerprint import take_fingerprint
from fakebench_suite.adapters.fleet import AT_ONCE, TRIES, Fleet
from fakebench_suite.adapters.places import Place, find_places
from fakebench_suite.adapters.replica import (
    Died,
    Lost,
    Order,
    Question,
    Replica,
    Response,
    flatten,
    make_order,
)
from fakebench_suite.errors import ModelError, UserError
from fakebench_suite.types import Answer, Form, Prompt

ORDER = Order(
    card=Card(path="nowhere"), fingerprint=None, remote_code=False, batch_tokens=None, versions={}
)


@dataclass(frozen=True, eq=False)
class Call:
    """What was asked of a replica; also the ticket for what comes of it."""

    replica: int
    what: str
    question: Question | None = None


def choose_first(count: int) -> int:
    """The oldest call."""
    assert count
    return 0


@dataclass
class PaperCluster:
    """A cluster on paper: calls come due in an order that the test draws."""

    nodes: int
    decide: Callable[[Call], Any]
    """What comes of a call; None for what a sound replica says."""
    choose: Callable[[int], int] = choose_first
    """Which of so many calls comes due next."""
    started: int = 0
    ended: set[int] = field(default_factory=set)
    most: int = 0
    """Most slices that one replica had."""

    def list_nodes(self) -> Sequence[Mapping[str, Any]]:
        """So many nodes of one core."""
        return [{"Alive": True, "Resources": {"CPU": 1.0}}] * self.nodes

    def start(self, place: Place) -> int:
        """Replicas are numbers, from 1."""
        assert place.cores == 1
        self.started += 1
        return self.started

    def greet(self, replica: int) -> Call:
        """A first step."""
        return Call(replica, "greet")

    def load(self, replica: int, order: Order, cores: int) -> Call:
        """A second step."""
        del order, cores
        return Call(replica, "load")

    def ask(self, replica: int, question: Question, pixels: Any) -> Call:
        """A slice for a living replica."""
        assert replica not in self.ended
        assert pixels.keys() == {"a.png"}
        return Call(replica, "ask", question)

    def store(self, value: Any) -> Any:
        """On paper everything is at hand."""
        return value

    def wait(self, tickets: Sequence[Call], seconds: float) -> Mapping[Call, Any]:
        """One call that is due, or nothing."""
        del seconds
        asked = [call.replica for call in tickets if call.what == "ask"]
        self.most = max([self.most, *(asked.count(replica) for replica in asked)])
        # A replica answers in order.
        due = [
            c for n, c in enumerate(tickets) if c.replica not in [t.replica for t in tickets[:n]]
        ]
        if not due:
            return {}
        call = due[self.choose(len(due))]
        result = self.decide(call)
        if result is None:
            result = self._answer(call)
        return {} if result == "late" else {call: result}

    def _answer(self, call: Call) -> Any:
        match call.what:
            case "greet":
                return f"node-{call.replica % 2}"
            case "load":
                return None
        assert call.question is not None
        prompts = [*call.question.written, *call.question.weighed]
        answer = Answer(text="fake", tokens=1, seconds=0.1, batch_size=1)
        return Response(replies={prompt.case: answer for prompt in prompts}, route={"path": "x"})

    def end(self, replica: int) -> None:
        """It is not asked again."""
        self.ended.add(replica)


def make_slice(number: int) -> Slice:
    """Two prompts about one picture."""
    prompts = [
        Prompt(case=f"a.png:{number}-{one}", image="a.png", form=Form.WHAT, text="?")
        for one in range(2)
    ]
    pictures = {"a.png": Image.new("RGB", (2, 3))}
    return Slice(number=number, written=prompts[:1], weighed=prompts[1:], images=pictures)


def answer_all(fleet: Fleet, slices: int) -> dict[int, Any]:
    """What became of each slice, handed in as there is room."""
    answered: dict[int, Any] = {}
    begun = 0
    while len(answered) < slices:
        while begun < slices and (fleet.has_room or begun == len(answered)):
            fleet.submit(make_slice(begun))
            begun += 1
        one = fleet.wait()
        assert one.number not in answered
        answered[one.number] = one.replies
    return answered


@given(st.integers(1, 4), st.integers(1, 12), st.data())
def test_each_slice_is_answered_once_whatever_dies(
    nodes: int, slices: int, data: st.DataObject
) -> None:
    """Replicas die at random while loading and answering: every slice has its replies, once."""
    left = {"deaths": TRIES - 1}

    def decide(call: Call) -> Any:
        if left["deaths"] and call.what != "greet" and data.draw(st.booleans()):
            left["deaths"] -= 1
            return Died(why="a node was lost")
        return None

    cluster = PaperCluster(nodes, decide, lambda count: data.draw(st.integers(0, count - 1)))
    fleet = Fleet(cluster, ORDER, None)
    answered = answer_all(fleet, slices)
    assert sorted(answered) == list(range(slices))
    for number, replies in answered.items():
        assert {case: reply.text for case, reply in replies.items()} == {
            f"a.png:{number}-0": "fake",
            f"a.png:{number}-1": "fake",
        }
    assert cluster.most <= AT_ONCE
    assert fleet.describe()["lost"] == TRIES - 1 - left["deaths"] == cluster.started - nodes
    assert all(route == {"path": "x"} for route in fleet.routes)
    fleet.close()
    assert len(cluster.ended) == cluster.started


@pytest.mark.parametrize("end", [Died(why="signal 9"), Lost(why="signal 9")])
def test_a_slice_that_kills_replicas_fails_and_no_other(end: Any) -> None:
    """After three attempts it has failed as a whole, and says so; the others are answered."""

    def decide(call: Call) -> Any:
        return end if call.question is not None and call.question.number == 2 else None

    cluster = PaperCluster(2, decide)
    answered = answer_all(Fleet(cluster, ORDER, None), 6)
    failure = answered.pop(2)
    assert isinstance(failure, ModelError)
    assert "was begun 3 times in vain" in str(failure)
    assert str(failure).endswith("signal 9")
    assert len(answered) == 5
    for replies in answered.values():
        assert all(isinstance(reply, Answer) for reply in replies.values())


def test_a_replica_that_cannot_load_ends_the_run() -> None:
    """Its reason, naming the node, is the user's to mend, although another replica works."""

    def refuse_second(call: Call) -> str | None:
        return "No weights." if (call.replica, call.what) == (2, "load") else None

    cluster = PaperCluster(2, refuse_second)
    with pytest.raises(UserError, match=r"^No weights\.$"):
        answer_all(Fleet(cluster, ORDER, None), 50)


def test_others_go_on_where_a_lost_replica_cannot_be_replaced() -> None:
    """What takes a lost one's seat may fail to load; the run ends only with the last replica."""

    def make_fleet(nodes: int) -> Fleet:
        def decide(call: Call) -> Any:
            if call.what == "load" and call.replica > nodes:
                return "No weights."
            return Died(why="lost") if (call.replica, call.what) == (1, "ask") else None

        return Fleet(PaperCluster(nodes, decide), ORDER, None)

    assert len(answer_all(make_fleet(2), 9)) == 9
    with pytest.raises(UserError, match="No weights"):
        answer_all(make_fleet(1), 9)


def test_replicas_that_die_while_they_load_end_the_run() -> None:
    """A seat is filled three times and not for ever."""
    cluster = PaperCluster(1, lambda call: Died(why="signal 9") if call.what == "load" else None)
    with pytest.raises(UserError, match="die before they are ready: signal 9"):
        answer_all(Fleet(cluster, ORDER, None), 1)
    assert cluster.started == TRIES


def test_a_full_cluster_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no node has room the run ends in a sentence."""
    monkeypatch.setattr(fleets, "PATIENCE", 0.0)
    fleet = Fleet(PaperCluster(1, lambda call: call and "late"), ORDER, None)
    with pytest.raises(UserError, match="no node has had 1 cores to spare"):
        answer_all(fleet, 1)


def test_lost_nodes_are_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no node is left the run ends sooner than where all are busy, in another sentence."""
    monkeypatch.setattr(fleets, "GONE", 0.0)

    def decide(call: Call) -> Any:
        if call.what == "greet" and call.replica > 2:
            return "late"
        if call.what == "ask":
            cluster.nodes = 0
            return Died(why="a node was lost")
        return None

    cluster = PaperCluster(2, decide, lambda count: count - 1)
    with pytest.raises(UserError, match="All nodes that replicas can run on are gone"):
        answer_all(Fleet(cluster, ORDER, None), 4)


@pytest.mark.parametrize(
    ("nodes", "cores", "places"),
    [
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 4.0}], None, [Place(gpus=1, cores=0)] * 2),
        ([{"CPU": 8.0}, {"CPU": 2.0}, {}], None, [Place(gpus=0, cores=8), Place(gpus=0, cores=2)]),
        ([{"CPU": 8.0}, {"CPU": 3.0}], 3, [Place(gpus=0, cores=3)] * 3),
    ],
)
def test_there_is_a_place_per_gpu_or_per_cores(
    nodes: list[dict[str, float]], cores: int | None, places: list[Place]
) -> None:
    """GPUs where there are any, else so many cores, else whole nodes; dead nodes do not count."""
    told = [{"Alive": True, "Resources": node} for node in nodes]
    assert find_places([*told, {"Alive": False, "Resources": {"CPU": 9.0}}], cores) == places


def test_a_cluster_without_a_place_is_the_users_to_mend() -> None:
    """The sentence says what the nodes have."""
    with pytest.raises(UserError, match="has 4 cores for a replica"):
        find_places([{"Alive": True, "Resources": {"CPU": 2.0}}], 4)


def test_a_replica_says_what_its_node_lacks(tmp_path: Path) -> None:
    """Weights that are not there, other weights and other versions are named with the node."""
    card = Card(name="big", path=str(tmp_path))
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"trained")
    order = make_order(card, remote_code=False, batch_tokens=None)
    (tmp_path / "model.safetensors").write_bytes(b"at odds")
    other = Replica().load(order, 1)
    assert other is not None
    assert f"The checkpoint at {tmp_path} is not that of the head node." in other
    (tmp_path / "config.json").unlink()
    absent = Replica().load(order, 1)
    assert absent is not None
    assert absent.startswith(f"On the node {platform.node()}: ")
    assert f"points at {tmp_path}, which has no config.json" in absent
    older = replace(order, versions={"torch": "1"})
    assert "and the head node 1. Install the same" in str(Replica().load(older, 1))


def test_a_fingerprint_changes_with_any_file_that_answers_hang_on(tmp_path: Path) -> None:
    """The middle of large weights is looked at, and what people wrote beside them is not."""
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(bytes(5 * 2**20))
    before = take_fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("A model.", encoding="utf-8")
    assert take_fingerprint(tmp_path) == before
    weights.write_bytes(bytes(3 * 2**20) + b"x" + bytes(2 * 2**20 - 1))
    assert take_fingerprint(tmp_path) != before


@pytest.mark.parametrize("error", [ModelError("odd"), UserError("Leave it out.")])
def test_what_is_raised_over_a_whole_slice_is_passed_on(error: Exception) -> None:
    """An error of the model is that slice's, and a mistake of the user's ends the run as here."""
    reply = Response(replies=error, route=None)  # type: ignore[arg-type]
    cluster = PaperCluster(1, lambda call: reply if call.what == "ask" else None)
    assert answer_all(Fleet(cluster, ORDER, None), 1) == {0: error}


def test_pixels_travel_bit_for_bit() -> None:
    """What a replica shows its model is the picture that was decoded, to the bit."""
    noise = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    (pixels,) = flatten({"a.png": Image.fromarray(noise)}).values()
    assert (pixels == noise).all()
    assert Image.fromarray(pixels).tobytes() == noise.tobytes()
