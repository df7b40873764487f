"""Slices on many replicas: to whoever is free, and elsewhere when a replica or a node is lost."""

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
from fakebench_suite.text.display import count_of

MAX_IN_FLIGHT = 2
"""Slices a replica has: one to answer, and one whose pixels are on their way."""
SICK = 8
"""Prompts in a row that a replica fails at before it may be called sick."""
MAX_ATTEMPTS = 3
"""Times a slice is asked, and a replica is started, before it counts as failed."""
CAPACITY_TIMEOUT_S = 120.0
"""Seconds to wait for room for a first replica, where none has any."""
NODE_LOSS_TIMEOUT_S = 30.0
"""Seconds to wait for a node, where none is left that replicas can run on."""


class Cluster(Protocol):
    """What a fleet needs: :class:`fakebench_suite.execution.ray.client.RayCluster`."""

    def list_nodes(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102  # said there
    def start(self, place: ReplicaResources) -> Any: ...  # noqa: D102
    def greet(self, replica: Any) -> Any: ...  # noqa: D102
    def load(self, replica: Any, order: ReplicaConfig, cores: int) -> Any: ...  # noqa: D102
    def ask(self, replica: Any, question: UnitRequest, pixels: Any) -> Any: ...  # noqa: D102
    def store(self, value: Any) -> Any: ...  # noqa: D102
    def wait(self, tickets: Sequence[Any], seconds: float) -> Mapping[Any, Any]: ...  # noqa: D102
    def end(self, replica: Any) -> None: ...  # noqa: D102


def has_failed(replies: Mapping[str, Reply] | Exception) -> bool:
    """Whether a model failed at every prompt of a slice; a mistake of the user's is none of its."""
    if isinstance(replies, Exception):
        return not isinstance(replies, UserError)
    return bool(replies) and all(isinstance(reply, ModelError) for reply in replies.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingUnit:
    """A slice on its way."""

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
    """A place and the replica that has it; a lost replica's seat is filled again."""

    place: ReplicaResources
    replica: Any
    node: str | None = None
    """Where the replica runs; None as long as it waits for room."""
    ready: bool = False
    filled: bool = False
    """Whether some replica was ready here before."""
    failures: int = 0
    """Replicas in a row that died before they were ready."""
    parcels: dict[Any, PendingUnit] = field(default_factory=dict)
    """What it has to answer, by ticket, in order."""
    since: float = 0.0
    """When it began the first of them."""
    failing: int = 0
    """Prompts that its replica failed at since it last answered one."""
    doubted: bool = False
    """Whether another replica is asked what this one failed at."""


class ReplicaPool:
    """An engine of many replicas; none may take longer than ``limit`` seconds over a slice."""

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
        """Seats by the ticket for their next step."""
        self._placed = time.monotonic()
        """When some replica was last seen to have room."""
        self._nodes: Counter[str] = Counter()
        self._losses = 0
        self._routes: dict[Any, InferenceInfo] = {}
        """By replica, how it answers prompts as far as it has found out."""
        places = list_replica_resources(cluster.list_nodes(), cores)
        self._seats = [ReplicaSlot(place=place, replica=None) for place in places]
        for seat in self._seats:
            self._fill(seat)

    @property
    def has_room(self) -> bool:
        """Two slices per replica; as long as none is ready, as if there were one."""
        under_way = len(self._queue) + sum(len(seat.parcels) for seat in self._seats)
        return under_way < MAX_IN_FLIGHT * max(1, sum(seat.ready for seat in self._seats))

    def submit(self, unit: WorkUnit) -> None:
        """Send the slice to the replica with the least to do."""
        pixels = self._cluster.store(flatten(unit.images))
        self._queue.append(PendingUnit(question=strip_images(unit), pixels=pixels))
        self._dispatch()

    def wait(self) -> WorkUnitResult:
        """The next answered slice; raises EngineError where a replica cannot load, or none is left.

        Where one that was to take a lost one's seat cannot, the others go on without.
        """
        while not self._answered:
            tickets = [*self._getting_ready, *(t for seat in self._seats for t in seat.parcels)]
            for ticket, result in self._cluster.wait(tickets, 1.0).items():
                self._take(ticket, result)
            self._check_room()
            self._check_limit()
            self._dispatch()
        return self._answered.popleft()

    def holds(self, number: int) -> bool:
        """Whether the slice is answered, asked about, or waits for a replica."""
        parcels = [*self._queue, *(p for seat in self._seats for p in seat.parcels.values())]
        numbers = {one.number for one in self._answered} | {p.question.number for p in parcels}
        return number in numbers

    @property
    def routes(self) -> Sequence[InferenceInfo]:
        """How prompts were answered, by each replica that answered any."""
        return list(self._routes.values())

    def describe(self) -> Mapping[str, Any]:
        """Replicas that got ready, by node, and how many were lost."""
        nodes = dict(sorted(self._nodes.items()))
        return {"replicas": self._nodes.total(), "nodes": nodes, "lost": self._losses}

    def close(self) -> None:
        """End every replica."""
        for seat in self._seats:
            self._cluster.end(seat.replica)

    def _fill(self, seat: ReplicaSlot) -> None:
        seat.replica = self._cluster.start(seat.place)
        seat.node, seat.ready = None, False
        seat.failing, seat.doubted = 0, False
        self._getting_ready[self._cluster.greet(seat.replica)] = seat

    def _dispatch(self) -> None:
        waiting: deque[PendingUnit] = deque()
        while self._queue:
            parcel = self._queue.popleft()
            if parcel.failure is not None and self._seats == [parcel.failed_on]:
                self._give_up(parcel, parcel.failure)
                continue
            free = [s for s in self._list_able() if s is not parcel.failed_on]
            if not free:
                waiting.append(parcel)
                continue
            seat = min(free, key=lambda s: len(s.parcels))
            seat.since = seat.since if seat.parcels else time.monotonic()
            seat.parcels[self._cluster.ask(seat.replica, parcel.question, parcel.pixels)] = parcel
        self._queue = waiting

    def _list_able(self) -> Sequence[ReplicaSlot]:
        """Seats that may be given a slice: none that is doubted, unless all are."""
        ready = [seat for seat in self._seats if seat.ready]
        sound = [seat for seat in ready if not seat.doubted]
        return [seat for seat in sound or ready if len(seat.parcels) < MAX_IN_FLIGHT]

    def _take(self, ticket: Any, result: Any) -> None:
        """Whatever one ticket has become; those of replicas that are gone mean nothing."""
        seat = self._getting_ready.pop(ticket, None)
        if seat is not None:
            if isinstance(result, ReplicaDied | ResultLost):
                seat.failures += 1
                self._lose(seat, result.why)
            else:
                self._go_on(seat, result)
            return
        seat = next((seat for seat in self._seats if ticket in seat.parcels), None)
        if seat is None:
            return
        match result:
            case ReplicaDied(why=why):
                self._lose(seat, why)
            case ResultLost(why=why):
                self._send_again(seat.parcels.pop(ticket), f"It did not get through: {why}")
            case UnitResponse(replies=replies, route=route):
                parcel, seat.since = seat.parcels.pop(ticket), time.monotonic()
                self._routes[seat.replica] = route
                self._weigh(seat, parcel, replies)

    def _weigh(
        self, seat: ReplicaSlot, parcel: PendingUnit, replies: Mapping[str, Reply] | Exception
    ) -> None:
        """Pass replies on; a slice that failed as a whole is asked of a second replica first."""
        if has_failed(replies):
            seat.failing += len(parcel.question.requests)
            if parcel.failed_on is None and len(self._seats) > 1:
                seat.doubted = True
                self._queue.appendleft(replace(parcel, failed_on=seat, failure=replies))
                return
        elif not isinstance(replies, UserError):
            seat.failing, seat.doubted = 0, False
            if parcel.failed_on is not None:
                self._retire(parcel.failed_on)
        self._give_up(parcel, replies)

    def _give_up(self, parcel: PendingUnit, replies: Mapping[str, Reply] | Exception) -> None:
        """Let the slice go with these replies."""
        if parcel.failed_on is not None:
            parcel.failed_on.doubted = False
        self._answered.append(WorkUnitResult(number=parcel.question.number, replies=replies))

    def _retire(self, seat: ReplicaSlot) -> None:
        """Give a seat up whose replica is sick: it failed at what another one answered."""
        if seat not in self._seats or not seat.ready or seat.failing < SICK:
            return
        self._losses += 1
        self._seats.remove(seat)
        self._cluster.end(seat.replica)
        self._queue.extendleft(reversed(seat.parcels.values()))
        seat.parcels.clear()

    def _check_limit(self) -> None:
        """Take replicas for lost that take too long over a slice."""
        for seat in list(self._seats):
            if self._limit and seat.parcels and time.monotonic() - seat.since > self._limit:
                self._lose(seat, f"It did not answer within --unit-timeout={self._limit:g}")

    def _go_on(self, seat: ReplicaSlot, result: str | None) -> None:
        """One step further: the replica has room, then a model, or can have none."""
        if seat.node is None:
            seat.node = result
            ticket = self._cluster.load(seat.replica, self._order, seat.place.cores)
            self._getting_ready[ticket] = seat
        elif result is None:
            seat.ready, seat.filled, seat.failures = True, True, 0
            self._nodes[seat.node] += 1
        else:
            self._leave(seat, result)

    def _lose(self, seat: ReplicaSlot, why: str) -> None:
        """Send the replica's slices elsewhere and fill its seat; the first of them may be at fault.

        A replica answers in order, so what it had besides was not begun.
        """
        self._losses += 1
        self._cluster.end(seat.replica)
        parcels = list(seat.parcels.values())
        seat.parcels.clear()
        for parcel in reversed(parcels[1:]):
            self._queue.appendleft(parcel)
        if parcels:
            self._send_again(parcels[0], f"A replica was lost over it: {why}")
        if seat.failures < MAX_ATTEMPTS:
            self._fill(seat)
        else:
            self._leave(seat, f"Replicas die before they are ready: {why}")

    def _send_again(self, parcel: PendingUnit, why: str) -> None:
        tries = parcel.tries + 1
        if tries < MAX_ATTEMPTS:
            self._queue.appendleft(replace(parcel, tries=tries))
            return
        failure = ModelError(f"It was begun {tries} times in vain. {why}")
        self._answered.append(WorkUnitResult(number=parcel.question.number, replies=failure))

    def _leave(self, seat: ReplicaSlot, why: str) -> None:
        """Give a seat up; raises EngineError where it never was filled, or was the last."""
        self._seats.remove(seat)
        self._cluster.end(seat.replica)
        if not seat.filled or not self._seats:
            raise EngineError(why)

    def _check_room(self) -> None:
        if any(seat.node is not None for seat in self._seats):
            self._placed = time.monotonic()
            return
        waited = time.monotonic() - self._placed
        wanted = self._seats[0].place
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
