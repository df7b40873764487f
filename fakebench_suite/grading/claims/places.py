"""The parts of a picture that a text names, and whether a point lies in one.

Sides are halves and corners quarters, as people use the words; the middle is the half around the
centre, and thirds are thirds. "The left hand" and "to the left of the dog" name no part.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from fakebench_suite.grading.claims.prefilter import REQUIRED
from fakebench_suite.grading.claims.searched_text import PrefilteredPattern, SearchedText


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A part of a picture, in shares of its width and height from the upper left corner."""

    name: str
    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def contains(self, x: float, y: float) -> bool:
        """Whether the point, in shares of width and height, lies in this part."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole picture."""
        return self.name == WHOLE


WHOLE = "whole image"
_COLUMNS = {"left": (0.0, 0.5), "right": (0.5, 1.0), "centre": (0.25, 0.75)}
_ROWS = {"upper": (0.0, 0.5), "lower": (0.5, 1.0), "centre": (0.25, 0.75)}
_THIRDS = {
    "left": (0.0, 1 / 3), "right": (2 / 3, 1.0), "upper": (0.0, 1 / 3), "lower": (2 / 3, 1.0),
    "centre": (1 / 3, 2 / 3),
}  # fmt: skip
_ROW_WORDS = {
    "upper": "upper", "top": "upper", "uppermost": "upper",
    "lower": "lower", "bottom": "lower", "lowermost": "lower",
    "middle": "centre", "central": "centre", "centre": "centre", "center": "centre",
}  # fmt: skip
_ROW = "(?:upper|lower)(?:most)?|top|bottom|middle|cent(?:er|re|ral)"
_PART = "half|sides?|parts?|portions?|areas?|regions?|sections?|quadrants?|corners?|edge|margin|end"
_FRAME = "(?:image|picture|photo(?:graph)?|frame|scene|shot|crop)"
_ELSEWHERE = (
    rf"(?:(?:[- ](?:hand )?(?:{_PART}))? of (?!the {_FRAME}|this {_FRAME})"
    "| (?:hand|foot|feet|legs?|arm|eye|ear|wing|paw|shoulder|cheek|knee|wheel|shoe|sleeve|lens)\\b)"
)
"""What makes a side that of something in the picture: "to the left of the dog"."""
_NEAR_CENTRE = re.compile(
    r"\b(?:(?P<column>left|right) of|(?P<row>above|below|under|beneath)) (?:the )?(?:very |exact )?"
    rf"(?:middle|cent(?:er|re))\b(?! of (?!the {_FRAME}|this {_FRAME}))"
)
_COMPASS = re.compile(
    r"\b(?=north|south|east|west)(?P<row>north|south)?[- ]?(?P<column>east|west)?(?:ern)?(?:most)? "
    rf"(?:{_PART})\b"
    rf"(?! of (?!the {_FRAME}|this {_FRAME}))"
)
_COMPASS_WORDS = {"north": "upper", "south": "lower", "west": "left", "east": "right"}
_CORNER = re.compile(
    rf"\b(?P<row>{_ROW})[- ](?P<column>left|right|cent(?:er|re))\b(?: (?P<third>third))?"
    rf"|\b(?P<column2>left|right|cent(?:er|re))[- ](?P<row2>{_ROW})\b"
)
_THIRD = re.compile(rf"\b(?P<side>left|right|{_ROW})[- ](?:hand )?third\b")
_SIDE = re.compile(
    rf"\b(?P<column>left|right)(?:most)?[- ](?:hand )?(?:{_PART})\b"
    rf"(?! of (?!the {_FRAME}|this {_FRAME}))"
    rf"|\b(?:on|at|in|to|near|towards?|along) (?:both )?(?:the |its )?(?:far |very |extreme )?"
    rf"(?P<column2>left|right)\b(?!-|{_ELSEWHERE})"
)
_LEVEL = re.compile(
    rf"\b(?P<row>upper|lower|top|bottom)(?:most)? (?:{_PART})\b"
    rf"|\b(?:at|near|in|along|to|towards?) the (?:very )?(?P<row2>top|bottom)\b"
    rf"(?!{_ELSEWHERE})"
    rf"|\b(?P<row3>top|bottom) of (?:the|this) {_FRAME}\b"
)
_MIDDLE = re.compile(
    rf"\b(?:in|at|near|around|towards?) the (?:very |exact )?(?:middle|cent(?:er|re))\b"
    rf"(?!{_ELSEWHERE}| (?:left|right))"
    rf"|\bcentral (?:{_PART})\b|\b(?:middle|cent(?:er|re)) of (?:the|this) {_FRAME}\b"
)
_WHOLE = re.compile(
    rf"\b(?:whole|entire) {_FRAME}|\b(?:throughout|all over|across) (?:the|this) "
    rf"(?:whole |entire )?{_FRAME}|\beverywhere\b"
)
_ANY_CORNER = re.compile(
    r"\b(?:in|at|near) (?:a|the|one|all|each|every)(?: four)? corners?\b(?! of the room)"
)


