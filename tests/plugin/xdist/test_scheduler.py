"""The scheduler over workers that do as xdist's do, without a process."""

import random
from collections import deque
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakebench_suite.errors import SuiteError
from fakebench_suite.execution.work_units import assign_work_units
from fakebench_suite.plugin.collection import image_of
from fakebench_suite.plugin.xdist.scheduler import WorkUnitScheduler


class Worker:
    """Runs an item when it knows what follows, or was told to end; gives back what it can."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.queue: deque[int] = deque()
        self.units: list[list[int]] = []
        self.steal_requests: list[list[int]] = []
        self.shutting_down = False
        self.suspects: list[int] = []
        self.sick_after: int | None = None
        """Items after which its model fails over every other."""
        self.ran = 0

    def dies_on(self, item: int, fatal_item: int | None, slices: Sequence[int]) -> bool:
        """With the slice of the poison, or where it was told of that, with the poison alone."""
        if fatal_item is None or slices[item] != slices[fatal_item]:
            return False
        return slices[item] not in self.suspects or item == fatal_item

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Queue the items."""
        self.queue.extend(indices)
        self.units.append(list(indices))

    def send_steal(self, indices: Sequence[int]) -> None:
        """Remember the wish; ``answer`` grants it."""
        self.steal_requests.append(list(indices))

    def shutdown(self) -> None:
        """Run what is there."""
        self.shutting_down = True

    @property
    def can_run(self) -> bool:
        """The item in hand and the one after it are known, or there is none after it."""
        return len(self.queue) > 1 or bool(self.queue and self.shutting_down)

    def answer(self, scheduler: WorkUnitScheduler) -> None:
        """Give all the items asked for or none: the first two in the queue are in hand."""
        items = self.steal_requests.pop(0)
        pending = list(self.queue)[2:]
        granted = items if set(items) <= set(pending) else []
        self.queue = deque(item for item in self.queue if item not in granted)
        scheduler.remove_pending_tests_from_node(self, granted)


def make_ids(sizes: Sequence[int]) -> list[str]:
    """Node ids of image groups of these sizes."""
    return [
        f"cases/t.py::t[{image}.png:{number}]"
        for image, size in enumerate(sizes)
        for number in range(size)
    ]


def number_units(ids: Sequence[str]) -> dict[str, int]:
    """The number of the work unit of each node id."""
    return dict(zip(ids, assign_work_units(image_of(nodeid) for nodeid in ids), strict=True))


def start(ids: Sequence[str], count: int) -> tuple[WorkUnitScheduler, list[Worker]]:
    """A scheduler whose workers have all collected."""
    scheduler, workers = WorkUnitScheduler(workers=count), []
    for number in range(count):
        workers.append(Worker(f"gw{number}"))
        scheduler.add_node(workers[-1])
    for worker in workers:
        scheduler.add_node_collection(worker, ids)
    assert scheduler.collection_is_completed
    scheduler.schedule()
    return scheduler, workers


def play(
    scheduler: WorkUnitScheduler,
    workers: list[Worker],
    ids: Sequence[str],
    rng: random.Random,
    deaths: int = 0,
    fatal_item: int | None = None,
    failed: list[int] | None = None,
) -> tuple[list[int], list[str]]:
    """Run to the end in a random order, killing workers; what was run, and what was given up.

    What a sick worker fails at is put into ``failed``, and not counted as run.
    """
    completed: list[int] = []
    abandoned: list[str] = []
    numbers = number_units(ids)
    slices = [numbers[nodeid] for nodeid in ids]
    for _ in range(40 * len(ids) + 100):
        if scheduler.tests_finished:
            for worker in workers:
                worker.shutdown()
        ready = [
            candidate for candidate in workers if candidate.can_run or candidate.steal_requests
        ]
        if not ready:
            break
        worker = rng.choice(ready)
        dies = worker.can_run and worker.dies_on(worker.queue[0], fatal_item, slices)
        if dies or (deaths and rng.random() < 0.1):
            deaths -= not dies
            workers.remove(worker)
            crashitem = scheduler.remove_node(worker)
            abandoned += [crashitem] if crashitem else []
            clone = Worker(worker.name + "+")
            clone.suspects = scheduler.tell_suspects(clone)
            clone.sick_after = None if failed is None else rng.choice([None, 0, 3, 20])
            workers.append(clone)
            scheduler.add_node(clone)
            scheduler.add_node_collection(clone, ids)
            scheduler.schedule()
        elif worker.steal_requests and rng.random() < 0.5:
            worker.answer(scheduler)
        elif worker.can_run:
            item = worker.queue.popleft()
            answered = worker.sick_after is None or worker.ran < worker.sick_after
            worker.ran += 1
            scheduler.note_result(worker, ids[item], answered=answered)
            (completed if answered or failed is None else failed).append(item)
            scheduler.mark_test_complete(worker, item)
        if (
            worker in workers
            and worker.shutting_down
            and not worker.queue
            and not worker.steal_requests
        ):
            workers.remove(worker)
            assert scheduler.remove_node(worker) is None
    for worker in workers:  # as xdist does when a worker has ended
        assert scheduler.remove_node(worker) is None
    assert scheduler.tests_finished, "xdist would wait for ever"
    assert not scheduler.has_pending
    return completed, abandoned


