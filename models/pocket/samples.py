"""Training samples for pocket: scenes of the train photographs with planted forgeries."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from augmentation import sample_scene
from fakebench_suite.datasets.probes.forgeries import FORGERIES, Box, apply_forgery
from fakebench_suite.datasets.probes.photographs import Pixels

CRITERIA = tuple(FORGERIES)
CHUNK_SIZE = 250
"""Samples that one process makes at a time; each chunk has its own seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedForgery:
    """The criterion and the box of a forgery."""

    criterion: str
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A training image and its forgeries; a real image has none.

    ``image`` is PROBE_SIZE x PROBE_SIZE x 3 in 0..255.
    """

    image: NDArray[np.uint8]
    forgeries: tuple[PlantedForgery, ...]


def sample_images(
    size: int, *, seed: int, max_forgeries: int, processes: int = 2
) -> Iterator[Sample]:
    """Yield ``size`` samples with 0 to ``max_forgeries`` forgeries, each number equally often.

    The samples depend on the seed only, not on the number of processes.
    """
    seeds = np.random.SeedSequence(seed).spawn(-(-size // CHUNK_SIZE))
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        remaining = size
        for chunk in pool.map(partial(_sample_chunk, max_forgeries=max_forgeries), seeds):
            yield from chunk[:remaining]
            remaining -= len(chunk[:remaining])


def _sample_chunk(seed: np.random.SeedSequence, *, max_forgeries: int) -> list[Sample]:
    rng = np.random.default_rng(seed)
    return [sample_image(rng, int(rng.integers(0, max_forgeries + 1))) for _ in range(CHUNK_SIZE)]


def sample_image(rng: np.random.Generator, number: int) -> Sample:
    """Sample a scene with ``number`` forgeries of different criteria.

    Forgeries of the whole image are planted before those in a box.
    """
    while True:
        image, forgeries = sample_scene(rng), []
        indices = rng.choice(len(CRITERIA), size=number, replace=False)
        for criterion in sorted((CRITERIA[i] for i in indices), key=_is_in_a_box):
            result = apply_forgery(image, FORGERIES[criterion], rng)
            if result is None:
                break
            image = result[0]
            forgeries.append(PlantedForgery(criterion=criterion, box=result[1]))
        if len(forgeries) == number:
            return Sample(image=_to_bytes(image), forgeries=tuple(forgeries))


def _is_in_a_box(criterion: str) -> bool:
    return not FORGERIES[criterion].covers_image


def _to_bytes(image: Pixels) -> NDArray[np.uint8]:
    return np.rint(image * 255).astype(np.uint8)
