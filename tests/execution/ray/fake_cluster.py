"""A cluster on paper for the tests of the pool, and units for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from fakebench_suite.backends.base import InferenceInfo, Request
from fakebench_suite.backends.cards import Card
from fakebench_suite.backends.registry import LoadOptions
from fakebench_suite.execution.engine import WorkUnit
from fakebench_suite.execution.ray.placement import ReplicaResources
from fakebench_suite.execution.ray.pool import ReplicaPool
from fakebench_suite.execution.ray.worker import (
    ReplicaConfig,
    ReplicaReady,
    UnitRequest,
    UnitResponse,
)
from fakebench_suite.types import Answer, Prompt, QuestionType

ORDER = ReplicaConfig(
    card=Card(path="nowhere"), fingerprint=None, options=LoadOptions(), versions={}
)
VLLM_ORDER = replace(ORDER, card=Card(path="nowhere", backend="vllm"))
"""The same for replicas of vLLM."""


@dataclass(frozen=True, eq=False)
class Call:
    """What was asked of a replica; also the ticket for what comes of it."""

    replica: int
    what: str
    question: UnitRequest | None = None


def choose_first(count: int) -> int:
    """The oldest call."""
    assert count
    return 0


@dataclass
class FakeCluster:
    """A cluster on paper: calls come due in an order that the test draws."""

    nodes: int
    decide: Callable[[Call], Any]
    """What comes of a call; None for what a sound replica says."""
    choose: Callable[[int], int] = choose_first
    """Which of so many calls comes due next."""
    at_a_time: int = 1
    """Units that a replica answers at a time."""
    started: int = 0
    ended: set[int] = field(default_factory=set)
    unloaded: list[int] = field(default_factory=list)
    """Replicas whose models ended before they did."""
    stopped: dict[int, str] = field(default_factory=dict)
    """Why replicas were told to begin nothing more."""
    gave_up: set[int] = field(default_factory=set)
    """Replicas that were told to wait no longer."""
    most: int = 0
    """Most units that one replica had."""
    asked: list[tuple[int, int]] = field(default_factory=list)
    """Replica and unit of each call that asks, in order."""

    def list_nodes(self) -> Sequence[Mapping[str, Any]]:
        """So many nodes of one core."""
        return [{"Alive": True, "Resources": {"CPU": 1.0}}] * self.nodes

    def start(self, resources: ReplicaResources, units: int) -> int:
        """Replicas are numbers, from 1."""
        assert resources.cores == 1
        assert units >= self.at_a_time
        self.started += 1
        return self.started

    def greet(self, replica: int) -> Call:
        """A first step."""
        return Call(replica, "greet")

    def load(self, replica: int, order: ReplicaConfig, cores: int) -> Call:
        """A second step."""
        del order, cores
        return Call(replica, "load")

    def ask(self, replica: int, question: UnitRequest, pixels: Any) -> Call:
        """A work unit for a living replica."""
        assert replica not in self.ended
        assert pixels.keys() == {"a.png"}
        self.asked.append((replica, question.number))
        return Call(replica, "ask", question)

    def stop(self, replica: int, reason: str) -> None:
        """A living replica is told."""
        assert replica not in self.ended
        self.stopped[replica] = reason

    def give_up(self, replica: int) -> None:
        """One that was told to stop is told so once."""
        assert replica in self.stopped.keys() - self.gave_up
        self.gave_up.add(replica)

    def unload(self, replica: int) -> Call:
        """A last step."""
        assert replica not in self.ended
        return Call(replica, "unload")

    def store(self, value: Any) -> Any:
        """On paper everything is at hand."""
        return value

    def wait(self, tickets: Sequence[Call], seconds: float) -> Mapping[Call, Any]:
        """One call that is due, or nothing."""
        del seconds
        replicas = [call.replica for call in tickets if call.what == "ask"]
        self.most = max([self.most, *(replicas.count(replica) for replica in replicas)])
        # A replica begins its units in order.
        next_calls = [
            call
            for number, call in enumerate(tickets)
            if [t.replica for t in tickets[:number]].count(call.replica) < self.at_a_time
        ]
        if not next_calls:
            return {}
        call = next_calls[self.choose(len(next_calls))]
        result = self.decide(call)
        if result is None:
            result = self._answer(call)
        return {} if result == "late" else {call: result}

    def _answer(self, call: Call) -> Any:
        match call.what:
            case "greet":
                return f"node-{call.replica % 2}"
            case "load":
                return ReplicaReady(units=self.at_a_time)
            case "unload":
                assert call.replica not in self.ended
                self.unloaded.append(call.replica)
                return "unloaded"
        assert call.question is not None
        prompts = [request.prompt for request in call.question.requests]
        answer = Answer(text="fake", tokens=1, seconds=0.1, batch_size=1)
        return UnitResponse(
            replies={prompt.case: answer for prompt in prompts}, inference=InferenceInfo(path="x")
        )

    def end(self, replica: int) -> None:
        """It is not asked again."""
        self.ended.add(replica)


def make_unit(number: int) -> WorkUnit:
    """Two prompts about one picture."""
    prompts = [
        Prompt(
            case=f"a.png:{number}-{index}", image="a.png", question_type=QuestionType.WHAT, text="?"
        )
        for index in range(2)
    ]
    pictures = {"a.png": Image.new("RGB", (2, 3))}
    requests = [Request(prompt=prompt, images=pictures) for prompt in prompts]
    return WorkUnit(number=number, requests=requests, images=pictures)


def answer_all(pool: ReplicaPool, units: int) -> dict[int, Any]:
    """What became of each unit, handed in as there is room."""
    replies: dict[int, Any] = {}
    submitted = 0
    while len(replies) < units:
        while submitted < units and (pool.has_room or submitted == len(replies)):
            pool.submit(make_unit(submitted))
            submitted += 1
        result = pool.wait()
        assert result.number not in replies
        replies[result.number] = result.replies
    return replies
