"""What perturbations do to pixels; RGB in, RGB out, and the same result every time.

Strengths and their units are in :mod:`fakebench_suite.tasks.robustness`. Random pixels follow from
the picture and the perturbation alone.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from fakebench_suite.provenance import hash_pixels
from fakebench_suite.tasks.robustness import Perturbation

SIDE = 224
"""Side in pixels to which pictures are brought. FakeBench's generators produce at least 256 x 256
(arXiv 2404.13306, section III), so that every picture of it is made smaller and none larger."""
FORMAT_QUALITY = 95
"""Quality of the JPEG that every picture goes through once, with 4:4:4 chroma."""
_SOCIAL_QUALITY = 75
_FULL_CHROMA, _HALF_CHROMA = 0, 2
"""Pillow's numbers of 4:4:4 and 4:2:0."""
_FRAME, _TITLE = (225, 227, 230), (60, 64, 67)
"""Colours of a window in a screenshot: its frame and its title bar."""


def normalize(image: Image.Image, side: int = SIDE) -> Image.Image:
    """The picture in the format and size of all others, which robustness compares with.

    The largest square at its centre is scaled to ``side`` x ``side`` pixels (Lanczos) and coded
    once as JPEG, whatever it was before: otherwise the files of real photographs, which are JPEG
    mostly, and those of generators, which are PNG mostly, could be told apart by their coding.
    """
    square = ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.LANCZOS)
    return _recode(square, "JPEG", quality=FORMAT_QUALITY, subsampling=_FULL_CHROMA)


def perturb(image: Image.Image, chain: Sequence[Perturbation]) -> Image.Image:
    """The picture after each perturbation in turn; those of prompts change nothing."""
    perturbed = image.convert("RGB")
    for perturbation in chain:
        if not perturbation.changes_prompt:
            perturbed = _OPERATIONS[perturbation.family](perturbed, perturbation)
    return perturbed


def _recode(image: Image.Image, kind: str, **options: int) -> Image.Image:
    content = BytesIO()
    image.save(content, kind, **options)
    with Image.open(content, formats=(kind,)) as coded:
        return coded.convert("RGB")


def _number(perturbation: Perturbation) -> float:
    strength = perturbation.strength
    assert isinstance(strength, float | int)
    return strength


def _code_jpeg(image: Image.Image, perturbation: Perturbation) -> Image.Image:
    quality = round(_number(perturbation))
    return _recode(image, "JPEG", quality=quality, subsampling=_HALF_CHROMA)


def _code_webp(image: Image.Image, perturbation: Perturbation) -> Image.Image:
    return _recode(image, "WEBP", quality=round(_number(perturbation)))


def _scale(image: Image.Image, factor: float, method: Image.Resampling) -> Image.Image:
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, method)


def _resize_down(image: Image.Image, perturbation: Perturbation) -> Image.Image:
    return _scale(image, _number(perturbation), Image.Resampling.LANCZOS)


def _resize_up(image: Image.Image, perturbation: Perturbation) -> Image.Image:
    return _scale(image, _number(perturbation), Image.Resampling.BICUBIC)


def _crop(image: Image.Image, perturbation: Perturbation) -> Image.Image:
    share = _number(perturbation)
    width, height = (max(1, round(side * share)) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _blur(image: Image.Image, perturbation: Perturbation) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(_number(perturbation)))


def _add_noise(image: Image.Image, perturbation: Perturbation) -> Image.Image:
    """Add noise whose seed is a digest of the picture and the perturbation."""
    seed = hashlib.sha256(f"{hash_pixels(image)} {perturbation}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(seed[:8]))
    pixels = np.asarray(image, dtype=np.float64)
    noisy = pixels + rng.normal(0.0, _number(perturbation), pixels.shape)
    return Image.fromarray(np.rint(np.clip(noisy, 0, 255)).astype(np.uint8))


def _change_gamma(image: Image.Image, perturbation: Perturbation) -> Image.Image:
    exponent = _number(perturbation)
    table = [round(255 * (value / 255) ** exponent) for value in range(256)]
    return image.point(table * 3)


def _frame(image: Image.Image, perturbation: Perturbation) -> Image.Image:
    """Put a window around the picture: a frame, and a title bar of twice its width."""
    width = max(1, round(_number(perturbation) * max(image.size)))
    framed = ImageOps.expand(image, (width, 3 * width, width, width), _FRAME)
    framed.paste(_TITLE, (0, 0, framed.width, 2 * width))
    return framed


def _upload(image: Image.Image, perturbation: Perturbation) -> Image.Image:
    longest = _number(perturbation)
    factor = min(1.0, longest / max(image.size))
    scaled = _scale(image, factor, Image.Resampling.LANCZOS) if factor < 1 else image
    return _recode(scaled, "JPEG", quality=_SOCIAL_QUALITY, subsampling=_HALF_CHROMA)


def _flip(image: Image.Image, _: Perturbation) -> Image.Image:
    return ImageOps.mirror(image)


_OPERATIONS: Mapping[str, Callable[[Image.Image, Perturbation], Image.Image]] = MappingProxyType(
    {
        "jpeg": _code_jpeg,
        "webp": _code_webp,
        "resize-down": _resize_down,
        "resize-up": _resize_up,
        "crop": _crop,
        "blur": _blur,
        "noise": _add_noise,
        "gamma": _change_gamma,
        "screenshot-border": _frame,
        "social-media": _upload,
        "flip": _flip,
    }
)
