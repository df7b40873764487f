"""Work units on many replicas: to a free one, and elsewhere when a replica or a node is lost."""

import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from fakebench_suite.backends.base import InferenceInfo, NotAsked, Reply
from fakebench_suite.errors import EngineError, ModelError, UserError
from fakebench_suite.execution.engine import WorkUnit, WorkUnitResult
from fakebench_suite.execution.ray.placement import ReplicaResources, list_replica_resources
from fakebench_suite.execution.ray.worker import (
    ReplicaConfig,
    ReplicaDied,
    ReplicaReady,
    ResultLost,
    UnitRequest,
    UnitResponse,
    flatten,
    strip_images,
)
from fakebench_suite.runs.manifest import ManifestEngine
from fakebench_suite.text.display import count_of

MAX_IN_FLIGHT = 2
"""Work units that a replica has: one to answer, and one whose pixels are on their way. One that
answers several at a time has so many: they are more than keep it busy."""
SICK = 8
"""Prompts in a row that a replica fails at before it may be called sick."""
MAX_ATTEMPTS = 3
"""Times a work unit is asked, and a replica is started, before it counts as failed."""
MAX_FRUITLESS = 3 * MAX_ATTEMPTS
"""Replicas in a row that are lost in a place before they have answered anything. A prompt that ends
whatever is asked it ends MAX_ATTEMPTS in its work unit, and as many alone."""
UNLOADING_TIMEOUT_S = 20.0
"""Seconds that replicas get in the end to end the processes of their models in order."""
CAPACITY_TIMEOUT_S = 120.0
"""Seconds to wait for room for a first replica, where none has any."""
NODE_LOSS_TIMEOUT_S = 30.0
"""Seconds to wait for a node, where none is left that replicas can run on."""


_MODEL_ENDED = "its model has ended, and the node's logs say why ('ray logs')"
"""Why a replica is lost whose own process lives."""


class Cluster(Protocol):
    """What a pool needs: :class:`fakebench_suite.execution.ray.client.RayCluster`."""

    def list_nodes(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102  # said there
    def start(self, place: ReplicaResources, units: int) -> Any: ...  # noqa: D102
    def greet(self, replica: Any) -> Any: ...  # noqa: D102
    def load(self, replica: Any, order: ReplicaConfig, cores: int) -> Any: ...  # noqa: D102
    def ask(self, replica: Any, question: UnitRequest, pixels: Any) -> Any: ...  # noqa: D102
    def stop(self, replica: Any, reason: str) -> None: ...  # noqa: D102
    def give_up(self, replica: Any) -> None: ...  # noqa: D102
    def unload(self, replica: Any) -> Any: ...  # noqa: D102
    def store(self, value: Any) -> Any: ...  # noqa: D102
    def wait(self, tickets: Sequence[Any], seconds: float) -> Mapping[Any, Any]: ...  # noqa: D102
    def end(self, replica: Any) -> None: ...  # noqa: D102


def has_failed(replies: Mapping[str, Reply] | Exception) -> bool:
    """Whether a model failed at every prompt of a unit; a mistake of the user's is none of its."""
    if isinstance(replies, Exception):
        return not isinstance(replies, UserError)
    return bool(replies) and all(isinstance(reply, ModelError) for reply in replies.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingUnit:
    """A work unit on its way."""

    question: UnitRequest
    pixels: Any
    """Ticket for its pixels, which stay on the head node."""
    tries: int = 0
    """Times it was begun and not answered."""
    failed_on: "ReplicaSlot | None" = None
    """Whose replica failed at all of its prompts."""
    failure: Mapping[str, Reply] | Exception | None = None
    """How it failed there; it stands where another replica fails, too, or there is none."""


@dataclass(slots=True, kw_only=True, eq=False)
class ReplicaSlot:
    """A place and the replica that has it; a lost replica's slot is filled again."""

    place: ReplicaResources
    replica: Any
    node: str | None = None
    """Where the replica runs; None as long as it waits for room."""
    ready: bool = False
    at_a_time: int = 1
    """Work units that the replica answers at a time."""
    filled: bool = False
    """Whether some replica was ready here before."""
    failures: int = 0
    """Replicas in a row that died before they were ready."""
    fruitless: int = 0
    """Replicas in a row that were lost before they had answered anything."""
    units: dict[Any, PendingUnit] = field(default_factory=dict)
    """What it has to answer, by ticket, in order."""
    since: float = 0.0
    """When it began the first of them, or answered one last."""
    failing: int = 0
    """Prompts that its replica failed at since it last answered one."""
    doubted: bool = False
    """Whether another replica is asked what this one failed at."""

    @property
    def room(self) -> int:
        """Work units that the replica can be given."""
        return max(MAX_IN_FLIGHT, self.at_a_time) - len(self.units)

    def takes(self, unit: PendingUnit) -> bool:
        """Whether the replica can be given a unit now.

        A unit over which a replica was lost is asked with no other beside it, so that only the one
        at fault is lost again.
        """
        if self.room <= 0 or unit.failed_on is self:
            return False
        if self.at_a_time == 1 or not self.units:
            return True
        return not unit.tries and not any(other.tries for other in self.units.values())


class ReplicaPool:
    """An engine of many replicas; none may take longer than ``limit`` seconds over a work unit."""

    def __init__(
        self,
        cluster: Cluster,
        order: ReplicaConfig,
        cores: int | None,
        *,
        limit: float | None = None,
    ) -> None:
        self._cluster, self._order, self._limit = cluster, order, limit
        self._queue: deque[PendingUnit] = deque()
        self._answered: deque[WorkUnitResult] = deque()
        self._getting_ready: dict[Any, ReplicaSlot] = {}
        """Slots by the ticket for their next step."""
        self._placed = time.monotonic()
        """When some replica was last seen to have room."""
        self._nodes: Counter[str] = Counter()
        self._losses = 0
        self._inference: dict[Any, InferenceInfo] = {}
        """By replica, how it answers prompts as far as it has found out."""
        self._stop_reason: str | None = None
        self._told: set[Any] = set()
        """Replicas that were told to stop."""
        self._told_to_give_up: set[Any] = set()
        self._gives_up = False
        places = list_replica_resources(cluster.list_nodes(), cores, gpus=order.gpus)
        self._slots = [ReplicaSlot(place=place, replica=None) for place in places]
        for slot in self._slots:
            self._fill(slot)

    @property
    def has_room(self) -> bool:
        """Two units per replica, or more; as long as none is ready, as if there were one."""
        ready = [slot.room for slot in self._slots if slot.ready]
        return len(self._queue) < (sum(ready) if ready else MAX_IN_FLIGHT)

    def submit(self, unit: WorkUnit) -> None:
        """Send the unit to the replica with the least to do."""
        pixels = self._cluster.store(flatten(unit.images))
        self._queue.append(PendingUnit(question=strip_images(unit), pixels=pixels))
        self._dispatch()

    def wait(self) -> WorkUnitResult:
        """The next answered unit; raises EngineError where a replica cannot load, or none is left.

        Where one that was to take a lost one's slot cannot, the others go on without.
        """
        self._pass_stop_on()
        while not self._answered:
            tickets = [*self._getting_ready, *(t for slot in self._slots for t in slot.units)]
            for ticket, result in self._cluster.wait(tickets, 1.0).items():
                self._take(ticket, result)
            self._check_room()
            self._check_limit()
            self._pass_stop_on()
            self._dispatch()
        return self._answered.popleft()

    @property
    def requests_in_flight(self) -> None:
        """Replicas send none."""

    @property
    def limits_prompts(self) -> bool:
        """Units are limited as a whole."""
        return True

    def stop(self, reason: str) -> None:
        """Ask no unit that no replica has; those of vLLM hand no prompt over any more.

        Other replicas answer the few units that they have. What is to be said to replicas is said
        by the next ``wait``, for Ray is not called from a signal handler.
        """
        self._stop_reason = self._stop_reason or reason

    def give_up(self) -> None:
        """Let those of vLLM wait no longer for prompts in flight, at the next ``wait``.

        Other replicas answer what they have, whole units each: no part of one can be given back.
        """
        self._gives_up = True

    def _pass_stop_on(self) -> None:
        """Once the run is stopped, give what waits back and tell the replicas."""
        if self._stop_reason is None:
            return
        reply = NotAsked(self._stop_reason)
        for unit in self._queue:
            replies = dict.fromkeys((r.prompt.case for r in unit.question.requests), reply)
            self._answered.append(WorkUnitResult(number=unit.question.number, replies=replies))
        self._queue.clear()
        for slot in self._slots:
            if slot.units and slot.at_a_time > 1 and slot.replica not in self._told:
                self._told.add(slot.replica)
                self._cluster.stop(slot.replica, self._stop_reason)
            if self._gives_up and slot.replica in self._told - self._told_to_give_up:
                self._told_to_give_up.add(slot.replica)
                self._cluster.give_up(slot.replica)

    def holds(self, number: int) -> bool:
        """Whether the unit is answered, asked about, or waits for a replica."""
        units = [*self._queue, *(p for slot in self._slots for p in slot.units.values())]
        numbers = {question.number for question in self._answered} | {
            p.question.number for p in units
        }
        return number in numbers

    @property
    def inference(self) -> Sequence[InferenceInfo]:
        """How prompts were answered, by each replica that answered any."""
        return list(self._inference.values())

    def describe(self) -> ManifestEngine:
        """Replicas that got ready, by node, what computes in them, and how many were lost."""
        return ManifestEngine(
            name="ray",
            replica_engine=self._order.engine,
            replicas=self._nodes.total(),
            nodes=dict(sorted(self._nodes.items())),
            lost=self._losses,
        )

    def close(self) -> None:
        """End every replica, and before it the processes that its model has of its own."""
        if self._order.engine is not None:
            self._unload([slot.replica for slot in self._slots if slot.ready])
        for slot in self._slots:
            self._cluster.end(slot.replica)

    def _unload(self, replicas: Sequence[Any]) -> None:
        """Wait until the models of the replicas have ended; what takes too long is left to Ray."""
        tickets = [self._cluster.unload(replica) for replica in replicas]
        end = time.monotonic() + UNLOADING_TIMEOUT_S
        with suppress(EngineError):  # This machine's Ray has ended, and its replicas with it.
            while tickets and (left := end - time.monotonic()) > 0:
                done = self._cluster.wait(tickets, left)
                tickets = [ticket for ticket in tickets if ticket not in done]

    def _fill(self, slot: ReplicaSlot) -> None:
        slot.replica = self._cluster.start(slot.place, self._order.max_units)
        slot.node, slot.ready = None, False
        slot.failing, slot.doubted = 0, False
        self._getting_ready[self._cluster.greet(slot.replica)] = slot

    def _dispatch(self) -> None:
        waiting: deque[PendingUnit] = deque()
        while self._queue:
            unit = self._queue.popleft()
            if unit.failure is not None and self._slots == [unit.failed_on]:
                self._give_up(unit, unit.failure)
                continue
            free = [slot for slot in self._list_able() if slot.takes(unit)]
            if not free:
                waiting.append(unit)
                continue
            slot = min(free, key=lambda s: len(s.units))
            slot.since = slot.since if slot.units else time.monotonic()
            slot.units[self._cluster.ask(slot.replica, unit.question, unit.pixels)] = unit
        self._queue = waiting

    def _list_able(self) -> Sequence[ReplicaSlot]:
        """Slots that may be given work units: none that is doubted, unless all are."""
        ready = [slot for slot in self._slots if slot.ready]
        return [slot for slot in ready if not slot.doubted] or ready

    def _take(self, ticket: Any, result: Any) -> None:
        """Whatever one ticket has become; those of replicas that are gone mean nothing."""
        slot = self._getting_ready.pop(ticket, None)
        if slot is not None:
            if isinstance(result, ReplicaDied | ResultLost):
                slot.failures += 1
                self._lose(slot, result.why)
            else:
                self._go_on(slot, result)
            return
        slot = next((slot for slot in self._slots if ticket in slot.units), None)
        if slot is None:
            return
        match result:
            case ReplicaDied(why=why):
                self._lose(slot, why)
            case ResultLost(why=why):
                self._send_again(slot.units.pop(ticket), f"It did not get through: {why}")
            case UnitResponse(replies=replies, inference=info):
                self._inference[slot.replica] = info
                if result.model_ended:
                    self._lose(slot, _MODEL_ENDED)
                    return
                unit, slot.since = slot.units.pop(ticket), time.monotonic()
                slot.fruitless = 0
                self._weigh(slot, unit, replies)

    def _weigh(
        self, slot: ReplicaSlot, unit: PendingUnit, replies: Mapping[str, Reply] | Exception
    ) -> None:
        """Pass replies on; a unit that failed as a whole is asked of a second replica first."""
        if has_failed(replies):
            slot.failing += len(unit.question.requests)
            if unit.failed_on is None and len(self._slots) > 1:
                slot.doubted = True
                self._queue.appendleft(replace(unit, failed_on=slot, failure=replies))
                return
        elif not isinstance(replies, UserError):
            slot.failing, slot.doubted = 0, False
            if unit.failed_on is not None:
                self._retire(unit.failed_on)
        self._give_up(unit, replies)

    def _give_up(self, unit: PendingUnit, replies: Mapping[str, Reply] | Exception) -> None:
        """Let the unit go with these replies."""
        if unit.failed_on is not None:
            unit.failed_on.doubted = False
        self._answered.append(WorkUnitResult(number=unit.question.number, replies=replies))

    def _retire(self, slot: ReplicaSlot) -> None:
        """Give a slot up whose replica is sick: it failed at what another one answered."""
        if slot not in self._slots or not slot.ready or slot.failing < SICK:
            return
        self._losses += 1
        self._slots.remove(slot)
        self._cluster.end(slot.replica)
        self._queue.extendleft(reversed(slot.units.values()))
        slot.units.clear()

    def _check_limit(self) -> None:
        """Take replicas for lost that take too long over a work unit."""
        for slot in list(self._slots):
            if self._limit and slot.units and time.monotonic() - slot.since > self._limit:
                self._lose(slot, f"It did not answer within --unit-timeout={self._limit:g}")

    def _go_on(self, slot: ReplicaSlot, result: str | ReplicaReady) -> None:
        """One step further: the replica has room, then a model, or can have none."""
        if slot.node is None:
            slot.node = str(result)
            ticket = self._cluster.load(slot.replica, self._order, slot.place.cores)
            self._getting_ready[ticket] = slot
        elif isinstance(result, ReplicaReady):
            slot.ready, slot.filled, slot.failures = True, True, 0
            slot.at_a_time = result.units
            self._nodes[slot.node] += 1
        else:
            self._leave(slot, result)

    def _lose(self, slot: ReplicaSlot, why: str) -> None:
        """Send the replica's units elsewhere and fill its slot; those begun may be at fault.

        A replica begins its units in order, so what it had besides was not begun.
        """
        self._losses += 1
        slot.fruitless += 1
        self._cluster.end(slot.replica)
        units = list(slot.units.values())
        slot.units.clear()
        for unit in reversed(units[slot.at_a_time :]):
            self._queue.appendleft(unit)
        for unit in reversed(units[: slot.at_a_time]):
            self._send_again(unit, f"A replica was lost over it: {why}")
        if slot.failures >= MAX_ATTEMPTS:
            self._leave(slot, f"Replicas die before they are ready: {why}")
        elif slot.fruitless >= MAX_FRUITLESS:
            self._leave(slot, f"Replicas are lost before they have answered anything: {why}")
        else:
            self._fill(slot)

    def _send_again(self, unit: PendingUnit, why: str) -> None:
        tries = unit.tries + 1
        if tries < MAX_ATTEMPTS:
            self._queue.appendleft(replace(unit, tries=tries))
            return
        failure = ModelError(f"It was asked {tries} times without an answer. {why}")
        self._answered.append(WorkUnitResult(number=unit.question.number, replies=failure))

    def _leave(self, slot: ReplicaSlot, why: str) -> None:
        """Give a slot up; raises EngineError where it never was filled, or was the last."""
        self._slots.remove(slot)
        self._cluster.end(slot.replica)
        if not slot.filled or not self._slots:
            raise EngineError(why)

    def _check_room(self) -> None:
        if any(slot.node is not None for slot in self._slots):
            self._placed = time.monotonic()
            return
        waited = time.monotonic() - self._placed
        wanted = self._slots[0].place
        if waited > NODE_LOSS_TIMEOUT_S and not wanted.is_offered(self._cluster.list_nodes()):
            raise EngineError(
                "All nodes that replicas can run on are gone. Start them again with 'ray start "
                "--address=HOST:PORT', and repeat the run."
            )
        if waited > CAPACITY_TIMEOUT_S:
            gpus, cores = count_of(wanted.gpus, "GPU"), count_of(wanted.cores, "core")
            need = gpus if wanted.gpus else cores
            raise EngineError(
                f"For {CAPACITY_TIMEOUT_S:.0f} s no node has had {need} to spare for a replica. "
                "'ray status' tells what is in use."
            )
