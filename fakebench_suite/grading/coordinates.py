"""Find lists of coordinates in a reply: numbers in brackets, numbers with names, location tokens.

Names and location tokens say themselves how their numbers are ordered, and the tokens and "%" on
which scale they are; of all others the card of the model says it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fakebench_suite.tasks.boxes import BoxFormat, BoxScale

CORNERS = 4
"""Numbers of a box."""
_PAIR = 2
_NUMBER = r"[-+]?(?:\d{1,7}(?:\.\d{0,20})?|\.\d{1,20})(?:e[-+]?\d{1,2})?%?"
_SPACE = r"[ \t\r\n]"
_SEPARATOR = rf"(?:{_SPACE}{{0,20}}[,;]{_SPACE}{{0,20}}|{_SPACE}{{1,20}})"
_NUMBERS = rf"{_NUMBER}(?:{_SEPARATOR}{_NUMBER}){{1,63}}"
_LIST = re.compile(
    rf"(?:[\[(]|<box>){_SPACE}{{0,20}}({_NUMBERS}){_SPACE}{{0,20}},?{_SPACE}{{0,20}}"
    r"(?:[\])]|</box>)"
)
"""A list of two numbers or more in brackets, with no list inside."""
_BARE = re.compile(rf"{_SPACE}{{0,20}}{_NUMBERS}{_SPACE}{{0,20}}")
_JOINED = re.compile(r"\s{0,5},?\s{0,5}(?:to|and|-|–|->|→)?\s{0,5}")
"""What stands between two points that belong together."""
_NAMED = re.compile(
    rf"\b(x\d{{0,2}}|y\d{{0,2}}|[xy]_?(?:min|max)|left|top|right|bottom|width|height|w|h)\b"
    rf"[\"']?\s{{0,5}}[:=]\s{{0,5}}[\"']?({_NUMBER})",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[^A-Za-z0-9{}<>]{0,20}")
"""What stands between numbers with names of the same box."""
_NAMES = {
    ("x1", "y1", "x2", "y2"): BoxFormat.XYXY,
    ("x0", "y0", "x1", "y1"): BoxFormat.XYXY,
    ("xmin", "ymin", "xmax", "ymax"): BoxFormat.XYXY,
    ("left", "top", "right", "bottom"): BoxFormat.XYXY,
    ("x", "y", "width", "height"): BoxFormat.XYWH,
    ("x", "y", "w", "h"): BoxFormat.XYWH,
    ("left", "top", "width", "height"): BoxFormat.XYWH,
    ("x", "y"): BoxFormat.POINT,
}
_POINTS_TAG = re.compile(r"<points\b[^<>]{0,5000}>")
"""Molmo's tag of several points: ``<points x1="20" y1="10" x2="50" y2="60" alt="hand">``."""
_LOCATIONS = re.compile(r"<loc(\d{4})>" * CORNERS)
"""PaliGemma's tokens of a box: top, left, bottom, right, in 1024 steps."""
_LOCATION_STEPS = 1024
_PATCHES = re.compile(r"<patch_index_(\d{4})><patch_index_(\d{4})>")
"""KOSMOS-2's tokens of a box: the patches of its upper left and its lower right corner."""
_PATCHES_A_SIDE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinateList:
    """The numbers of one list of a reply."""

    numbers: tuple[float, ...]
    start: int
    """Where in the reply the list begins."""
    format: BoxFormat | None = None
    """What its names or tokens say; None where only the card says it."""
    scale: BoxScale | None = None
    """The same of the scale."""
    is_mixed: bool = False
    """Whether some of the numbers are percentages and others are not."""


def list_coordinates(text: str, *, points: bool) -> list[CoordinateList]:
    """The lists of coordinates in a visible reply, in its order.

    Two points in a row become one box, unless ``points`` says that points are asked for.
    """
    if _BARE.fullmatch(text):
        text = f"[{text}]"
    found = [*_find_tokens(text), *_find_named(text, points=points)]
    found += _find_bracketed(text) if points else _join_corners(text, list(_find_bracketed(text)))
    return sorted(found, key=lambda coordinates: coordinates.start)


def _find_bracketed(text: str) -> Iterator[CoordinateList]:
    for match in _LIST.finditer(text):
        yield _make_list(re.findall(_NUMBER, match[1]), match.start())


