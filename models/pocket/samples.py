"""Training samples for pocket: recoloured crops of the train photographs, half of them forged."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from skimage.filters import gaussian

from fakebench_suite.sources.forgeries import FORGERIES, Box, plant
from fakebench_suite.sources.photographs import TRAIN, Pixels, crop_square

CRITERIA = tuple(FORGERIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What was planted, and where."""

    criterion: str
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A training image, SIDE x SIDE x 3 in 0..1, and its fault; None for a real one."""

    image: Pixels
    fault: Fault | None


def draw_samples(seed: int) -> Iterator[Sample]:
    """Endless samples of the train photographs, half of them forged."""
    rng = np.random.default_rng(seed)
    while True:
        image = draw_scene(rng)
        if rng.random() < 0.5:
            yield Sample(image=image, fault=None)
            continue
        criterion = CRITERIA[rng.integers(len(CRITERIA))]
        planted = plant(image, FORGERIES[criterion], rng)
        if planted is not None:
            yield Sample(
                image=planted[0],
                fault=Fault(criterion=criterion, box=planted[1]),
            )


def draw_scene(rng: np.random.Generator) -> Pixels:
    """A recoloured crop, or two of them exposed over each other.

    Thirteen photographs are soon known by heart; their double exposures are not, so that the
    tower learns what a planted box looks like and not which pictures it has seen.
    """
    one, two = (recolour(crop_square(_NAMES[rng.integers(len(_NAMES))], rng), rng) for _ in "12")
    if rng.random() < 0.5:
        return one
    share = np.float32(rng.uniform(0.25, 0.75))
    return share * one + (1 - share) * two


_NAMES = sorted(TRAIN)


def recolour(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Another channel order, gamma, focus, or no colour at all: still a photograph."""
    if rng.random() < 0.5:
        image = image[:, :, rng.permutation(3)]
    if rng.random() < 0.2:
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.2:
        image = gaussian(image, rng.uniform(0.5, 2.0), channel_axis=-1)
    image = np.clip(image * rng.uniform(0.8, 1.2), 0, 1) ** rng.uniform(0.7, 1.4)
    image = np.rot90(image, k=int(rng.integers(0, 4)))
    return np.ascontiguousarray(image, dtype=np.float32)
