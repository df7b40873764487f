"""Scenes to plant forgeries in: augmented crops of the train photographs.

A model memorises seventeen photographs quickly, and then calls every other image fake. Zoomed,
tilted, recoloured and blended, the scenes never repeat, so the vision tower has to learn what a
planted box looks like.
"""

import numpy as np
from scipy.special import expit
from skimage.filters import gaussian
from skimage.transform import AffineTransform, warp

from fakebench_suite.datasets.probes.photographs import (
    PROBE_SIZE,
    TRAIN_PHOTOGRAPHS,
    Pixels,
    sample_square,
)

_NAMES = sorted(TRAIN_PHOTOGRAPHS)
_COLOURFUL = ("astronaut", "china", "coffee", "motorcycle")
_WEIGHTS = np.array([2.0 if name.startswith(_COLOURFUL) else 1.0 for name in _NAMES])


def sample_scene(rng: np.random.Generator) -> Pixels:
    """Sample one view, or two views blended by exposure or by a mask.

    Returns PROBE_SIZE x PROBE_SIZE x 3 floats in 0..1.
    """
    first, second = (sample_colours(sample_view(rng), rng) for _ in "12")
    kind = rng.random()
    if kind < 0.4:
        return first
    share = np.float32(rng.uniform(0.25, 0.75)) if kind < 0.6 else sample_mask(rng)
    return share * first + (1 - share) * second


def sample_view(rng: np.random.Generator) -> Pixels:
    """Sample a crop in one of eight orientations, often zoomed, tilted and sheared."""
    image = sample_square(_NAMES[rng.choice(len(_NAMES), p=_WEIGHTS / _WEIGHTS.sum())], rng)
    image = np.rot90(image, k=int(rng.integers(0, 4)))
    if rng.random() < 0.5:
        image = image[:, ::-1]
    if rng.random() < 0.4:
        return image
    zoom = np.exp(rng.uniform(0, np.log(3)))
    tilted = AffineTransform(
        scale=rng.uniform(0.8, 1, size=2) / zoom,
        rotation=rng.uniform(0, 2 * np.pi),
        shear=rng.uniform(-0.3, 0.3),
    )
    to_centre = AffineTransform(translation=(PROBE_SIZE / 2, PROBE_SIZE / 2))
    view: Pixels = warp(image, to_centre.inverse + tilted + to_centre, mode="reflect")
    return view.astype(np.float32)


def sample_mask(rng: np.random.Generator) -> Pixels:
    """Sample a mask of round shapes with soft or hard outlines.

    Returns PROBE_SIZE x PROBE_SIZE x 1 floats in 0..1.
    """
    field = gaussian(rng.standard_normal((PROBE_SIZE, PROBE_SIZE)), rng.uniform(4, 20))
    steepness = rng.uniform(0.3, 3) / np.abs(np.gradient(field)[0]).mean()
    mask: Pixels = expit(steepness * (field - field.mean())).astype(np.float32)
    return mask[..., None]


def sample_colours(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Change colours, exposure and focus, or remove colour; grey stays grey, as in photographs."""
    if rng.random() < 0.5:
        image = image @ rng.dirichlet(np.full(3, 0.3), size=3).T
    grey = image.mean(axis=2, keepdims=True)
    image = grey + rng.choice([0.0, 0.6, 1.0, 1.0, 1.8]) * (image - grey)
    if rng.random() < 0.3:
        image = gaussian(image, rng.uniform(0.5, 3.0), channel_axis=-1)
    image = np.clip(image * rng.uniform(0.7, 1.3), 0, 1) ** rng.uniform(0.6, 1.6)
    return np.ascontiguousarray(image, dtype=np.float32)
