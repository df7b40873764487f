"""The photographs of the probes: real ones that scikit-image and scikit-learn ship.

They are read from the installed wheels; nothing is downloaded or copied. Train and test photographs
are disjoint; both views of the motorcycle scene are train photographs.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float32]
"""An image as height x width x 3 floats in 0..1."""

PROBE_SIZE = 128
"""Side of a probe image in pixels."""

_SKIMAGE, _SKLEARN = "skimage/data", "sklearn/datasets/images"
TRAIN_PHOTOGRAPHS = {
    "astronaut.png": _SKIMAGE,
    "brick.png": _SKIMAGE,
    "cell.png": _SKIMAGE,
    "china.jpg": _SKLEARN,
    "clock_motion.png": _SKIMAGE,
    "coffee.png": _SKIMAGE,
    "coins.png": _SKIMAGE,
    "grass.png": _SKIMAGE,
    "gravel.png": _SKIMAGE,
    "hubble_deep_field.jpg": _SKIMAGE,
    "ihc.png": _SKIMAGE,
    "moon.png": _SKIMAGE,
    "motorcycle_left.png": _SKIMAGE,
    "motorcycle_right.png": _SKIMAGE,
    "page.png": _SKIMAGE,
    "retina.jpg": _SKIMAGE,
    "text.png": _SKIMAGE,
}
"""File name -> directory of the photographs that the embedded model is trained on."""
TEST_PHOTOGRAPHS = {
    "camera.png": _SKIMAGE,
    "chelsea.png": _SKIMAGE,
    "flower.jpg": _SKLEARN,
    "rocket.jpg": _SKIMAGE,
}
"""File name -> directory of the photographs that the probes are made of."""


def locate_photograph(name: str) -> Path:
    """Return the file of a photograph; raises KeyError if the name is not listed here."""
    package, _, folder = (TRAIN_PHOTOGRAPHS | TEST_PHOTOGRAPHS)[name].partition("/")
    # The packages are located but not imported, because sklearn.datasets loads pandas.
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / folder / name


@cache
def load_photograph(name: str) -> Image.Image:
    """Load a photograph by file name as RGB; raises KeyError if the name is not listed here."""
    return Image.open(locate_photograph(name)).convert("RGB")


def sample_square(name: str, rng: np.random.Generator) -> Pixels:
    """Sample a square of a photograph, at least PROBE_SIZE wide, scaled to PROBE_SIZE.

    Returns PROBE_SIZE x PROBE_SIZE x 3 floats in 0..1.
    """
    photograph = load_photograph(name)
    shorter = min(photograph.size)
    side = int(rng.integers(PROBE_SIZE, min(shorter, 3 * PROBE_SIZE) + 1))
    left = int(rng.integers(0, photograph.width - side + 1))
    top = int(rng.integers(0, photograph.height - side + 1))
    square = photograph.crop((left, top, left + side, top + side))
    scaled = square.resize((PROBE_SIZE, PROBE_SIZE), Image.Resampling.LANCZOS)
    return np.asarray(scaled, dtype=np.float32) / np.float32(255)
