"""A decoded picture of any mode -> a fresh one of 8-bit RGB, on white."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Mask = NDArray[np.bool_]

_WHITE_VALUES = {"I": (255, 65535), "F": (1, 255, 65535)}
"""What may stand for white in modes that do not say how deep they are."""
_GREY_FACTORS = {"L;2": 85, "L;4": 17}
"""Grey of fewer than 8 bits: what Pillow multiplies its samples by."""
_TO_8_BITS = np.rint(np.arange(65536) / 65535 * 255).astype(np.uint8)
"""The 8 bits of each sample of 16."""
_BAND_PIXELS = 1_000_000


def to_plain_rgb(
    picture: Image.Image, *, raw: str = "", low: Image.Image | None = None
) -> Image.Image:
    """A new RGB picture with the same pixels, laid on white, and no metadata.

    It is made band by band, so that no more than a band exists in other forms. ``raw`` is how
    Pillow calls the samples in the file, ``low`` the lower halves of 16-bit ones.
    """
    whole = Image.new("RGB", picture.size)
    full = _compute_white(picture)
    for box in _list_bands(picture.size):
        band = picture.crop(box)
        part = _to_rgb(band, full)
        clear = _compute_transparency(band, raw, None if low is None else low.crop(box))
        if clear is not None:
            part.paste((255, 255, 255), mask=Image.fromarray(clear))
        whole.paste(part, box)
    return whole


def _list_bands(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    width, height = size
    rows = max(1, _BAND_PIXELS // max(1, width))
    for top in range(0, height, rows):
        yield (0, top, width, min(height, top + rows))


def _compute_white(picture: Image.Image) -> float:
    """What is white in a picture of I or F: the least range that holds the samples; 0 in others."""
    if picture.mode not in _WHITE_VALUES:
        return 0
    most = max(
        np.nan_to_num(np.asarray(picture.crop(box), dtype=np.float64)).max(initial=0)
        for box in _list_bands(picture.size)
    )
    return float(next((top for top in _WHITE_VALUES[picture.mode] if most <= top), most))


def _to_rgb(band: Image.Image, full: float) -> Image.Image:
    if band.mode.startswith("I;16"):
        return Image.fromarray(_TO_8_BITS[np.asarray(band)]).convert("RGB")
    if full:
        samples = np.nan_to_num(np.asarray(band, dtype=np.float64))
        scaled = np.rint(np.clip(samples / full, 0, 1) * 255).astype(np.uint8)
        return Image.fromarray(scaled).convert("RGB")
    indexed = band.mode == "P" and "transparency" in band.info
    if indexed or band.mode in {"LA", "PA", "RGBA", "La", "RGBa"}:
        layer = band.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return band.convert("RGB")


def _compute_transparency(band: Image.Image, raw: str, low: Image.Image | None) -> Mask | None:
    """Where the one colour lies that stands for clear; None where there is no such colour.

    The colour is written as deep as the file's samples are, of which Pillow makes 8 bits.
    """
    key, samples = band.info.get("transparency"), np.asarray(band)
    clear: Mask | None = None
    if isinstance(key, tuple) and band.mode == "RGB":
        upper = [value >> 8 for value in key] if low is not None else key
        clear = (samples == upper).all(axis=-1)
        if low is not None:
            clear &= (np.asarray(low) == [value & 255 for value in key]).all(axis=-1)
    elif isinstance(key, int) and (band.mode in {"1", "L"} or band.mode.startswith("I;16")):
        clear = samples == (bool(key) if band.mode == "1" else key * _GREY_FACTORS.get(raw, 1))
    return clear