_ANY = PrefilteredPattern(
    REQUIRED["place"],
    re.compile(
        r"\b(?:left|right|upper|top|lower|bottom|middle|cent(?:er|re|ral)|whole|entire|throughout"
        r"|all over|across|everywhere|corners?|north|south|east|west)"
    ),
)
"""A word that every place has."""


_DENIED = re.compile(
    r"\b(?:not(?! only| just)|rather than|instead of|except|excluding|other than|apart from|"
    r"outside|away from|nor)"
    r"(?: (?:for|in|at|on|near|the|to|around|of|very|along|towards?|from))* ?$"
)
"""Before a place in which something is not: "not in the upper left but in the lower right"."""
_REACH = 40
"""Characters before a place in which a denial is searched for."""


def find_places(searched: SearchedText) -> tuple[Place, ...]:
    """The parts of the picture that a normalized text names, each once, in their order of kind."""
    if _ANY.search(searched) is None:
        return ()
    places: dict[str, Place] = {}
    rest = searched.text
    for pattern, make in _MAKERS:
        matches = list(pattern.finditer(rest))
        for match in matches:
            if not _DENIED.search(rest[max(0, match.start() - _REACH) : match.start()]):
                places |= {place.name: place for place in make(match)}
        if matches:
            rest = pattern.sub(" , ", rest)
    return tuple(places.values())


def cover(places: Iterable[Place]) -> float:
    """The share of the picture that the places cover together, from 0 to 1."""
    boxes = list(places)
    xs = sorted({0.0, 1.0, *(x for box in boxes for x in (box.left, box.right))})
    ys = sorted({0.0, 1.0, *(y for box in boxes for y in (box.top, box.bottom))})
    return sum(
        (right - left) * (bottom - top)
        for left, right in pairwise(xs)
        for top, bottom in pairwise(ys)
        if any(box.contains((left + right) / 2, (top + bottom) / 2) for box in boxes)
    )


def _make_corner(match: re.Match[str]) -> Iterator[Place]:
    row = _ROW_WORDS[match["row"] or match["row2"]]
    column = match["column"] or match["column2"]
    column = "centre" if column.startswith("cent") else column
    left, right = (_THIRDS if match["third"] else _COLUMNS)[column]
    top, bottom = _ROWS[row]
    name = "centre" if row == column else f"{row} {column}"
    yield Place(name=name, left=left, top=top, right=right, bottom=bottom)


def _make_near_centre(match: re.Match[str]) -> Iterator[Place]:
    if match["column"]:
        (left, right), (top, bottom) = _COLUMNS[match["column"]], _ROWS["centre"]
        name = f"centre {match['column']}"
    else:
        row = "upper" if match["row"] == "above" else "lower"
        (left, right), (top, bottom) = _COLUMNS["centre"], _ROWS[row]
        name = f"{row} centre"
    yield Place(name=name, left=left, top=top, right=right, bottom=bottom)


def _make_compass(match: re.Match[str]) -> Iterator[Place]:
    row, column = (_COMPASS_WORDS.get(match[part] or "", "") for part in ("row", "column"))
    left, right = _COLUMNS[column] if column else (0.0, 1.0)
    top, bottom = _ROWS[row] if row else (0.0, 1.0)
    name = f"{row} {column}".strip()
    yield Place(name=name, left=left, top=top, right=right, bottom=bottom)


def _make_third(match: re.Match[str]) -> Iterator[Place]:
    side = _ROW_WORDS.get(match["side"], match["side"])
    start, end = _THIRDS[side]
    if side in ("left", "right"):
        yield Place(name=f"{side} third", left=start, right=end)
    else:
        yield Place(name=f"{side} third", top=start, bottom=end)


def _make_side(match: re.Match[str]) -> Iterator[Place]:
    column = match["column"] or match["column2"]
    left, right = _COLUMNS[column]
    yield Place(name=column, left=left, right=right)


def _make_level(match: re.Match[str]) -> Iterator[Place]:
    row = _ROW_WORDS[match["row"] or match["row2"] or match["row3"]]
    top, bottom = _ROWS[row]
    yield Place(name=row, top=top, bottom=bottom)


def _make_middle(_: re.Match[str]) -> Iterator[Place]:
    (left, right), (top, bottom) = _COLUMNS["centre"], _ROWS["centre"]
    yield Place(name="centre", left=left, top=top, right=right, bottom=bottom)


def _make_whole(_: re.Match[str]) -> Iterator[Place]:
    yield Place(name=WHOLE)


def _make_any_corner(_: re.Match[str]) -> Iterator[Place]:
    for row in ("upper", "lower"):
        for column in ("left", "right"):
            (left, right), (top, bottom) = _THIRDS[column], _THIRDS[row]
            yield Place(
                name=f"{row} {column} corner", left=left, top=top, right=right, bottom=bottom
            )


_MAKERS = (
    (_NEAR_CENTRE, _make_near_centre),
    (_COMPASS, _make_compass),
    (_CORNER, _make_corner),
    (_THIRD, _make_third),
    (_SIDE, _make_side),
    (_LEVEL, _make_level),
    (_MIDDLE, _make_middle),
    (_WHOLE, _make_whole),
    (_ANY_CORNER, _make_any_corner),
)
"""In this order: what a pattern has read is taken out before the next one reads."""
