"""The scheduler: units go to free workers, the largest first, and come back from dead ones.

It speaks the protocol of ``xdist.scheduler.Scheduling``. A worker holds the unit it works on and
the next one, so that it never waits; when there are no more, an idle worker is given the next one
of a busy worker, for as long as that has not been begun. What is left of a work unit over which a
worker died goes to one started since, which was told to ask its cases one by one.

A unit at which a worker failed as a whole is asked a second time, by another worker. If that one
gets an answer, the first is sick: it is retired, and all that it failed at in a row is asked
elsewhere. If both fail, the errors stand. Until that is known, the first is given only what no
other worker may have.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Protocol

from fakebench_suite.errors import SuiteError
from fakebench_suite.execution.work_units import assign_work_units
from fakebench_suite.plugin.collection import image_of

MAX_CRASHES = 2
"""Workers that may die on one case; then it is that case's error."""
SICK_AFTER = 8
"""Cases in a row that a worker fails at before it may be called sick."""
MIN_PENDING = 2
"""Items a worker needs in hand: it runs one only when it knows what follows."""


class Worker(Protocol):
    """What a scheduler needs of xdist's WorkerController."""

    @property
    def shutting_down(self) -> bool:
        """Whether it was told to finish what it has."""
        ...

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Give it items to run, as numbers in the collection."""

    def send_steal(self, indices: Sequence[int]) -> None:
        """Ask for items back; it answers with all of them, or none where one has been begun."""

    def shutdown(self) -> None:
        """Have it finish what it has and end."""


class WorkUnitScheduler:
    """Which worker runs which unit; ``unit_size`` finds the prompts of one by those of all."""

    def __init__(
        self, workers: int, unit_size: Callable[[int], int | None] = lambda _: None
    ) -> None:
        self._workers, self._unit_size = workers, unit_size
        self._collections: dict[Worker, list[str]] = {}
        self._collection: list[str] | None = None
        self._queue: deque[list[int]] = deque()
        """Work units nobody has, as numbers of items."""
        self._begun: dict[Worker, deque[int]] = {}
        """Items a worker has been given for good, in their order, until they are done."""
        self._next: dict[Worker, list[int]] = {}
        """The unit it will take up afterwards."""
        self._robbed: Worker | None = None
        """Who has been asked to give its next unit back."""
        self._deaths: Counter[int] = Counter()
        self._numbers: list[int] = []
        """The unit of each item."""
        self._suspects: set[int] = set()
        """Work units over which a worker died."""
        self._told: dict[Worker, frozenset[int]] = {}
        """The suspects there were when a worker was started."""
        self._indices: dict[str, int] = {}
        self._failing: dict[Worker, list[int]] = {}
        """Items that a worker failed at since it last answered one."""
        self._last: dict[Worker, int] = {}
        """The unit of the item that a worker last answered."""
        self._failed_on: dict[int, set[Worker]] = {}
        """Who failed at an item that is asked a second time."""
        self._asked_again: set[int] = set()
        """Items that were put back for a second try; there is no third."""
        self._doubted: set[Worker] = set()
        """Workers that failed at a whole unit; somebody else is being asked about it."""
        self.retired: dict[Worker, int] = {}
        """Sick workers, and how many cases in a row they had failed at."""

    @property
    def nodes(self) -> list[Worker]:
        """All workers alive."""
        return list(self._begun)

    @property
    def collection_is_completed(self) -> bool:
        """Whether every worker there was at the start has collected."""
        return self._collection is not None or len(self._collections) >= self._workers

    @property
    def tests_finished(self) -> bool:
        """Whether all is done; workers are told to end as soon as they are not needed."""
        return self.collection_is_completed and self._robbed is None and not self.has_pending

    @property
    def has_pending(self) -> bool:
        """Whether some item is not done."""
        return bool(self._queue) or any(self._begun.values()) or any(self._next.values())

    def tell_suspects(self, node: Worker) -> list[int]:
        """The units whose cases a worker, about to be started, has to ask one by one."""
        self._told[node] = frozenset(self._suspects)
        return sorted(self._suspects)

    def add_node(self, node: Worker) -> None:
        """Take a worker on, at the start or in the place of one that died."""
        self._begun[node] = deque()
        self._next[node] = []
        self._failing[node] = []

    def add_node_collection(self, node: Worker, collection: Sequence[str]) -> None:
        """Keep what a worker collected; raises SuiteError where it is not what the others did."""
        expected = self._collection or next(iter(self._collections.values()), collection)
        if list(collection) != list(expected):
            odd = sorted({*collection} ^ {*expected}) or ["their order"]
            raise SuiteError(f"Two workers collected different tests; they differ in {odd[0]}.")
        self._collections[node] = list(collection)

    def schedule(self) -> None:
        """Deal units out: to all workers at first, later to those that came after."""
        if self._collection is None:
            self._collection = next(iter(self._collections.values()))
            images = (image_of(nodeid) for nodeid in self._collection)
            size = self._unit_size(len(self._collection))
            self._numbers = assign_work_units(images, least=size)
            self._indices = {nodeid: index for index, nodeid in enumerate(self._collection)}
            self._queue.extend(_group_by_unit(self._numbers))
        self._deal()

    def mark_test_complete(self, node: Worker, item_index: int, duration: float = 0) -> None:
        """Note that an item is done."""
        del duration
        begun = self._begun[node]
        if begun and begun[0] == item_index:
            begun.popleft()
        else:  # of the next unit, which the worker took up before it was asked to give it back
            self._next[node].remove(item_index)
        self._review(node, self._numbers[item_index])
        self._deal()

    def note_result(self, node: Worker, nodeid: str, *, answered: bool) -> None:
        """Note whether the model of a worker answered the case that the worker has in hand."""
        index = self._indices.get(nodeid)
        if index is None or node not in self._begun:
            return
        if not answered:
            self._failing[node].append(index)
            return
        self._failing[node].clear()
        self._last[node] = self._numbers[index]
        self._doubted.discard(node)
        for rival in self._failed_on.pop(index, set()) - {node}:
            self._retire(rival)

    def _review(self, node: Worker, number: int) -> None:
        """Have a unit that a worker failed at as a whole, or is retired from, asked elsewhere."""
        held = [*self._begun[node], *self._next[node]] if self._failing[node] else ()
        if any(self._numbers[index] == number for index in held):
            return
        failed = [index for index in self._failing[node] if self._numbers[index] == number]
        if failed and (node in self.retired or self._last.get(node) != number):
            self._ask_elsewhere(node, failed)

    def _ask_elsewhere(self, node: Worker, items: Sequence[int]) -> None:
        """Ask items again that a worker failed at; the errors stand where another failed too."""
        others = [other for other in self._begun if other is not node and not other.shutting_down]
        again = []
        for index in items:
            rivals = self._failed_on.pop(index, set())
            self._doubted -= rivals
            if others and index not in self._asked_again:
                self._asked_again.add(index)
                self._failed_on[index] = {node}
                again.append(index)
        if again:
            self._doubted.add(node)
            self._queue.appendleft(again)

    def _retire(self, node: Worker) -> None:
        """Give a sick worker nothing more, and ask all that it failed at in a row elsewhere."""
        failing = self._failing.get(node, ())
        if node in self.retired or node not in self._begun or len(failing) < SICK_AFTER:
            self._doubted.discard(node)
            return
        self.retired[node] = len(failing)
        held = {self._numbers[index] for index in (*self._begun[node], *self._next[node])}
        left = [i for i in failing if i not in self._asked_again and self._numbers[i] not in held]
        self._ask_elsewhere(node, left)
        node.shutdown()

    def mark_test_pending(self, item: str) -> None:
        """Put an item back that a worker was running."""
        assert self._collection is not None
        self._queue.appendleft([self._collection.index(item)])
        self._deal()

    def remove_pending_tests_from_node(self, node: Worker, indices: Sequence[int]) -> None:
        """Take back what a worker gave; where it gave nothing, its next unit is begun."""
        self._robbed = None
        if indices:
            self._queue.append(list(indices))
        else:
            self._begun[node].extend(self._next[node])
        self._next[node] = []
        self._deal()

    def remove_node(self, node: Worker) -> str | None:
        """Let a worker go. The case it died on, where it was not the first to die on it.

        All else that it had goes to others, the case it died on too, if that happened once only: a
        worker may be killed for reasons of its own. A finished worker has nothing left.
        """
        held = [*self._begun.pop(node), *self._next.pop(node)]
        parts = self._split(held)
        self._collections.pop(node, None)
        self._told.pop(node, None)
        self._failing.pop(node, None)
        self._doubted.discard(node)
        if self._robbed is node:
            self._robbed = None
        crashed = None
        if parts:
            running = parts[0][0]
            self._suspects.add(self._numbers[running])
            self._deaths[running] += 1
            if self._deaths[running] >= MAX_CRASHES:
                assert self._collection is not None
                crashed = self._collection[parts[0].pop(0)]
        self._queue.extendleft(part for part in reversed(parts) if part)
        self._deal()
        return crashed

    def _split(self, items: Sequence[int]) -> list[list[int]]:
        """Items of one worker as parts of one unit each; second tries are parts of their own."""
        kinds = groupby(items, key=lambda index: (self._numbers[index], index in self._failed_on))
        return [list(part) for _, part in kinds]

    def _deal(self) -> None:
        if self._collection is None:  # Nobody is idle before there is anything to do.
            return
        able = [node for node in self._begun if node in self._collections]
        able = [node for node in able if not node.shutting_down]
        if self._failed_on:
            self._queue = deque(part for part in map(self._drop_hopeless, self._queue) if part)
        for node in able:
            self._promote(node)
        for node in able:
            if not self._next[node]:
                self._hand(node)
        idle = [
            node for node in able if len(self._begun[node]) + len(self._next[node]) < MIN_PENDING
        ]
        if not idle or self._robbed is not None or self._queue:
            return
        if any(self._next[node] for node in able):
            self._steal(able, idle)
            return
        reserve = min(
            able,
            key=lambda node: (
                node in self._doubted, bool(self._failing[node]), len(self._begun[node])
            ),
        )  # fmt: skip
        for node in idle:
            others = any(held for other, held in self._begun.items() if other is not node)
            if node is not reserve or not others:
                node.shutdown()

    def _steal(self, able: Sequence[Worker], idle: Sequence[Worker]) -> None:
        """Ask the worker with the largest next unit that an idle one would be given to return it.

        What no idle worker would be given would go back where it came from.
        """
        givers = [
            node
            for node in able
            if self._next[node]
            and any(other is not node and self._is_for(other, self._next[node]) for other in idle)
        ]
        if givers:
            self._robbed = max(givers, key=lambda node: len(self._next[node]))
            self._robbed.send_steal(self._next[self._robbed])

    def _drop_hopeless(self, part: list[int]) -> list[int]:
        """The items of a part without second tries that no worker may have; their errors stand."""
        hopeless = {
            index
            for index in part
            if self._failed_on.get(index)
            and not any(self._may_have(node, [index]) for node in self._begun)
        }
        for index in hopeless:
            self._doubted -= self._failed_on.pop(index)
        return [index for index in part if index not in hopeless]

    def _promote(self, node: Worker) -> None:
        """Begin the next unit of a worker that has few items left; it can no longer be stolen."""
        if len(self._begun[node]) < MIN_PENDING and self._robbed is not node:
            while len(self._begun[node]) < MIN_PENDING:
                if not self._next[node] and not self._hand(node):
                    return
                self._begun[node].extend(self._next[node])
                self._next[node] = []

    def _hand(self, node: Worker) -> bool:
        """Give a worker its next unit, if there is one for it."""
        for place, part in enumerate(self._queue):
            if self._is_for(node, part):
                del self._queue[place]
                self._next[node] = part
                node.send_runtest_some(part)
                return True
        return False

    def _is_for(self, node: Worker, part: Sequence[int]) -> bool:
        """Whether items are given to a worker.

        A doubted worker is given only what no other may have; else all would wait where the only
        one that is not doubted failed at the items that are left.
        """
        rivals = [node]
        if node in self._doubted:
            rivals += [other for other in self._begun if other not in self._doubted]
        return [other for other in rivals if self._may_have(other, part)] == [node]

    def _may_have(self, node: Worker, part: Sequence[int]) -> bool:
        """Whether a worker may be asked for items: it failed at none, and none is too dangerous."""
        if node.shutting_down or any(node in self._failed_on.get(index, ()) for index in part):
            return False
        barred = self._suspects - self._told.get(node, frozenset())
        return not barred or barred.isdisjoint(self._numbers[index] for index in part)


def _group_by_unit(numbers: Sequence[int]) -> list[list[int]]:
    """The units as numbers of items, the largest first; ``numbers`` holds each item's unit."""
    units: dict[int, list[int]] = {}
    for index, number in enumerate(numbers):
        units.setdefault(number, []).append(index)
    return sorted(units.values(), key=len, reverse=True)
