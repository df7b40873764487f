"""Parts of a picture are read from a text, and points lie in them or not."""

import pytest

from fakebench_suite.grading.claims.places import Place, cover, find_places
from fakebench_suite.grading.claims.searched_text import SearchedText

NAMED = (
    ("in the upper left.", {"upper left"}),
    ("in the top-right corner of the image", {"upper right"}),
    ("in the top right and the bottom left corners", {"upper right", "lower left"}),
    ("on the left side of the picture", {"left"}),
    ("in the background on the right.", {"right"}),
    ("on the left, the", {"left"}),
    ("the right half", {"right"}),
    ("at the bottom of the image", {"lower"}),
    ("in the upper part", {"upper"}),
    ("in the lower third", {"lower third"}),
    ("the left third", {"left third"}),
    ("in the middle of the picture", {"centre"}),
    ("in the center", {"centre"}),
    ("in the lower centre", {"lower centre"}),
    ("in the centre left", {"centre left"}),
    ("slightly left of center", {"centre left"}),
    ("just below the centre of the image", {"lower centre"}),
    ("above the middle", {"upper centre"}),
    ("in the southeast corner", {"lower right"}),
    ("in the north-western part of the image", {"upper left"}),
    ("the eastern side of the picture", {"right"}),
    ("not in the upper left but in the lower right", {"lower right"}),
    ("on the right rather than on the left", {"right"}),
    ("everywhere except in the centre", {"whole image"}),
    ("on both the left and the right side", {"left", "right"}),
    ("across the entire image", {"whole image"}),
    ("in the whole image", {"whole image"}),
)
NOT_NAMED = (
    "the left hand",
    "in the left hand",
    "to the left of the dog",
    "on the right side of the tree",
    "the eastern part of the sky",
    "the centre of the flower",
    "left of the centre of the flower",
    "not on the left",
    "the shadows are right",
    "nothing is left",
    "on top of the table",
    "at the top of the stairs",
    "in the middle of the night",
    "the centre of attention",
)


@pytest.mark.parametrize(("text", "names"), NAMED)
def test_a_place_is_found(text: str, names: set[str]) -> None:
    """Sides, corners, thirds, the middle and the whole are read, and no others beside them."""
    assert {place.name for place in find_places(SearchedText(text))} == names


@pytest.mark.parametrize("text", NOT_NAMED)
def test_a_side_of_something_else_is_no_place(text: str) -> None:
    """Hands, relations between things, and idioms name no part of the picture."""
    assert find_places(SearchedText(text)) == ()


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("in the upper left", (0.2, 0.3), (0.2, 0.7)),
        ("on the right side", (0.9, 0.1), (0.1, 0.1)),
        ("in the lower third", (0.5, 0.7), (0.5, 0.6)),
        ("in the centre", (0.5, 0.5), (0.1, 0.5)),
    ],
)
def test_a_point_lies_in_a_place(
    text: str, inside: tuple[float, float], outside: tuple[float, float]
) -> None:
    """Shares of width and height are counted from the upper left corner."""
    (place,) = find_places(SearchedText(text))
    assert place.contains(*inside)
    assert not place.contains(*outside)


def test_every_corner_is_a_corner() -> None:
    """One that is not named may be any of four."""
    assert len(find_places(SearchedText("there is a halo in a corner"))) == 4


def test_cover_counts_overlaps_once() -> None:
    """The share of the picture that places cover, from none to all of it."""
    left = Place(name="left", right=0.5)
    upper = Place(name="upper", bottom=0.5)
    assert cover([]) == 0
    assert cover([left]) == pytest.approx(0.5)
    assert cover([left, left]) == pytest.approx(0.5)
    assert cover([left, upper]) == pytest.approx(0.75)
    assert cover([Place(name="whole image")]) == 1
