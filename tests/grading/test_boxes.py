"""Boxes are read from replies by the format and scale of a card, and judged by where they lie."""

import time
from dataclasses import replace

import pytest

from fakebench_suite.errors import JudgeError
from fakebench_suite.grading.boxes import lies_in, parse_boxes
from fakebench_suite.grading.verdict import judge_boxes
from fakebench_suite.tasks.boxes import BoxFormat, BoxScale, BoxStyle
from fakebench_suite.types import (
    Authenticity,
    Case,
    FinishReason,
    Outcome,
    PixelDigest,
    QuestionType,
    Region,
    Task,
)
from tests.factories import make_answer

SIZE = (200, 100)
PIXELS = BoxStyle(format=BoxFormat.XYXY, scale=BoxScale.PIXELS)
UNIT = BoxStyle(format=BoxFormat.XYXY, scale=BoxScale.UNIT)
THOUSAND = BoxStyle(format=BoxFormat.XYXY, scale=BoxScale.THOUSAND)
POINT = BoxStyle(format=BoxFormat.POINT, scale=BoxScale.PERCENT)
BOX = (20, 10, 100, 50)


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("[20, 10, 100, 50]", PIXELS),
        ("[[20, 10, 100, 50]]", PIXELS),
        ('```json\n[{"bbox_2d": [20, 10, 100, 50], "label": "hand"}]\n```', PIXELS),
        ('{"box": [20.0,10.0,100.0,50.0]}', PIXELS),
        ("It is at (20, 10), (100, 50).", PIXELS),
        ("It is at (20, 10, 100, 50).", PIXELS),
        ("<|box_start|>(20,10),(100,50)<|box_end|>", PIXELS),
        ("<box>(100,100),(500,500)</box>", THOUSAND),
        ("<ref>hand</ref><box>[[100, 100, 500, 500]]</box>", THOUSAND),
        ("[0.1, 0.1, 0.5, 0.5]", UNIT),
        ("[\n  [\n    0.1,\n    0.1,\n    0.5,\n    0.5\n  ]\n]", UNIT),
        ("[20, 10, 80, 40]", replace(PIXELS, format=BoxFormat.XYWH)),
        ("[100, 100, 500, 500]", replace(THOUSAND, format=BoxFormat.YXYX)),
        ("[10%, 10%, 50%, 50%]", replace(UNIT, scale=BoxScale.PERCENT)),
    ],
)
def test_a_box_is_read(text: str, style: BoxStyle) -> None:
    """In every shape, the same box in pixels."""
    boxes = parse_boxes(text, style, SIZE).boxes
    assert boxes is not None
    (box,) = boxes
    assert box == pytest.approx(BOX)


def test_several_boxes_keep_their_order() -> None:
    """And one that is repeated counts once."""
    text = "[[0.5, 0.5, 1, 1], [0, 0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]]"
    assert parse_boxes(text, UNIT, SIZE).boxes == ((100, 50, 200, 100), (0, 0, 100, 50))


@pytest.mark.parametrize("text", ["[50, 20]", '<point x="50.0" y="20">hand</point>', "(50, 20)"])
def test_a_point_has_no_size(text: str) -> None:
    """It is read as one pair of numbers."""
    assert parse_boxes(text, POINT, SIZE).boxes == ((100, 20, 100, 20),)


@pytest.mark.parametrize("text", ["[]", "```json\n[]\n```", "None.", "There are no such regions."])
def test_no_box_is_an_answer(text: str) -> None:
    """An empty list, and words that say so."""
    assert parse_boxes(text, UNIT, SIZE).boxes == ()


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("", UNIT),
        ("The hand looks odd.", UNIT),
        ("[20, 10, 100, 50]", UNIT),
        ("[0.5, 0.1, 0.2, 0.5]", UNIT),
        ("[20, 10, 300, 50]", PIXELS),
        ("[1, 2, 3]", PIXELS),
        ("[20, 10]", PIXELS),
        ("[20, 10, 0, 0]", replace(PIXELS, format=BoxFormat.XYWH)),
    ],
)
def test_what_is_no_box_on_the_scale_is_unread(text: str, style: BoxStyle) -> None:
    """No other scale is tried: such a box would be a wrong place. A reason is given."""
    reading = parse_boxes(text, style, SIZE)
    assert reading.boxes is None
    assert reading.reason


def test_a_refusal_is_one() -> None:
    """A model that declines has not answered with no box."""
    reading = parse_boxes("I'm sorry, but I can't help with that.", UNIT, SIZE)
    assert reading.is_refused


def test_rounding_beyond_the_edge_is_cut_off() -> None:
    """By as much as models round; the box ends at the image."""
    assert parse_boxes("[0, 0, 1.01, 1]", UNIT, SIZE).boxes == ((0, 0, 200, 100),)


@pytest.mark.parametrize("unit", ["[", "[1,", "[1, 2, ", "(1,", "1 ", "[ ", "<box>", "\n", "[]"])
def test_a_long_reply_is_read_at_once(unit: str) -> None:
    """The time grows with the reply and no faster."""
    start = time.process_time()
    parse_boxes(unit * 100_000, UNIT, SIZE)
    assert time.process_time() - start < 1


TRIANGLE = Region(box=(0, 0, 100, 100), polygons=(((0, 0), (100, 0), (0, 100)),))


def test_a_point_lies_in_the_outline() -> None:
    """Not merely in the box around it."""
    assert lies_in((20, 20), TRIANGLE)
    assert not lies_in((80, 80), TRIANGLE)
    assert lies_in((80, 80), Region(box=(0, 0, 100, 100)))
    assert not lies_in((120, 20), TRIANGLE)


FAKE = Case(
    id="a:point", task=Task.POINTING, image="a", question="Where?",
    question_type=QuestionType.POINT, label=Authenticity.FAKE, regions=(Region(box=BOX),),
)  # fmt: skip
REAL = replace(FAKE, label=Authenticity.REAL, regions=())
SHOWN = PixelDigest(digest="d", size=SIZE)


@pytest.mark.parametrize(
    ("case", "text", "outcome"),
    [
        (FAKE, "[0.1, 0.1, 0.5, 0.5]", Outcome.CORRECT),
        (FAKE, "[[0.1, 0.1, 0.5, 0.5], [0.9, 0.9, 1, 1]]", Outcome.CORRECT),
        (FAKE, "[[0.9, 0.9, 1, 1], [0.1, 0.1, 0.5, 0.5]]", Outcome.INCORRECT),
        (FAKE, "[]", Outcome.INCORRECT),
        (FAKE, "<think>[0.1, 0.1, 0.5, 0.5]</think>[]", Outcome.INCORRECT),
        (FAKE, "The hand.", Outcome.UNPARSED),
        (FAKE, "I cannot help with that request.", Outcome.REFUSED),
        (REAL, "[]", Outcome.CORRECT),
        (REAL, "[0, 0, 0.1, 0.1]", Outcome.INCORRECT),
        (replace(FAKE, regions=()), "[0, 0, 0.1, 0.1]", Outcome.UNSCORED),
    ],
)
def test_the_first_box_decides(case: Case, text: str, outcome: Outcome) -> None:
    """By its centre; a real image has no right box, and without regions nothing is known."""
    assert judge_boxes(case, make_answer(text), UNIT, SHOWN).outcome is outcome


def test_the_verdict_has_the_boxes_in_pixels() -> None:
    """They are drawn in the report."""
    verdict = judge_boxes(FAKE, make_answer("[0.1, 0.1, 0.5, 0.5]"), UNIT, SHOWN)
    (box,) = verdict.boxes
    assert box == pytest.approx(BOX)
    assert verdict.reason == "the first of 1 box hits the region"


def test_a_reply_that_was_cut_off_is_truncated() -> None:
    """Before it gave a box that can be read; the server's filter is a refusal."""
    cut = make_answer("The part that", FinishReason.LENGTH)
    assert judge_boxes(FAKE, cut, UNIT, SHOWN).outcome is Outcome.TRUNCATED
    withheld = make_answer("", FinishReason.CONTENT_FILTER)
    assert judge_boxes(FAKE, withheld, UNIT, SHOWN).outcome is Outcome.REFUSED


def test_without_the_size_of_the_picture_nothing_is_judged() -> None:
    """A box on a scale has no place in a picture of unknown size."""
    with pytest.raises(JudgeError, match="size"):
        judge_boxes(FAKE, make_answer("[0, 0, 1, 1]"), UNIT, None)
