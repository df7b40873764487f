"""Convert a decoded image of any mode to a new 8-bit RGB image on white."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]
"""height x width booleans."""

_WHITE_VALUES = {"I": (255, 65535), "F": (1, 255, 65535)}
"""Possible values of white in modes that do not fix their range."""
_GREY_FACTORS = {"L;2": 85, "L;4": 17}
"""Factors by which Pillow scales grey samples of fewer than 8 bits."""
_TO_8_BITS = np.rint(np.arange(65536) / 65535 * 255).astype(np.uint8)
"""The 8-bit value of each 16-bit sample."""
_BAND_PIXELS = 1_000_000


def to_plain_rgb(
    image: Image.Image, *, raw: str = "", low: Image.Image | None = None
) -> Image.Image:
    """Return a new RGB image with the same pixels on white, without metadata.

    The conversion goes band by band, so that memory holds only one band in other modes. ``raw`` is
    Pillow's name of the sample format in the file, such as ``RGB;16B``, and ``low`` an image of the
    low bytes of 16-bit samples.
    """
    result = Image.new("RGB", image.size)
    if image.mode == "RGB" and "transparency" not in image.info:  # as nearly all are
        result.paste(image)
        return result
    white = _compute_white(image)
    for box in _list_bands(image.size):
        band = image.crop(box)
        converted = _to_rgb(band, white)
        transparent = _compute_transparency(band, raw, None if low is None else low.crop(box))
        if transparent is not None:
            converted.paste((255, 255, 255), mask=Image.fromarray(transparent))
        result.paste(converted, box)
    return result


def _list_bands(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield boxes (left, top, right, bottom) that cover the image in bands of bounded size."""
    width, height = size
    rows = max(1, _BAND_PIXELS // max(1, width))
    for top in range(0, height, rows):
        yield (0, top, width, min(height, top + rows))


def _compute_white(image: Image.Image) -> float:
    """Return the value of white in modes I and F: the smallest range that holds all samples.

    Returns 0 for other modes.
    """
    if image.mode not in _WHITE_VALUES:
        return 0
    maximum = max(
        np.nan_to_num(np.asarray(image.crop(box), dtype=np.float64)).max(initial=0)
        for box in _list_bands(image.size)
    )
    return float(next((limit for limit in _WHITE_VALUES[image.mode] if maximum <= limit), maximum))


def _to_rgb(band: Image.Image, white: float) -> Image.Image:
    """Return one band as 8-bit RGB; ``white`` is the value of white, or 0."""
    if band.mode.startswith("I;16"):
        return Image.fromarray(_TO_8_BITS[np.asarray(band)]).convert("RGB")
    if white:
        samples = np.nan_to_num(np.asarray(band, dtype=np.float64))
        scaled = np.rint(np.clip(samples / white, 0, 1) * 255).astype(np.uint8)
        return Image.fromarray(scaled).convert("RGB")
    indexed = band.mode == "P" and "transparency" in band.info
    if indexed or band.mode in {"LA", "PA", "RGBA", "La", "RGBa"}:
        rgba = band.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return band.convert("RGB")


def _compute_transparency(band: Image.Image, raw: str, low: Image.Image | None) -> Mask | None:
    """Return where the band has its transparent colour; None if it has no such colour.

    The colour has the bit depth of the file, whereas ``band`` has 8 bits.
    """
    colour = band.info.get("transparency")
    if colour is None:
        return None
    samples, mask = np.asarray(band), None
    if isinstance(colour, tuple) and band.mode == "RGB":
        expected = [value >> 8 for value in colour] if low is not None else colour
        mask = (samples == expected).all(axis=-1)
        if low is not None:
            mask &= (np.asarray(low) == [value & 255 for value in colour]).all(axis=-1)
    elif isinstance(colour, int) and (band.mode in {"1", "L"} or band.mode.startswith("I;16")):
        mask = samples == (bool(colour) if band.mode == "1" else colour * _GREY_FACTORS.get(raw, 1))
    return mask
