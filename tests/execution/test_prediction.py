"""The time left of a run is known after a tenth of it, by a clock of its own."""

import random
from collections import deque

import pytest

from fakebench_suite.execution.forecast import TimePredictor
from fakebench_suite.execution.work_units import assign_work_units

PER_IMAGE, PER_CASE, WARM_UP = 0.5, 0.05, 3.0
"""Seconds for the encoding of a picture, for a reply, and for a worker to get ready."""
TENTH, TOLERANCE = 0.1, 0.2


def draw_images(seed: int, count: int, prompts: tuple[int, ...]) -> list[str]:
    """The image of each case, in a random order: images have these numbers of prompts in turn."""
    images = [(f"{number}", prompts[number % len(prompts)]) for number in range(count)]
    random.Random(seed).shuffle(images)
    return [name for name, number in images for _ in range(number)]


def list_cases(images: list[str], workers: int) -> list[tuple[str, str, float, float]]:
    """Worker, image, start and end of each case, in order of their ends: a first waits for all."""
    units: dict[int, list[str]] = {}
    for image, number in zip(images, assign_work_units(images), strict=True):
        units.setdefault(number, []).append(image)
    queue, free, warm = deque(units.values()), [0.0] * workers, set[int]()
    cases = []
    while queue:
        unit = queue.popleft()
        worker = min(range(workers), key=free.__getitem__)
        seconds = PER_CASE * len(unit) + PER_IMAGE * len(set(unit))
        start = free[worker]
        free[worker] = end = start + seconds + (0.0 if worker in warm else WARM_UP)
        warm.add(worker)
        cases += [
            (f"gw{worker}", image, end if place else start, end) for place, image in enumerate(unit)
        ]
    return sorted(cases, key=lambda case: case[3])


@pytest.mark.parametrize("prompts", [(14,), (17, 1)], ids=["alike", "mixed"])
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_a_tenth_tells_how_long_the_rest_takes(
    seed: int, workers: int, prompts: tuple[int, ...]
) -> None:
    """Within a fifth, though of mixed images some units take twice as long as others."""
    cases = list_cases(draw_images(seed, 600 * workers, prompts), workers)
    forecast = TimePredictor(workers=workers)
    tenth = int(TENTH * len(cases))
    for name, image, start, stop in cases[:tenth]:
        forecast.add(name, image=image, start=start, stop=stop)
    predicted = forecast.predict(len(cases) - tenth)
    assert predicted is not None
    left = cases[-1][3] - cases[tenth - 1][3]
    assert predicted == pytest.approx(left, rel=TOLERANCE)


def test_workers_without_a_unit_have_done_nothing_of_the_last_one() -> None:
    """Near the end of a run most of them have none, and one has a whole unit to do."""
    forecast = TimePredictor(workers=8, least=8)
    ends = {f"gw{number}": 3 for number in range(7)} | {"gw7": 4}
    cases = [
        (name, f"{unit}", 60.0 * unit if place == 0 else 60.0 * (unit + 1), 60.0 * (unit + 1))
        for name, units in ends.items()
        for unit in range(units)
        for place in range(8)
    ]
    for name, image, start, stop in sorted(cases, key=lambda case: case[3]):
        forecast.add(name, image=image, start=start, stop=stop)
    assert forecast.predict(8) == pytest.approx(60.0)
