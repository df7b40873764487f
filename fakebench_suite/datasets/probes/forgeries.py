"""Ten forgeries, one per criterion, each planted in a known box.

A forgery that hardly changes the image, such as blur in a clear sky, is rejected and drawn again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from fakebench_suite.datasets.probes import operations
from fakebench_suite.datasets.probes.photographs import PROBE_SIZE, Pixels

Operation = Callable[[Pixels, np.random.Generator], Pixels]
"""(pixels of a box, seeded generator) -> forged pixels of the same shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels; left and top are inclusive, right and bottom exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def position_name(self) -> str:
        """Position of the box's centre in words: one of nine, or the whole image."""
        if self.right - self.left == PROBE_SIZE and self.bottom - self.top == PROBE_SIZE:
            return "whole image"
        column = ("left", "centre", "right")[3 * (self.left + self.right) // (2 * PROBE_SIZE)]
        row = ("upper", "middle", "lower")[3 * (self.top + self.bottom) // (2 * PROBE_SIZE)]
        return {"middle centre": "centre", "middle left": "left", "middle right": "right"}.get(
            f"{row} {column}", f"{row} {column}"
        )


MAX_ATTEMPTS = 10
"""Boxes that are sampled in one image before another image is taken."""
WHOLE_IMAGE = Box(left=0, top=0, right=PROBE_SIZE, bottom=PROBE_SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeryKind:
    """An operation that violates a criterion, its clue, and the criteria it does not affect."""

    criterion: str
    clue: str
    """What a viewer sees; part of the reference clue."""
    unaffected_criteria: tuple[str, ...]
    """Criteria that stay exactly as in the photograph; no question is asked about the others."""
    apply: Operation
    covers_image: bool = False
    """Whether the operation covers the whole image."""


FORGERIES: Mapping[str, ForgeryKind] = {
    forgery.criterion: forgery
    for forgery in (
        ForgeryKind(
            criterion="texture",
            clue="one small tile repeats",
            unaffected_criteria=("clarity", "overall tone", "theme"),
            apply=operations.repeat_tile,
        ),
        ForgeryKind(
            criterion="edge",
            clue="halos run along the outlines",
            unaffected_criteria=(
                "layout",
                "symmetry",
                "perspective",
                "distortion",
                "content deficiency",
            ),
            apply=operations.add_halos,
        ),
        ForgeryKind(
            criterion="clarity",
            clue="the detail is blurred away",
            unaffected_criteria=("layout", "symmetry", "perspective", "overall tone", "distortion"),
            apply=operations.blur,
        ),
        ForgeryKind(
            criterion="light & shadow",
            clue="bands of light and dark run where nothing casts a shadow",
            unaffected_criteria=("clarity", "layout", "perspective", "distortion"),
            apply=operations.band_light,
        ),
        ForgeryKind(
            criterion="perspective",
            clue="everything is stretched one way",
            unaffected_criteria=("overall tone", "theme"),
            apply=operations.stretch_strip,
        ),
        ForgeryKind(
            criterion="shape",
            clue="the outlines break into shifted strips",
            unaffected_criteria=("clarity", "overall tone", "light & shadow"),
            apply=operations.shift_strips,
        ),
        ForgeryKind(
            criterion="distortion",
            clue="the content runs in waves",
            unaffected_criteria=("content deficiency", "overall tone", "theme"),
            apply=operations.ripple,
        ),
        ForgeryKind(
            criterion="content deficiency",
            clue="a flat patch stands where content is missing",
            unaffected_criteria=("overall tone", "perspective", "symmetry", "distortion"),
            apply=operations.fill_flat,
        ),
        ForgeryKind(
            criterion="unrealistic",
            clue="the colours are those of a negative",
            unaffected_criteria=("clarity", "layout", "perspective", "distortion"),
            apply=operations.invert_colours,
        ),
        ForgeryKind(
            criterion="overall tone",
            clue="the tones run through the rainbow",
            unaffected_criteria=("layout", "perspective", "shape", "distortion"),
            apply=operations.paint_rainbow,
            covers_image=True,
        ),
    )
}
"""The forgeries by criterion."""


def apply_forgery(
    image: Pixels, forgery: ForgeryKind, rng: np.random.Generator, *, tries: int = MAX_ATTEMPTS
) -> tuple[Pixels, Box] | None:
    """Plant a forgery in a random box of 48 to 80 pixels a side; return the image and the box.

    Returns None if ``tries`` boxes in a row change their pixels by less than _MIN_MEAN_CHANGE on
    average.
    """
    for _ in range(tries):
        box = sample_box(forgery, rng)
        inside = (slice(box.top, box.bottom), slice(box.left, box.right))
        forged = image.copy()
        forged[inside] = forgery.apply(image[inside], rng)
        if np.abs(forged[inside] - image[inside]).mean() >= _MIN_MEAN_CHANGE:
            return forged, box
    return None


_MIN_MEAN_CHANGE = 0.07
"""Smallest mean change of a visible forgery, as a share of the full range."""


def sample_box(forgery: ForgeryKind, rng: np.random.Generator) -> Box:
    """Sample the box of a forgery: the whole image, or 48 to 80 pixels a side inside it."""
    if forgery.covers_image:
        return WHOLE_IMAGE
    width, height = (int(side) for side in rng.integers(48, 81, size=2))
    left = int(rng.integers(0, PROBE_SIZE - width + 1))
    top = int(rng.integers(0, PROBE_SIZE - height + 1))
    return Box(left=left, top=top, right=left + width, bottom=top + height)
