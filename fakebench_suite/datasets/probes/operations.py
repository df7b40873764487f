"""Ten operations on the pixels of a box, one per criterion.

Each takes the pixels (height x width x 3 floats in 0..1) and a seeded generator, and returns new
pixels of the same shape. scikit-image is imported by the operations that need it, because merely
listing the probes renders none.
"""

import numpy as np

from fakebench_suite.datasets.probes.photographs import Pixels


def repeat_tile(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Fill the box with one tile of itself, 8 to 12 pixels wide."""
    size = int(rng.integers(8, 13))
    height, width, _ = box.shape
    top, left = int(rng.integers(0, height - size)), int(rng.integers(0, width - size))
    tile = box[top : top + size, left : left + size]
    paved = np.tile(tile, (height // size + 1, width // size + 1, 1))
    return paved[:height, :width]


def add_halos(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Sharpen by a factor of four to six, so that bright and dark halos run along edges."""
    from skimage.filters import gaussian

    soft = gaussian(box, 1.5, channel_axis=-1)
    halos: Pixels = np.clip(box + rng.uniform(4, 6) * (box - soft), 0, 1).astype(np.float32)
    return halos


def blur(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Blur with a Gaussian whose standard deviation is 3 to 4.5 pixels."""
    from skimage.filters import gaussian

    soft: Pixels = gaussian(box, rng.uniform(3, 4.5), channel_axis=-1, mode="nearest")
    return soft.astype(np.float32)


def band_light(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Add two to three bright bands (1.8 times the light) and dark ones (a fifth of it)."""
    height, width, _ = box.shape
    across = rng.random() < 0.5
    turns = rng.uniform(2, 3) * 2 * np.pi
    wave = np.sin(rng.uniform(0, 2 * np.pi) + np.linspace(0, turns, width if across else height))
    field = (1 + 0.8 * wave).astype(np.float32)
    lit: Pixels = np.clip(box * (field[None, :, None] if across else field[:, None, None]), 0, 1)
    return lit


def stretch_strip(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Stretch a strip of 4 to 6 pixels over the whole box, in one direction."""
    from skimage.transform import resize

    thin = int(rng.integers(4, 7))
    axis = int(rng.integers(0, 2))
    start = int(rng.integers(0, box.shape[axis] - thin))
    piece = box.take(range(start, start + thin), axis=axis)
    stretched: Pixels = resize(piece, box.shape, order=1).astype(np.float32)
    return stretched


def shift_strips(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Shift every second strip of 6 to 8 pixels sideways, so that outlines break into steps."""
    width, push = int(rng.integers(6, 9)), int(rng.integers(8, 12))
    axis = int(rng.integers(0, 2))
    shifted = box.copy()
    for start in range(0, box.shape[axis], 2 * width):
        strip = (slice(start, start + width), slice(None))[:: 1 if axis == 0 else -1]
        shifted[strip] = np.roll(box[strip], push, axis=1 - axis)
    return shifted


def ripple(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Displace the pixels by waves of 10 to 14 pixels with an amplitude of 4 to 6 pixels."""
    from skimage.transform import warp

    height, width, _ = box.shape
    down, across = np.mgrid[:height, :width].astype(np.float32)
    turn, swing = 2 * np.pi / rng.uniform(10, 14), rng.uniform(4, 6)
    if rng.random() < 0.5:
        across = across + swing * np.sin(turn * down)
    else:
        down = down + swing * np.sin(turn * across)
    rippled: Pixels = np.stack(
        [warp(box[..., channel], np.stack([down, across]), mode="reflect") for channel in range(3)],
        axis=-1,
    ).astype(np.float32)
    return rippled


def fill_flat(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Fill the box with its mean colour."""
    del rng
    return np.broadcast_to(box.mean(axis=(0, 1)), box.shape)


def invert_colours(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Replace every colour by its complement."""
    del rng
    return 1 - box


def paint_rainbow(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Map brightness to hue, so that tones run through the rainbow."""
    from skimage.color import hsv2rgb

    light = box.mean(axis=-1)
    darkest, lightest = np.percentile(light, (2, 98))
    turn = np.clip((light - darkest) / max(lightest - darkest, _MIN_RANGE), 0, 1)
    hue = (rng.random() + 0.8 * turn) % 1
    painted: Pixels = hsv2rgb(np.stack([hue, np.full_like(hue, 0.9), 0.4 + 0.6 * light], axis=-1))
    return np.clip(painted, 0, 1).astype(np.float32)


_MIN_RANGE = 1e-3
"""Smallest brightness range that is divided by."""
