"""PNG files are read by Pillow as the pixels that they were made of."""

import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image

from fakebench_suite.backends.openai.png import encode_png
from fakebench_suite.datasets.probes.photographs import load_photograph

SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=40).map(lambda sides: (*sides, 3))


def read(content: bytes) -> Image.Image:
    """The image, every checksum of which Pillow verified."""
    with Image.open(BytesIO(content)) as image:
        image.verify()
    image = Image.open(BytesIO(content))
    image.load()
    return image


@given(SHAPES.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 255))))
def test_pixels_are_kept(pixels: NDArray[np.uint8]) -> None:
    """Of any shape, and nothing but the pixels is in the file."""
    image = read(encode_png(pixels))
    assert (image.format, image.mode, image.info) == ("PNG", "RGB", {})
    assert (np.asarray(image) == pixels).all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_may_be_laid_out_in_any_way(order: str) -> None:
    """A view, such as of every second pixel, is written as it looks."""
    noise = np.random.default_rng(0).integers(0, 256, (31, 64, 3), dtype=np.uint8)
    pixels = np.asarray(noise[:, ::2], order=order)  # type: ignore[call-overload]  # of two strings
    assert (np.asarray(read(encode_png(pixels))) == noise[:, ::2]).all()


def test_a_photograph_is_little_larger_than_with_pillow() -> None:
    """Requests carry it once per prompt."""
    photograph = load_photograph("chelsea.png").resize((512, 512))
    stream = BytesIO()
    photograph.save(stream, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    content = encode_png(np.asarray(photograph))
    assert (np.asarray(read(content)) == np.asarray(photograph)).all()
    assert len(content) < 1.15 * len(stream.getvalue())
