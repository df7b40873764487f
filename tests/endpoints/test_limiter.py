"""Fewer requests after an overload, more after clean rounds, none in a pause."""

import asyncio

import pytest

from fakebench_suite.endpoints.event_loops import run_coroutine
from fakebench_suite.endpoints.limiter import DECREASE, AdaptiveLimit, RequestSlots


def test_one_episode_lowers_the_limit_once() -> None:
    """All requests that were under way together are refused together."""
    limit = AdaptiveLimit(32)
    assert [limit.note_overload(sent=1.0, now=2.0 + n) for n in range(32)] == [True] + [False] * 31
    assert limit.value == pytest.approx(32 * DECREASE)
    assert limit.note_overload(sent=2.5, now=3.0)
    assert limit.value == pytest.approx(32 * DECREASE**2)


def test_the_limit_stays_between_one_and_the_maximum() -> None:
    """However many overloads and replies there are."""
    limit = AdaptiveLimit(4)
    for time in range(50):
        limit.note_overload(sent=time + 0.5, now=time + 0.6)
    assert limit.value == 1
    for _ in range(1_000):
        limit.note_success()
    assert limit.value == 4


def test_a_clean_round_adds_one() -> None:
    """As many replies as the limit; an overload starts the count anew."""
    limit = AdaptiveLimit(10)
    limit.note_overload(sent=1, now=2)
    for _ in range(6):
        limit.note_success()
    limit.note_overload(sent=1, now=3)
    for _ in range(6):
        limit.note_success()
    assert limit.value == pytest.approx(7)
    limit.note_success()
    assert limit.value == pytest.approx(8)


class Clock:
    """The time of a loop, so that a pause need not be waited for."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_slots_are_given_in_order_retries_first() -> None:
    """No more than the limit at a time."""
    order: list[str] = []

    async def hold(slots: RequestSlots, name: str, *, first: bool = False) -> None:
        async with slots.take(first=first):
            order.append(name)
            await asyncio.sleep(0)

    async def run() -> None:
        slots = RequestSlots(1)
        async with slots.take():
            tasks = [asyncio.create_task(hold(slots, name)) for name in "abc"]
            tasks.append(asyncio.create_task(hold(slots, "retry", first=True)))
            await asyncio.sleep(0)
            assert order == []
        await asyncio.gather(*tasks)

    run_coroutine(run())
    assert order == ["retry", "a", "b", "c"]


def test_a_pause_holds_all_back() -> None:
    """It ends by itself."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        slots = RequestSlots(8, clock=loop.time)
        slots.pause(0.05)
        assert slots.is_paused
        started = loop.time()

        async def take() -> float:
            async with slots.take():
                return loop.time() - started

        waits = await asyncio.gather(*(take() for _ in range(8)))
        assert min(waits) >= 0.045
        assert not slots.is_paused

    run_coroutine(run())


def test_who_gives_up_waiting_takes_no_slot() -> None:
    """Cancelled before its turn, or in the moment of it."""

    async def run() -> None:
        slots = RequestSlots(1)

        async def take() -> str:
            async with slots.take():
                return "had its turn"

        async with slots.take():
            lost = [asyncio.create_task(take()) for _ in range(3)]
            kept = asyncio.create_task(take())
            await asyncio.sleep(0)
            lost[1].cancel()
        lost[0].cancel()  # Its turn has come, but it has not run yet.
        assert await asyncio.wait_for(kept, 1) == "had its turn"
        assert await asyncio.wait_for(take(), 1) == "had its turn"

    run_coroutine(run())


def test_the_limit_counts_at_once() -> None:
    """A lowered limit admits no other until enough have left."""
    clock = Clock()

    async def run() -> None:
        slots = RequestSlots(4, clock=clock)
        clock.now = 1.0
        async with slots.take(), slots.take():
            slots.limit.value = 2.0
            waiting = asyncio.create_task(asyncio.wait_for(slots.take().__aenter__(), 0.02))
            with pytest.raises(TimeoutError):
                await waiting
        async with slots.take() as request:
            assert request.time == 1.0

    run_coroutine(run())