def _make_list(texts: Sequence[str], start: int, form: BoxFormat | None = None) -> CoordinateList:
    numbers = tuple(float(text.rstrip("%")) for text in texts)
    percentages = sum(text.endswith("%") for text in texts)
    return CoordinateList(
        numbers=numbers,
        start=start,
        format=form,
        scale=BoxScale.PERCENT if percentages else None,
        is_mixed=0 < percentages < len(texts),
    )


def _join_corners(text: str, found: Sequence[CoordinateList]) -> Iterator[CoordinateList]:
    """Yield the lists, with points that follow each other joined: two are a box, more an outline.

    A point that is alone is left as it is.
    """
    ends = {match.start(): match.end() for match in _LIST.finditer(text)}
    chain: list[CoordinateList] = []
    for item in found:
        if chain and not (
            len(item.numbers) == _PAIR
            and _JOINED.fullmatch(text, ends[chain[-1].start], item.start)
        ):
            yield _join(chain)
            chain = []
        if len(item.numbers) == _PAIR:
            chain.append(item)
        else:
            yield item
    if chain:
        yield _join(chain)


def _join(chain: Sequence[CoordinateList]) -> CoordinateList:
    scales = {item.scale for item in chain}
    return CoordinateList(
        numbers=tuple(number for item in chain for number in item.numbers),
        start=chain[0].start,
        format=BoxFormat.XYXY if len(chain) == _PAIR else None,
        scale=chain[0].scale,
        is_mixed=len(scales) > 1 or any(item.is_mixed for item in chain),
    )


def _find_tokens(text: str) -> Iterator[CoordinateList]:
    """Yield the boxes of location tokens, as shares of width and height."""
    for match in _LOCATIONS.finditer(text):
        top, left, bottom, right = (int(step) / _LOCATION_STEPS for step in match.groups())
        yield _make_shares((left, top, right, bottom), match.start())
    for match in _PATCHES.finditer(text):
        yield _make_shares(_locate_patches(int(match[1]), int(match[2])), match.start())


def _make_shares(numbers: tuple[float, ...], start: int) -> CoordinateList:
    return CoordinateList(numbers=numbers, start=start, format=BoxFormat.XYXY, scale=BoxScale.UNIT)


def _locate_patches(first: int, second: int) -> tuple[float, ...]:
    """Left, top, right and bottom of two of KOSMOS-2's patches, as shares.

    The box runs between the patches' centres, or over whole patches in the same row or column
    (``patch_index_to_coordinate`` of transformers' processor).
    """
    top, left = divmod(first, _PATCHES_A_SIDE)
    bottom, right = divmod(second, _PATCHES_A_SIDE)
    near, far = (0.0, 1.0) if left == right or top == bottom else (0.5, 0.5)
    corners = (left + near, top + near, right + far, bottom + far)
    return tuple(corner / _PATCHES_A_SIDE for corner in corners)


def _find_named(text: str, *, points: bool) -> Iterator[CoordinateList]:
    """Yield numbers with names, which say their order: of boxes, and of points."""
    tags = list(_POINTS_TAG.finditer(text))
    for tag in tags:
        numbers = [match[2] for match in _NAMED.finditer(tag[0])]
        pairs = zip(numbers[::2], numbers[1::2], strict=False)
        if points:
            yield from (_make_list(pair, tag.start(), BoxFormat.POINT) for pair in pairs)
    run: list[re.Match[str]] = []
    for match in _NAMED.finditer(text):
        if any(tag.start() < match.start() < tag.end() for tag in tags):
            continue
        if run and not _BETWEEN.fullmatch(text, run[-1].end(), match.start()):
            yield from _split_named(run)
            run = []
        run.append(match)
    yield from _split_named(run)


def _split_named(run: Sequence[re.Match[str]]) -> Iterator[CoordinateList]:
    """Yield the boxes and points of numbers with names that follow each other."""
    index = 0
    while index < len(run):
        for length in (CORNERS, _PAIR):
            part = {
                match[1].lower().replace("_", ""): match[2] for match in run[index : index + length]
            }
            names = next((names for names in _NAMES if set(names) == part.keys()), None)
            if names is not None:
                texts = [part[name] for name in names]
                yield _make_list(texts, run[index].start(), _NAMES[names])
                index += length
                break
        else:
            index += 1
