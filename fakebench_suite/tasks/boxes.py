"""How models write boxes, which differs from one to the next, and how they are asked for them."""

from dataclasses import dataclass
from enum import StrEnum


class BoxFormat(StrEnum):
    """The order of the numbers of a box."""

    XYXY = "xyxy"
    """Left, top, right, bottom."""
    XYWH = "xywh"
    """Left, top, width, height."""
    YXYX = "yxyx"
    """Top, left, bottom, right."""
    POINT = "point"
    """x and y of a point, which has no size."""


class BoxScale(StrEnum):
    """What coordinates are counted in, from the upper left corner."""

    UNIT = "unit"
    """Shares of the image's width and height, from 0 to 1."""
    PERCENT = "percent"
    """From 0 to 100."""
    THOUSAND = "thousand"
    """From 0 to 1000."""
    PIXELS = "pixels"
    """Pixels of the image as the suite shows it. Models that resize it count others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxStyle:
    """How a model writes boxes."""

    format: BoxFormat
    scale: BoxScale


DEFAULT_BOXES = BoxStyle(format=BoxFormat.XYXY, scale=BoxScale.UNIT)
"""What a model is asked for whose card says nothing."""
_SHAPES = {
    BoxFormat.XYXY: "bounding boxes [left, top, right, bottom]",
    BoxFormat.XYWH: "bounding boxes [left, top, width, height]",
    BoxFormat.YXYX: "bounding boxes [top, left, bottom, right]",
    BoxFormat.POINT: "points [x, y]",
}
_SCALES = {
    BoxScale.UNIT: "as shares of the image's width and height, from 0 to 1",
    BoxScale.PERCENT: "in percent of the image's width and height, from 0 to 100",
    BoxScale.THOUSAND: "on a scale from 0 to 1000 over the image's width and height",
    BoxScale.PIXELS: "in pixels of the image",
}


def format_box_request(style: BoxStyle) -> str:
    """The sentences that ask for boxes in this format and on this scale."""
    return (
        f"Answer with a JSON list of {_SHAPES[style.format]}, one for each part that shows it, the "
        f"clearest one first. Coordinates are {_SCALES[style.scale]}, from the upper left corner. "
        "If no part shows it, answer with an empty list, []."
    )
