"""Regions as data sets write them, and whether they lie in their image.

Data sets give boxes as x, y, width and height, outlines as ``[x1, y1, x2, y2, ...]`` or as a list
of points; all of them become a :class:`~fakebench_suite.types.Region`.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from fakebench_suite.errors import DataError, ImageError
from fakebench_suite.types import Case, Point, Region

if TYPE_CHECKING:
    from PIL import Image

_MIN_POINTS = 3
_TOLERANCE = 0.02
"""Share of a side by which a region may exceed the image: people draw over the edge."""
_MIN_TOLERANCE = 2.0
"""The same in pixels, for small images."""

OpenImage = Callable[[Case], "Image.Image"]


def parse_box(value: object, *, location: str) -> Region:
    """The region of ``[x, y, width, height]`` in pixels; raises DataError if it is none."""
    numbers = _parse_numbers(value, location=location)
    if len(numbers) != 4 or min(numbers[2:]) <= 0:
        raise DataError(
            f"{location} is {_shorten(value)}; it must be [x, y, width, height] in pixels, with a "
            "width and a height above 0."
        )
    left, top, width, height = numbers
    return Region(box=(left, top, left + width, top + height))


def parse_flat_polygon(value: object, *, location: str) -> tuple[Point, ...]:
    """The outline of ``[x1, y1, x2, y2, ...]`` in pixels; raises DataError if it is none."""
    numbers = _parse_numbers(value, location=location)
    if len(numbers) % 2:
        raise DataError(
            f"{location} has {len(numbers)} numbers; it must be [x1, y1, x2, y2, ...] in pixels."
        )
    return _check_polygon(list(zip(numbers[::2], numbers[1::2], strict=True)), location=location)


def parse_points(value: object, *, location: str) -> tuple[Point, ...]:
    """The outline of ``[[x1, y1], [x2, y2], ...]`` in pixels; raises DataError if it is none."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise DataError(f"{location} is {_shorten(value)}; it must be a list of points [x, y].")
    points = [_parse_numbers(point, location=location) for point in value]
    if any(len(point) != 2 for point in points):
        raise DataError(f"{location} has a point that is no pair [x, y].")
    return _check_polygon([(point[0], point[1]) for point in points], location=location)


def find_box(polygons: Iterable[Sequence[Point]]) -> tuple[float, float, float, float]:
    """The smallest box around the polygons: left, top, right, bottom."""
    points = [point for polygon in polygons for point in polygon]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def check_regions(regions: Iterable[Region], size: tuple[int, int], *, image: str) -> None:
    """Raise ImageError where a region does not lie in the image; ``size`` is width, height."""
    slack = [max(_MIN_TOLERANCE, _TOLERANCE * side) for side in size]
    for region in regions:
        left, top, right, bottom = region.box
        inside_x = -slack[0] <= left < size[0] and 0 < right <= size[0] + slack[0]
        inside_y = -slack[1] <= top < size[1] and 0 < bottom <= size[1] + slack[1]
        if not (inside_x and inside_y):
            box = ", ".join(f"{place:g}" for place in region.box)
            raise ImageError(
                f"{image} has {size[0]} x {size[1]} pixels, and its region ({box}) does not lie in "
                "it. Put the image there that the region was drawn on, or correct the region."
            )


def check_opened(open_image: OpenImage, cases: Iterable[Case]) -> OpenImage:
    """The same function, which raises ImageError too where a region lies outside the image.

    An image is opened once for all cases on it, so the regions of all of them are checked.
    """
    regions: dict[str, list[Region]] = {}
    for case in cases:
        if case.regions:
            regions.setdefault(case.image, []).extend(case.regions)

    def open_checked(case: Case) -> "Image.Image":
        image = open_image(case)
        check_regions(regions.get(case.image, ()), image.size, image=case.image)
        return image

    return open_checked


def _parse_numbers(value: object, *, location: str) -> list[float]:
    """Finite numbers of a list or an array."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        numbers = [
            float(item)
            for item in value
            if isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item)
        ]
        if len(numbers) == len(value):
            return numbers
    raise DataError(f"{location} is {_shorten(value)}; it must be a list of numbers.")


def _check_polygon(points: Sequence[Point], *, location: str) -> tuple[Point, ...]:
    if len(points) < _MIN_POINTS:
        raise DataError(f"{location} has {len(points)} points; an outline needs at least three.")
    left, top, right, bottom = find_box([points])
    if left == right or top == bottom:
        raise DataError(f"{location} is a line and encloses nothing; correct its points.")
    return tuple(points)


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
