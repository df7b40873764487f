"""Read the boxes of a reply, and say where they lie.

Boxes are lists of numbers in JSON, with or without names around them, ``(x, y), (x, y)`` and
``<box>(x,y),(x,y)</box>``. What cannot be read by the format and scale of the model's card is
unparsed: nothing is guessed, for a box on another scale would be a wrong place.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.language.refusals import find_refusal
from fakebench_suite.tasks.boxes import BoxFormat, BoxScale, BoxStyle
from fakebench_suite.types import BoundingBox, Point, Region

_MAX_LENGTH = 20_000
"""Characters of a reply that are read."""
_MAX_BOXES = 200
_NUMBER = r"[-+]?\d{1,7}(?:\.\d{0,12})?%?"
_SEPARATOR = r"[ \t\r\n]{0,20},[ \t\r\n]{0,20}"
_LIST = re.compile(
    rf"[\[(][ \t\r\n]{{0,20}}({_NUMBER}(?:{_SEPARATOR}{_NUMBER}){{1,7}})[ \t\r\n]{{0,20}},?"
    r"[ \t\r\n]{0,20}[\])]"
)
"""A list of two to eight numbers in brackets, with no list inside."""
_ATTRIBUTES = re.compile(rf'\bx="({_NUMBER})" {{1,5}}y="({_NUMBER})"')
"""A point as attributes of a tag."""
_EMPTY = re.compile(r"\[\s{0,20}\]")
_NONE = re.compile(
    r"\A\W*(?:there (?:is|are) )?(?:none|nothing|no (?:\w+ ){0,3}"
    r"(?:box(?:es)?|part|parts|region|regions|area|areas|point|points|sign|signs|evidence))\b"
)
_FULL = {BoxScale.UNIT: 1.0, BoxScale.PERCENT: 100.0, BoxScale.THOUSAND: 1000.0}
_SLACK = 0.02
"""Share of the scale by which a coordinate may exceed it: models round."""
_CORNERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedBoxes:
    """The boxes of a reply in pixels, which may be none; None, and why, where it is unreadable."""

    boxes: tuple[BoundingBox, ...] | None
    reason: str = ""
    is_refused: bool = False


def parse_boxes(text: str, style: BoxStyle, size: tuple[int, int]) -> ParsedBoxes:
    """The boxes of a visible reply about a picture of this size: width and height in pixels."""
    text = text[:_MAX_LENGTH]
    rows = list(_list_rows(text, points=style.format is BoxFormat.POINT))
    if not rows:
        return _parse_none(text)
    boxes = []
    for row in rows[:_MAX_BOXES]:
        box = _to_pixels(_order(row, style.format), style, size)
        if box is None:
            shown = ", ".join(f"{number:g}" for number in row)
            return ParsedBoxes(
                boxes=None,
                reason=f"[{shown}] is no {style.format} on the scale {style.scale} that lies in an "
                f"image of {size[0]} x {size[1]} pixels",
            )
        boxes.append(box)
    return ParsedBoxes(boxes=tuple(dict.fromkeys(boxes)))


def _parse_none(text: str) -> ParsedBoxes:
    plain = clean_text(text)
    if _EMPTY.search(text) or _NONE.match(plain):
        return ParsedBoxes(boxes=())
    if (refusal := find_refusal(plain)) is not None:
        return ParsedBoxes(boxes=None, reason=repr(refusal), is_refused=True)
    return ParsedBoxes(boxes=None, reason="the reply has no list of coordinates")


def _list_rows(text: str, *, points: bool) -> Iterator[tuple[float, ...]]:
    """Yield the numbers of each box or point; two pairs in a row are the corners of a box."""
    length = 2 if points else _CORNERS
    if points:
        yield from (_to_numbers(match.groups()) for match in _ATTRIBUTES.finditer(text))
    corner: tuple[float, ...] = ()
    for match in _LIST.finditer(text):
        row = _to_numbers(match[1].split(","))
        if len(row) == length:
            corner = ()
            yield row
        elif len(row) == 2 and not points:
            corner = (*corner, *row)
            if len(corner) == _CORNERS:
                yield corner
                corner = ()


def _to_numbers(texts: Sequence[str]) -> tuple[float, ...]:
    return tuple(float(text.strip().rstrip("%")) for text in texts)


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


def _to_pixels(box: BoundingBox, style: BoxStyle, size: tuple[int, int]) -> BoundingBox | None:
    """The box in pixels, within the image; None where it lies outside, or has no inside."""
    full = _FULL.get(style.scale)
    wide, high = size if full is None else (full, full)
    left, top, right, bottom = box
    if style.format is not BoxFormat.POINT and (left >= right or top >= bottom):
        return None
    if min(left / wide, top / high) < -_SLACK or max(right / wide, bottom / high) > 1 + _SLACK:
        return None
    across, down = size[0] / wide, size[1] / high
    return (
        max(0.0, left * across),
        max(0.0, top * down),
        min(float(size[0]), right * across),
        min(float(size[1]), bottom * down),
    )


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
