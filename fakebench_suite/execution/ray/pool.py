"""Work units on many replicas: to a free one, and elsewhere when a replica or a node is lost."""

import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from fakebench_suite.backends.base import InferenceInfo, Reply
from fakebench_suite.errors import EngineError, ModelError, UserError
from fakebench_suite.execution.engine import WorkUnit, WorkUnitResult
from fakebench_suite.execution.ray.placement import ReplicaResources, list_replica_resources
from fakebench_suite.execution.ray.worker import (
    ReplicaConfig,
    ReplicaDied,
    ResultLost,
    UnitRequest,
    UnitResponse,
    flatten,
    strip_images,
)
from fakebench_suite.runs.manifest import ManifestEngine
from fakebench_suite.text.display import count_of

MAX_IN_FLIGHT = 2
"""Work units a replica has: one to answer, and one whose pixels are on their way."""
SICK = 8
"""Prompts in a row that a replica fails at before it may be called sick."""
MAX_ATTEMPTS = 3
"""Times a work unit is asked, and a replica is started, before it counts as failed."""
CAPACITY_TIMEOUT_S = 120.0
"""Seconds to wait for room for a first replica, where none has any."""
NODE_LOSS_TIMEOUT_S = 30.0
"""Seconds to wait for a node, where none is left that replicas can run on."""


class Cluster(Protocol):
    """What a pool needs: :class:`fakebench_suite.execution.ray.client.RayCluster`."""

    def list_nodes(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102  # said there
    def start(self, place: ReplicaResources) -> Any: ...  # noqa: D102
    def greet(self, replica: Any) -> Any: ...  # noqa: D102
    def load(self, replica: Any, order: ReplicaConfig, cores: int) -> Any: ...  # noqa: D102
    def ask(self, replica: Any, question: UnitRequest, pixels: Any) -> Any: ...  # noqa: D102
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
    filled: bool = False
    """Whether some replica was ready here before."""
    failures: int = 0
    """Replicas in a row that died before they were ready."""
    units: dict[Any, PendingUnit] = field(default_factory=dict)
    """What it has to answer, by ticket, in order."""
    since: float = 0.0
    """When it began the first of them."""
    failing: int = 0
    """Prompts that its replica failed at since it last answered one."""
    doubted: bool = False
    """Whether another replica is asked what this one failed at."""


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
        places = list_replica_resources(cluster.list_nodes(), cores)
        self._slots = [ReplicaSlot(place=place, replica=None) for place in places]
        for slot in self._slots:
            self._fill(slot)

    @property
    def has_room(self) -> bool:
        """Two units per replica; as long as none is ready, as if there were one."""
        under_way = len(self._queue) + sum(len(slot.units) for slot in self._slots)
        return under_way < MAX_IN_FLIGHT * max(1, sum(slot.ready for slot in self._slots))

    def submit(self, unit: WorkUnit) -> None:
        """Send the unit to the replica with the least to do."""
        pixels = self._cluster.store(flatten(unit.images))
        self._queue.append(PendingUnit(question=strip_images(unit), pixels=pixels))
        self._dispatch()

    def wait(self) -> WorkUnitResult:
        """The next answered unit; raises EngineError where a replica cannot load, or none is left.

        Where one that was to take a lost one's slot cannot, the others go on without.
        """
        while not self._answered:
            tickets = [*self._getting_ready, *(t for slot in self._slots for t in slot.units)]
            for ticket, result in self._cluster.wait(tickets, 1.0).items():
                self._take(ticket, result)
            self._check_room()
            self._check_limit()
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
        """Nothing: replicas answer the few units that they have."""

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
        """Replicas that got ready, by node, and how many were lost."""
        return ManifestEngine(
            name="ray",
            replicas=self._nodes.total(),
            nodes=dict(sorted(self._nodes.items())),
            lost=self._losses,
        )

    def close(self) -> None:
        """End every replica."""
        for slot in self._slots:
            self._cluster.end(slot.replica)

    def _fill(self, slot: ReplicaSlot) -> None:
        slot.replica = self._cluster.start(slot.place)
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
            free = [s for s in self._list_able() if s is not unit.failed_on]
            if not free:
                waiting.append(unit)
                continue
            slot = min(free, key=lambda s: len(s.units))
            slot.since = slot.since if slot.units else time.monotonic()
            slot.units[self._cluster.ask(slot.replica, unit.question, unit.pixels)] = unit
        self._queue = waiting

    def _list_able(self) -> Sequence[ReplicaSlot]:
        """Slots that may be given a work unit: none that is doubted, unless all are."""
        ready = [slot for slot in self._slots if slot.ready]
        sound = [slot for slot in ready if not slot.doubted]
        return [slot for slot in sound or ready if len(slot.units) < MAX_IN_FLIGHT]

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
                unit, slot.since = slot.units.pop(ticket), time.monotonic()
                self._inference[slot.replica] = info
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

    def _go_on(self, slot: ReplicaSlot, result: str | None) -> None:
        """One step further: the replica has room, then a model, or can have none."""
        if slot.node is None:
            slot.node = result
            ticket = self._cluster.load(slot.replica, self._order, slot.place.cores)
            self._getting_ready[ticket] = slot
        elif result is None:
            slot.ready, slot.filled, slot.failures = True, True, 0
            self._nodes[slot.node] += 1
        else:
            self._leave(slot, result)

    def _lose(self, slot: ReplicaSlot, why: str) -> None:
        """Send the replica's units elsewhere and fill its slot; the first of them may be at fault.

        A replica answers in order, so what it had besides was not begun.
        """
        self._losses += 1
        self._cluster.end(slot.replica)
        units = list(slot.units.values())
        slot.units.clear()
        for unit in reversed(units[1:]):
            self._queue.appendleft(unit)
        if units:
            self._send_again(units[0], f"A replica was lost over it: {why}")
        if slot.failures < MAX_ATTEMPTS:
            self._fill(slot)
        else:
            self._leave(slot, f"Replicas die before they are ready: {why}")

    def _send_again(self, unit: PendingUnit, why: str) -> None:
        tries = unit.tries + 1
        if tries < MAX_ATTEMPTS:
            self._queue.appendleft(replace(unit, tries=tries))
            return
        failure = ModelError(f"It was begun {tries} times in vain. {why}")
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
            need = f"{wanted.gpus} GPU" if wanted.gpus else count_of(wanted.cores, "core")
            raise EngineError(
                f"For {CAPACITY_TIMEOUT_S:.0f} s no node has had {need} to spare for a replica. "
                "'ray status' tells what is in use."
            )
