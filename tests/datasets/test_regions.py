"""Regions: from what data sets write to boxes and outlines that lie in their image."""

from typing import Any

import pytest
from PIL import Image

from fakebench_suite.datasets.regions import (
    check_opened,
    check_regions,
    find_box,
    parse_box,
    parse_flat_polygon,
    parse_points,
)
from fakebench_suite.errors import DataError, ImageError
from fakebench_suite.types import Case, QuestionType, Region, Task

TRIANGLE = ((1.0, 2.0), (5.0, 2.0), (3.0, 8.0))


def make_case(name: str, *boxes: tuple[float, float, float, float]) -> Case:
    """A case on ``image.png`` with these boxes."""
    return Case(
        id=name,
        task=Task.INTERPRETATION,
        image="image.png",
        question="Why?",
        question_type=QuestionType.FAULTFINDING,
        regions=tuple(Region(box=box) for box in boxes),
    )


def test_a_box_is_a_corner_and_a_size() -> None:
    """LOKI crops x, y, x + width, y + height."""
    region = parse_box([341.5, 271.25, 168, 53.5], location="row 1")
    assert region == Region(box=(341.5, 271.25, 509.5, 324.75))


def test_outlines_are_read_flat_and_as_points() -> None:
    """Both spellings are the same outline, and its box is the smallest."""
    flat = [number for point in TRIANGLE for number in point]
    assert parse_flat_polygon(flat, location="row 1") == TRIANGLE
    assert parse_points([list(point) for point in TRIANGLE], location="row 1") == TRIANGLE
    assert find_box([TRIANGLE, ((0, 3), (2, 3), (2, 4))]) == (0, 2, 5, 8)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2, 3], r"row 1 is \[1, 2, 3\]; it must be \[x, y, width, height\]"),
        ([1, 2, 0, 5], "width and a height above 0"),
        ([1, 2, 5, -5], "width and a height above 0"),
        ([1, 2, 5, float("nan")], "must be a list of numbers"),
        ([1, 2, 5, True], "must be a list of numbers"),
        ("1234", "row 1 is '1234'; it must be a list of numbers"),
        (None, "must be a list of numbers"),
        (["x" * 90, 1, 2, 3], r"\.\.\.; it must be a list of numbers"),
    ],
)
def test_what_is_no_box_is_a_sentence(value: Any, message: str) -> None:
    """Before an image is opened."""
    with pytest.raises(DataError, match=message):
        parse_box(value, location="row 1")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2, 3, 4, 5], "has 5 numbers"),
        ([1, 2, 3, 4], "has 2 points; an outline needs at least three"),
        ([1, 2, 1, 3, 1, 9], "is a line and encloses nothing"),
        ([], "has 0 points"),
    ],
)
def test_what_is_no_flat_outline_is_a_sentence(value: Any, message: str) -> None:
    """As for a box."""
    with pytest.raises(DataError, match=message):
        parse_flat_polygon(value, location="row 1")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("abc", "must be a list of points"),
        ([[1, 2], [3, 4], [5]], "a point that is no pair"),
        ([[1, 2], 3, [5, 6]], "must be a list of numbers"),
        ([[1, 2], [3, 4]], "has 2 points"),
    ],
)
def test_what_are_no_points_is_a_sentence(value: Any, message: str) -> None:
    """As for a box."""
    with pytest.raises(DataError, match=message):
        parse_points(value, location="row 1")


@pytest.mark.parametrize("box", [(0, 0, 100, 50), (-2, -1, 102, 51), (90, 40, 101, 50)])
def test_a_region_may_exceed_its_image_a_little(box: tuple[float, float, float, float]) -> None:
    """People draw over the edge; so much is 2 pixels here, and 20 of a side of 1,000."""
    check_regions([Region(box=box)], (100, 50), image="image.png")
    check_regions([Region(box=(0, 0, 1019, 50))], (1000, 50), image="image.png")


@pytest.mark.parametrize(
    "box", [(0, 0, 103, 50), (0, 0, 100, 60), (-3, 0, 5, 5), (100, 0, 101, 5), (0, -9, 5, 0)]
)
def test_a_region_outside_its_image_is_an_error(box: tuple[float, float, float, float]) -> None:
    """The image is another one than the region was drawn on."""
    with pytest.raises(ImageError, match=r"image\.png has 100 x 50 pixels, and its region \("):
        check_regions([Region(box=box)], (100, 50), image="image.png")


def test_an_image_is_checked_against_the_regions_of_all_its_cases() -> None:
    """It is opened once, for the first of them."""
    first, second = make_case("first"), make_case("second", (0, 0, 5, 5), (50, 50, 60, 60))
    opened = check_opened(lambda _: Image.new("RGB", (20, 20)), [first, second])
    with pytest.raises(ImageError, match=r"its region \(50, 50, 60, 60\) does not lie in it"):
        opened(first)
    assert check_opened(lambda _: Image.new("RGB", (20, 20)), [first])(first).size == (20, 20)
