"""Ten forgeries the suite plants itself, one per criterion, each in a known box.

Every operation is a function of the pixels in the box and a seeded generator. A draw that would
hardly change the picture (blurring a clear sky) is drawn again: a forgery nobody could see is
not one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from skimage.color import hsv2rgb
from skimage.filters import gaussian
from skimage.transform import swirl

from fakebench_suite.sources.photographs import SIDE, Pixels

Operation = Callable[[Pixels, np.random.Generator], Pixels]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels: left and top inside, right and bottom outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def place(self) -> str:
        """Where the middle of the box lies, in words: one of nine places, or the whole image."""
        if self.right - self.left == SIDE and self.bottom - self.top == SIDE:
            return "whole image"
        column = ("left", "centre", "right")[3 * (self.left + self.right) // (2 * SIDE)]
        row = ("upper", "middle", "lower")[3 * (self.top + self.bottom) // (2 * SIDE)]
        return {"middle centre": "centre", "middle left": "left", "middle right": "right"}.get(
            f"{row} {column}", f"{row} {column}"
        )


WHOLE = Box(left=0, top=0, right=SIDE, bottom=SIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """How a criterion is violated: the operation, its clue, and the criteria it leaves intact."""

    criterion: str
    clue: str
    """What a viewer sees; the reference clue is made of it."""
    spares: tuple[str, ...]
    """Criteria that stay exactly as in the photograph; the others may be touched, so unasked."""
    apply: Operation
    whole: bool = False


def repeat_tile(box: Pixels, rng: np.random.Generator) -> Pixels:
    """The box is paved with one small tile of itself, 8 to 12 pixels wide."""
    size = int(rng.integers(8, 13))
    height, width, _ = box.shape
    top, left = int(rng.integers(0, height - size)), int(rng.integers(0, width - size))
    tile = box[top : top + size, left : left + size]
    paved = np.tile(tile, (height // size + 1, width // size + 1, 1))
    return paved[:height, :width]


def add_halos(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Edges are overdrawn four to six times, so that bright and dark halos run along them."""
    soft = gaussian(box, 1.5, channel_axis=-1)
    halos: Pixels = np.clip(box + rng.uniform(4, 6) * (box - soft), 0, 1).astype(np.float32)
    return halos


