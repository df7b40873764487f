"""Read the boxes of a reply, and say where they lie.

Boxes are lists of numbers in JSON, with or without names around them, ``(x, y), (x, y)``,
``<box>(x,y),(x,y)</box>`` and location tokens. What cannot be read by the format and scale of the
model's card is unparsed: nothing is guessed, for a box on another scale would be a wrong place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fakebench_suite.grading.coordinates import CORNERS, CoordinateList, list_coordinates
from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.language.refusals import find_refusal
from fakebench_suite.grading.no_box_replies import says_no_box
from fakebench_suite.tasks.boxes import BoxFormat, BoxScale, BoxStyle
from fakebench_suite.types import BoundingBox, Point, Region

_MAX_LENGTH = 20_000
"""Characters of a reply that are read."""
_MAX_BOXES = 200
_FULL = {BoxScale.UNIT: 1.0, BoxScale.PERCENT: 100.0, BoxScale.THOUSAND: 1000.0}
_SLACK = 0.02
"""Share of the scale by which a coordinate may exceed it: models round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedBoxes:
    """The boxes of a reply in pixels, which may be none; None, and why, where it is unreadable."""

    boxes: tuple[BoundingBox, ...] | None
    reason: str = ""
    is_refused: bool = False


def parse_boxes(text: str, style: BoxStyle, size: tuple[int, int]) -> ParsedBoxes:
    """The boxes of a visible reply about a picture of this size: width and height in pixels.

    All of them lie in the picture, and have an inside unless the style is that of points. A list on
    another scale or in another order leaves the whole reply unparsed, because the others are then
    in doubt. A box that is a line is left out where there are others.
    """
    text = text[:_MAX_LENGTH]
    points = style.format is BoxFormat.POINT
    found = list_coordinates(text, points=points)
    length = 2 if points else CORNERS
    rows = [row for row in found if len(row.numbers) == length]
    if not points:
        rows += (row for row in found if len(row.numbers) > CORNERS)  # An outline, which is none.
    if not rows:
        return _parse_none(text, found, style)
    boxes, reason = [], ""
    for row in rows[:_MAX_BOXES]:
        fault = _find_fault(row, style, size)
        box = None if fault else _to_pixels(row, style, size)
        if fault:
            return ParsedBoxes(boxes=None, reason=f"{_format_numbers(row)} {fault}")
        if box is None:
            form = _form_of(row, style)
            reason = f"{_format_numbers(row)} is no {form}: it has no inside within the image"
        else:
            boxes.append(box)
    return ParsedBoxes(boxes=tuple(dict.fromkeys(boxes)) if boxes else None, reason=reason)


def _parse_none(text: str, found: Sequence[CoordinateList], style: BoxStyle) -> ParsedBoxes:
    if says_no_box(text):
        return ParsedBoxes(boxes=())
    if (refusal := find_refusal(clean_text(text))) is not None:
        return ParsedBoxes(boxes=None, reason=repr(refusal), is_refused=True)
    if found:
        length = 2 if style.format is BoxFormat.POINT else CORNERS
        return ParsedBoxes(
            boxes=None,
            reason=f"a list of {len(found[0].numbers)} numbers is no {style.format}, which has "
            f"{length}",
        )
    return ParsedBoxes(boxes=None, reason="the reply has no list of coordinates")


def _format_numbers(row: CoordinateList) -> str:
    unit = "%" if row.scale is BoxScale.PERCENT and not row.is_mixed else ""
    return f"[{', '.join(f'{number:g}{unit}' for number in row.numbers)}]"


def _form_of(row: CoordinateList, style: BoxStyle) -> BoxFormat:
    return row.format or style.format


def _find_fault(row: CoordinateList, style: BoxStyle, size: tuple[int, int]) -> str:
    """Why a list cannot be one of the style, as the predicate of a sentence; empty where it can."""
    form, scale = _form_of(row, style), row.scale or style.scale
    if style.format is not BoxFormat.POINT and len(row.numbers) != CORNERS:
        return f"is a list of {len(row.numbers)} numbers, and a box has {CORNERS}"
    if row.is_mixed:
        return "has percentages and other numbers"
    if scale is not BoxScale.UNIT and 0 < max(map(abs, row.numbers)) <= 1:
        # Shares of 0 to 1 are far likelier than a box of less than a pixel in the corner.
        return f"has no number above 1, so it is hardly on the scale {scale}"
    left, top, right, bottom = _order(row.numbers, form)
    if left > right:
        return f"is no {form}: its left is not below its right"
    if top > bottom:
        return f"is no {form}: its top is not above its bottom"
    wide, high = _measure_scale(scale, size)
    if min(left / wide, top / high) < -_SLACK or max(right / wide, bottom / high) > 1 + _SLACK:
        if scale is BoxScale.PIXELS:
            return f"reaches beyond the image of {size[0]} x {size[1]} pixels as {form}"
        return f"reaches beyond the scale {scale}, from 0 to {wide:g}, as {form}"
    return ""


def _measure_scale(scale: BoxScale, size: tuple[int, int]) -> tuple[float, float]:
    """The width and the height of the picture on a scale."""
    full = _FULL.get(scale)
    return (float(size[0]), float(size[1])) if full is None else (full, full)


def _order(row: Sequence[float], form: BoxFormat) -> BoundingBox:
    """Left, top, right and bottom, on the scale of the reply."""
    if form is BoxFormat.POINT:
        return row[0], row[1], row[0], row[1]
    first, second, third, fourth = row
    if form is BoxFormat.XYWH:
        return first, second, first + third, second + fourth
    if form is BoxFormat.YXYX:
        return second, first, fourth, third
    return first, second, third, fourth


def _to_pixels(row: CoordinateList, style: BoxStyle, size: tuple[int, int]) -> BoundingBox | None:
    """The box in pixels, cut off at the image; None where nothing of it is left inside."""
    wide, high = _measure_scale(row.scale or style.scale, size)
    across, down = size[0] / wide, size[1] / high
    left, top, right, bottom = _order(row.numbers, _form_of(row, style))
    left, right = (min(max(0.0, x * across), float(size[0])) for x in (left, right))
    top, bottom = (min(max(0.0, y * down), float(size[1])) for y in (top, bottom))
    if style.format is not BoxFormat.POINT and (left >= right or top >= bottom):
        return None
    return left, top, right, bottom


def find_centre(box: BoundingBox) -> Point:
    """The centre of a box."""
    left, top, right, bottom = box
    return (left + right) / 2, (top + bottom) / 2


def lies_in(point: Point, region: Region) -> bool:
    """Whether a point lies in a region: in one of its outlines, or in its box if it has none."""
    x, y = point
    left, top, right, bottom = region.box
    if not (left <= x <= right and top <= y <= bottom):
        return False
    return not region.polygons or any(_is_inside(x, y, outline) for outline in region.polygons)


def _is_inside(x: float, y: float, outline: Sequence[Point]) -> bool:
    """Whether a ray to the right crosses the outline an odd number of times."""
    inside = False
    for (x1, y1), (x2, y2) in zip(outline, (*outline[1:], outline[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside
