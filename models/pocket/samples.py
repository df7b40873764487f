"""Training samples for pocket: scenes of the train photographs with forgeries planted in them."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from fakebench_suite.datasets.probes.forgeries import FORGERIES, Box, apply_forgery
from fakebench_suite.datasets.probes.photographs import Pixels
from scenes import draw_scene

CRITERIA = tuple(FORGERIES)
SHARE = 250
"""Samples drawn in one go by one process; each share has a seed of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What was planted, and where."""

    criterion: str
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A training image, SIDE x SIDE x 3 in 0..255, and its faults; none for a real one."""

    image: NDArray[np.uint8]
    faults: tuple[Fault, ...]


def draw_samples(size: int, *, seed: int, most: int, processes: int = 2) -> Iterator[Sample]:
    """``size`` samples with 0 to ``most`` faults, each number as often as any other.

    The samples are a function of the seed alone, not of the number of processes.
    """
    seeds = np.random.SeedSequence(seed).spawn(-(-size // SHARE))
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        left = size
        for share in pool.map(partial(_draw_share, most=most), seeds):
            yield from share[:left]
            left -= len(share[:left])


def _draw_share(seed: np.random.SeedSequence, *, most: int) -> list[Sample]:
    rng = np.random.default_rng(seed)
    return [draw_sample(rng, int(rng.integers(0, most + 1))) for _ in range(SHARE)]


def draw_sample(rng: np.random.Generator, number: int) -> Sample:
    """A scene with ``number`` faults of different criteria, whole-image ones beneath the others."""
    while True:
        image, faults = draw_scene(rng), []
        chosen = rng.choice(len(CRITERIA), size=number, replace=False)
        for criterion in sorted((CRITERIA[i] for i in chosen), key=_is_in_a_box):
            planted = apply_forgery(image, FORGERIES[criterion], rng)
            if planted is None:
                break
            image = planted[0]
            faults.append(Fault(criterion=criterion, box=planted[1]))
        if len(faults) == number:
            return Sample(image=_to_bytes(image), faults=tuple(faults))


def _is_in_a_box(criterion: str) -> bool:
    return not FORGERIES[criterion].whole


def _to_bytes(image: Pixels) -> NDArray[np.uint8]:
    return np.rint(image * 255).astype(np.uint8)