def blur(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Fine detail is lost under a Gaussian of 3 to 4.5 pixels."""
    soft: Pixels = gaussian(box, rng.uniform(3, 4.5), channel_axis=-1, mode="nearest")
    return soft.astype(np.float32)


def ramp_light(box: Pixels, rng: np.random.Generator) -> Pixels:
    """The light runs from a quarter to 1.9 times its strength across the box."""
    height, width, _ = box.shape
    across = rng.random() < 0.5
    ramp = np.linspace(0.25, 1.9, width if across else height, dtype=np.float32)
    if rng.random() < 0.5:
        ramp = ramp[::-1]
    field = ramp[None, :, None] if across else ramp[:, None, None]
    lit: Pixels = np.clip(box * field, 0, 1)
    return lit


def mirror_half(box: Pixels, rng: np.random.Generator) -> Pixels:
    """One half of the box is the mirror image of the other."""
    mirrored = box.copy()
    if rng.random() < 0.5:
        half = box.shape[1] // 2
        mirrored[:, -half:] = box[:, :half][:, ::-1]
    else:
        half = box.shape[0] // 2
        mirrored[-half:] = box[:half][::-1]
    return mirrored


def shift_strips(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Strips of 5 to 7 pixels are pushed sideways in turn, so that outlines break into steps."""
    width, push = int(rng.integers(5, 8)), int(rng.integers(7, 11))
    axis = int(rng.integers(0, 2))
    shifted = box.copy()
    for start in range(0, box.shape[axis], 2 * width):
        strip = (slice(start, start + width), slice(None))[:: 1 if axis == 0 else -1]
        shifted[strip] = np.roll(box[strip], push, axis=1 - axis)
    return shifted


def swirl_centre(box: Pixels, rng: np.random.Generator) -> Pixels:
    """The content is wound around the middle of the box."""
    strength = rng.uniform(5, 8) * rng.choice([-1.0, 1.0])
    wound: Pixels = swirl(box, strength=strength, radius=min(box.shape[:2]) * 0.7, mode="reflect")
    return wound.astype(np.float32)


def fill_flat(box: Pixels, rng: np.random.Generator) -> Pixels:
    """The content is missing: the box holds its mean colour and nothing else."""
    del rng
    return np.broadcast_to(box.mean(axis=(0, 1)), box.shape)


def invert_colours(box: Pixels, rng: np.random.Generator) -> Pixels:
    """Every colour is replaced by its complement, as in a negative."""
    del rng
    return 1 - box


def cast_colour(box: Pixels, rng: np.random.Generator) -> Pixels:
    """The whole picture is drowned in one saturated hue."""
    tint = hsv2rgb(np.array([rng.random(), 0.9, 1.0]))
    light = box.mean(axis=-1, keepdims=True)
    drowned: Pixels = (0.25 * box + 0.75 * light * tint).astype(np.float32)
    return drowned


FORGERIES: Mapping[str, Forgery] = {
    forgery.criterion: forgery
    for forgery in (
        Forgery(
            criterion="texture",
            clue="one small tile repeats",
            spares=("clarity", "overall tone", "theme"),
            apply=repeat_tile,
        ),
        Forgery(
            criterion="edge",
            clue="halos run along the outlines",
            spares=("layout", "symmetry", "perspective", "distortion", "content deficiency"),
            apply=add_halos,
        ),
        Forgery(
            criterion="clarity",
            clue="the detail is blurred away",
            spares=("layout", "symmetry", "perspective", "overall tone", "distortion"),
            apply=blur,
        ),
        Forgery(
            criterion="light & shadow",
            clue="the light changes where nothing casts a shadow",
            spares=("edge", "clarity", "layout", "perspective", "distortion"),
            apply=ramp_light,
        ),
        Forgery(
            criterion="symmetry",
            clue="one half mirrors the other",
            spares=("clarity", "texture", "overall tone"),
            apply=mirror_half,
        ),
        Forgery(
            criterion="shape",
            clue="the outlines break into shifted strips",
            spares=("clarity", "overall tone", "light & shadow"),
            apply=shift_strips,
        ),
        Forgery(
            criterion="distortion",
            clue="the content is wound around a point",
            spares=("content deficiency", "overall tone", "theme"),
            apply=swirl_centre,
        ),
        Forgery(
            criterion="content deficiency",
            clue="a flat patch stands where content is missing",
            spares=("overall tone", "perspective", "symmetry", "distortion"),
            apply=fill_flat,
        ),
        Forgery(
            criterion="unrealistic",
            clue="the colours are those of a negative",
            spares=("clarity", "layout", "perspective", "distortion"),
            apply=invert_colours,
        ),
        Forgery(
            criterion="overall tone",
            clue="one colour is cast over everything",
            spares=("clarity", "layout", "perspective", "shape", "distortion"),
            apply=cast_colour,
            whole=True,
        ),
    )
}


def plant(image: Pixels, forgery: Forgery, rng: np.random.Generator) -> tuple[Pixels, Box] | None:
    """The image with the forgery in a random box of 40 to 72 pixels a side, and that box.

    None when ten boxes in a row would show a mean change under 0.05 of the full range.
    """
    for _ in range(10):
        box = WHOLE if forgery.whole else _draw_box(rng)
        inside = (slice(box.top, box.bottom), slice(box.left, box.right))
        forged = image.copy()
        forged[inside] = forgery.apply(image[inside], rng)
        if np.abs(forged[inside] - image[inside]).mean() >= _VISIBLE:
            return forged, box
    return None


_VISIBLE = 0.05


def _draw_box(rng: np.random.Generator) -> Box:
    width, height = (int(side) for side in rng.integers(40, 73, size=2))
    left = int(rng.integers(0, SIDE - width + 1))
    top = int(rng.integers(0, SIDE - height + 1))
    return Box(left=left, top=top, right=left + width, bottom=top + height)