@settings(max_examples=150)
@given(
    sizes=st.lists(st.integers(1, 90), min_size=1, max_size=12),
    count=st.integers(1, 5),
    seed=st.integers(0, 10**6),
    deaths=st.integers(0, 3),
)
def test_every_case_runs_once_whatever_happens(
    sizes: list[int], count: int, seed: int, deaths: int
) -> None:
    """Whatever the order of events, with thefts and deaths: all done, and none twice."""
    ids = make_ids(sizes)
    scheduler, workers = start(ids, count)
    completed, abandoned = play(scheduler, workers, ids, random.Random(seed), deaths=deaths)
    assert sorted(completed) == [n for n in range(len(ids)) if ids[n] not in abandoned]


@given(seed=st.integers(0, 10**6), count=st.integers(1, 4))
def test_a_case_that_kills_is_given_up_after_two_deaths(seed: int, count: int) -> None:
    """It alone is lost, though the first worker died with its whole slice."""
    ids = make_ids([14] * 20)
    scheduler, workers = start(ids, count)
    completed, abandoned = play(scheduler, workers, ids, random.Random(seed), fatal_item=150)
    assert abandoned == [ids[150]]
    assert sorted(completed) == [number for number in range(len(ids)) if number != 150]


@pytest.mark.thorough
@settings(max_examples=150)
@given(
    sizes=st.lists(st.integers(1, 90), min_size=8, max_size=20),
    count=st.integers(2, 5),
    sick=st.integers(0, 150),
    seed=st.integers(0, 10**6),
)
def test_what_a_sick_worker_fails_at_is_answered_elsewhere(
    sizes: list[int], count: int, sick: int, seed: int
) -> None:
    """From the start or from the middle of a slice on: nothing is lost, and none answered twice."""
    ids = make_ids(sizes)
    scheduler, workers = start(ids, count)
    workers[0].sick_after = sick
    failed: list[int] = []
    completed, abandoned = play(scheduler, list(workers), ids, random.Random(seed), failed=failed)
    assert abandoned == []
    assert len(completed) == len(set(completed))
    assert len(failed) == len(set(failed))
    assert {*completed, *failed} == set(range(len(ids)))
    assert set(scheduler.retired) <= {workers[0]}
    if scheduler.retired or sick == 0:
        assert sorted(completed) == list(range(len(ids)))
    assert len(failed) <= 4 * (64 + max(sizes))


@pytest.mark.thorough
@given(count=st.integers(1, 6), seed=st.integers(0, 10**6))
@example(count=4, seed=37716)  # All are doubted but the one who failed at all that is left.
def test_a_model_that_fails_everywhere_is_asked_twice_at_most(count: int, seed: int) -> None:
    """No worker is retired, and the run comes to its end."""
    ids = make_ids([14] * 30)
    scheduler, workers = start(ids, count)
    for worker in workers:
        worker.sick_after = 0
    failed: list[int] = []
    completed, _ = play(scheduler, workers, ids, random.Random(seed), failed=failed)
    assert completed == []
    assert set(failed) == set(range(len(ids)))
    assert len(failed) <= len(ids) * min(count, 2)
    assert not scheduler.retired


@settings(max_examples=150)
@given(
    sizes=st.lists(st.sampled_from([1, 3, 14, 40, 64]), min_size=4, max_size=10),
    count=st.integers(2, 4),
    deaths=st.integers(1, 3),
    seed=st.integers(0, 10**6),
)
def test_deaths_and_failures_together_end_and_lose_nothing(
    sizes: list[int], count: int, deaths: int, seed: int
) -> None:
    """Those who take a dead worker's place may fail at what they alone may be asked."""
    ids, rng = make_ids(sizes), random.Random(seed)
    scheduler, workers = start(ids, count)
    workers[0].sick_after = rng.choice([None, 0, 5, 30])
    failed: list[int] = []
    completed, abandoned = play(scheduler, workers, ids, rng, deaths=deaths, failed=failed)
    assert len(completed) == len(set(completed))
    assert {*completed, *failed, *map(ids.index, abandoned)} == set(range(len(ids)))


def test_a_death_before_all_have_collected_ends_nobody_else() -> None:
    """The one that has collected waits for the dead one's successor."""
    ids, scheduler = make_ids([3, 3]), WorkUnitScheduler(workers=2)
    ready, dead, clone = Worker("ready"), Worker("dead"), Worker("clone")
    for worker in (ready, dead):
        scheduler.add_node(worker)
    scheduler.add_node_collection(ready, ids)
    assert scheduler.remove_node(dead) is None
    assert not ready.shutting_down
    scheduler.add_node(clone)
    scheduler.add_node_collection(clone, ids)
    assert scheduler.collection_is_completed


def test_a_worker_that_was_not_told_is_not_given_a_suspect() -> None:
    """What is left of a dead worker's slice waits for one that asks its cases one by one."""
    ids = make_ids([64, 64, 64, 64])
    scheduler, (dead, survivor) = start(ids, 2)
    first_unit = dead.units[0]
    scheduler.mark_test_complete(dead, dead.queue.popleft())
    assert scheduler.remove_node(dead) is None
    while survivor.can_run:
        scheduler.mark_test_complete(survivor, survivor.queue.popleft())
    assert first_unit[1:] not in survivor.units
    assert not survivor.shutting_down
    clone = Worker("clone")
    assert scheduler.tell_suspects(clone) == [number_units(ids)[ids[first_unit[0]]]]
    scheduler.add_node(clone)
    scheduler.add_node_collection(clone, ids)
    scheduler.schedule()
    assert clone.units == [first_unit[1:]]
    assert scheduler.tests_finished is False


def test_large_slices_go_first_and_stay_whole() -> None:
    """What a worker is given at a time is one slice, and the small ones come last."""
    ids = make_ids([3, *[14] * 30])
    scheduler, workers = start(ids, 2)
    play(scheduler, workers, ids, random.Random(0))
    slices = number_units(ids)
    units = [unit for worker in workers for unit in worker.units]
    assert all(len({slices[ids[number]] for number in unit}) == 1 for unit in units)
    for worker in workers:
        sizes = [len(unit) for unit in worker.units]
        assert sizes == sorted(sizes, reverse=True)


def test_an_idle_worker_gets_the_next_slice_of_a_busy_one() -> None:
    """Three slices, two workers: the slow one gives its second slice up."""
    ids = make_ids([64, 64, 64])
    scheduler, (slow, quick) = start(ids, 2)
    assert [len(worker.units) for worker in (slow, quick)] == [2, 1]
    while quick.can_run:
        scheduler.mark_test_complete(quick, quick.queue.popleft())
    assert slow.steal_requests == [slow.units[1]]
    slow.answer(scheduler)
    assert quick.units[1] == slow.units[1]
    assert len(slow.queue) == 64


def test_nothing_is_taken_from_a_busy_worker_that_the_idle_one_may_not_have() -> None:
    """It would be given back, and taken again."""
    ids = make_ids([64, 64, 64])
    scheduler, (first, second, third) = start(ids, 3)
    scheduler.remove_node(first)
    scheduler.remove_node(second)
    clone = Worker("clone")
    clone.suspects = scheduler.tell_suspects(clone)
    scheduler.add_node(clone)
    scheduler.add_node_collection(clone, ids)
    scheduler.schedule()
    while third.can_run:
        scheduler.mark_test_complete(third, third.queue.popleft())
    assert [len(unit) for unit in clone.units] == [64, 64]
    assert clone.steal_requests == []
    assert third.shutting_down is False  # it would be asked what the other fails at


def test_what_has_been_begun_is_not_given_up() -> None:
    """A worker at the end of its slice keeps the next one."""
    ids = make_ids([64, 64, 64])
    scheduler, (slow, quick) = start(ids, 2)
    for _ in range(62):
        scheduler.mark_test_complete(slow, slow.queue.popleft())
    while quick.can_run:
        scheduler.mark_test_complete(quick, quick.queue.popleft())
    # Meanwhile the slow worker has the last item of its slice in hand, and the first of the next.
    slow.queue.popleft()
    slow.answer(scheduler)
    scheduler.mark_test_complete(slow, slow.units[0][62])
    assert len(quick.units) == 1
    assert slow.shutting_down is False
    assert scheduler.tests_finished is False


def test_one_worker_is_kept_until_the_others_are_done() -> None:
    """It would be asked what they fail at; any more without a slice are let go at once."""
    scheduler, workers = start(make_ids([10]), 3)
    assert [worker.shutting_down for worker in workers] == [False, False, True]
    while len(workers[0].queue) > 1:
        scheduler.mark_test_complete(workers[0], workers[0].queue.popleft())
    assert [worker.shutting_down for worker in workers] == [True, False, True]
    scheduler.mark_test_complete(workers[0], workers[0].queue.popleft())
    assert workers[1].shutting_down


def test_workers_that_collect_different_cases_are_a_fault() -> None:
    """It is said which."""
    scheduler = WorkUnitScheduler(workers=2)
    first, second = Worker("gw0"), Worker("gw1")
    for worker in (first, second):
        scheduler.add_node(worker)
    scheduler.add_node_collection(first, make_ids([2]))
    with pytest.raises(SuiteError, match=r"they differ in cases/t.py::t\[1.png:0\]"):
        scheduler.add_node_collection(second, make_ids([2, 1]))
