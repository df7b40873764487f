"""Boxes are read from replies by the format and scale of a card, and judged by where they lie."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.errors import JudgeError
from fakebench_suite.grading.boxes import lies_in, parse_boxes
from fakebench_suite.grading.verdict import judge_boxes
from fakebench_suite.tasks.boxes import BoxFormat, BoxScale, BoxStyle
from fakebench_suite.types import (
    Authenticity,
    BoundingBox,
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
        ("[10%, 10%, 50%, 50%]", THOUSAND),
        ("[10%, 10%, 50%, 50%]", UNIT),
        ("[.1, .1, .5, .5]", UNIT),
        ("[0.1000000000000000055, 0.1, 0.5, 0.5]", UNIT),
        ("0.1, 0.1, 0.5, 0.5", UNIT),
        ("[0.1 0.1 0.5 0.5]", UNIT),
        ("<box>0.1, 0.1, 0.5, 0.5</box>", UNIT),
        ('{"x1": 0.1, "y1": 0.1, "x2": 0.5, "y2": 0.5}', UNIT),
        ('{"ymin": 100, "xmin": 100, "ymax": 500, "xmax": 500}', THOUSAND),
        ("left: 20, top: 10, right: 100, bottom: 50", PIXELS),
        ('{"x": 20, "y": 10, "width": 80, "height": 40}', PIXELS),
        ('{"x1": 100, "y1": 100, "x2": 500, "y2": 500}', replace(THOUSAND, format=BoxFormat.YXYX)),
        ("It goes from (20, 10) to (100, 50).", PIXELS),
        ("The image has [200, 100] pixels. [20, 10, 100, 50]", PIXELS),
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


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("<loc0128><loc0256><loc0512><loc0768> hand", (50, 12.5, 150, 50)),
        (
            "<object><patch_index_0264><patch_index_0792></object>",
            (53.125, 26.5625, 153.125, 76.5625),
        ),
        ("<patch_index_0000><patch_index_0031>", (0, 0, 200, 3.125)),
    ],
)
@pytest.mark.parametrize("style", [UNIT, THOUSAND, replace(PIXELS, format=BoxFormat.YXYX)])
def test_location_tokens_have_a_scale_of_their_own(
    text: str, box: BoundingBox, style: BoxStyle
) -> None:
    """Those of PaliGemma and KOSMOS-2, whatever the card says."""
    boxes = parse_boxes(text, style, SIZE).boxes
    assert boxes is not None
    assert boxes[0] == pytest.approx(box)


def test_several_points_of_a_tag_are_read() -> None:
    """Molmo numbers them; they are no box where one is asked for."""
    text = '<points x1="50" y1="20" x2="60" y2="30" alt="hands">hands</points>'
    assert parse_boxes(text, POINT, SIZE).boxes == ((100, 20, 100, 20), (120, 30, 120, 30))
    assert parse_boxes(text, replace(UNIT, scale=BoxScale.PERCENT), SIZE).boxes is None


@pytest.mark.parametrize(
    "text",
    [
        "[]", "```json\n[]\n```", "None.", "There are no such regions.", "null", "N/A", "[None]",
        '{"boxes": []}', "Nothing.", "No flaw.", "There are no visible flaws.",
        "I do not see any sign of manipulation.", "I don't see any signs that it is AI-generated.",
        "There is no indication of manipulation.", "This image looks authentic.",
        "The image appears to be real, so there are no such regions.",
        "No part of the image shows it.", "Nothing in the image suggests that it is generated.",
        "I cannot find any anomalies.", "None of the parts look fake.",
    ],
)  # fmt: skip
def test_no_box_is_an_answer(text: str) -> None:
    """An empty list, and words that say so."""
    assert parse_boxes(text, UNIT, SIZE).boxes == ()


@pytest.mark.parametrize(
    "text",
    [
        "None of the parts look real.", "No part of the image looks natural.",
        "Nothing looks natural.", "There is no sign that it is a real photograph.",
        "There are no flaws except at the hand.", "I see no artifacts, but the hand is odd.",
        "There is no shadow under the car.", "Not only the hand, the whole image.",
        "The image is fake.", "Everything.",
    ],
)  # fmt: skip
def test_a_flaw_in_words_is_no_box_nor_none(text: str) -> None:
    """It says that there is something, and not where."""
    assert parse_boxes(text, UNIT, SIZE).boxes is None


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
        ("[0.1, 0.2, 0.5, 0.6]", THOUSAND),
        ("[0.1, 0.2, 0.5, 0.6]", PIXELS),
        ("[0, 0, 1, 1]", replace(UNIT, scale=BoxScale.PERCENT)),
        ("[0.5, 0.5]", POINT),
        ("[0.1%, 0.2%, 0.5%, 0.6%]", UNIT),
        ("[10%, 0.2, 50%, 0.6]", UNIT),
        ("[[0.1, 0.2], [0.5, 0.2], [0.5, 0.6], [0.1, 0.6]]", UNIT),
        ("[0.1, 0.2, 0.5, 0.2, 0.5, 0.6, 0.1, 0.6]", UNIT),
        ('{"x": 20, "y": 10, "width": 30, "height": 40}', POINT),
    ],
)
def test_what_is_no_box_on_the_scale_is_unread(text: str, style: BoxStyle) -> None:
    """No other scale is tried: such a box would be a wrong place. A reason is given."""
    reading = parse_boxes(text, style, SIZE)
    assert reading.boxes is None
    assert reading.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[0.5, 0.1, 0.2, 0.5]", "its left is not below its right"),
        ("[0.1, 0.5, 0.2, 0.2]", "its top is not above its bottom"),
        ("[0.1, 0.2, 0.1, 0.5]", "no inside"),
        ("[0.1, 0.2, 1.5, 0.5]", "beyond the scale unit, from 0 to 1"),
        ("[0.1, 0.2, 0.5, 0.6, 0.9]", "a list of 5 numbers, and a box has 4"),
        ("[0.1, 0.2, 0.5]", "a list of 3 numbers is no xyxy, which has 4"),
        ("[0.1%, 0.2%, 0.5%, 0.6%]", "[0.1%, 0.2%, 0.5%, 0.6%] has no number above 1"),
        ("[10%, 0.2, 50%, 0.6]", "percentages and other numbers"),
    ],
)
def test_the_reason_is_the_one_that_applies(text: str, reason: str) -> None:
    """It names what is wrong with the list."""
    assert reason in parse_boxes(text, UNIT, SIZE).reason


@pytest.mark.parametrize(
    "box", ["[1.0, 0.2, 1.02, 0.6]", "[1.01, 0.2, 1.02, 0.6]", "[1, 1, 1.02, 1.02]",
            "[-0.02, 0.2, 0, 0.6]", "[0.1, -0.02, 0.5, -0.01]"],
)  # fmt: skip
def test_what_is_cut_off_at_the_edge_is_no_box(box: str) -> None:
    """A box that rounding leaves outside has no inside; one beside it is read all the same."""
    assert parse_boxes(box, UNIT, SIZE).boxes is None
    assert parse_boxes(f"[{box}, [0, 0, 0.5, 0.5]]", UNIT, SIZE).boxes == ((0, 0, 100, 50),)


def test_a_point_beyond_the_edge_lies_on_it() -> None:
    """It is cut off as boxes are, and has no size."""
    assert parse_boxes("[101, 20]", POINT, SIZE).boxes == ((200, 20, 200, 20),)


def test_one_box_on_another_scale_leaves_all_in_doubt() -> None:
    """The others may be on it too."""
    assert parse_boxes("[[10, 20, 50, 60], [10, 20, 1500, 60]]", THOUSAND, SIZE).boxes is None


@given(
    numbers=st.lists(st.floats(-30, 1030, width=32), min_size=4, max_size=4),
    form=st.sampled_from(BoxFormat),
    scale=st.sampled_from(BoxScale),
)
def test_every_box_has_an_inside_in_the_image(
    numbers: list[float], form: BoxFormat, scale: BoxScale
) -> None:
    """Whatever is replied; a point lies in the image and has no size."""
    row = numbers[:2] if form is BoxFormat.POINT else numbers
    for left, top, right, bottom in (
        parse_boxes(str(row), BoxStyle(format=form, scale=scale), SIZE).boxes or ()
    ):
        assert 0 <= left <= right <= 200
        assert 0 <= top <= bottom <= 100
        is_point = left == right or top == bottom
        assert is_point == (form is BoxFormat.POINT)


def test_a_refusal_is_one() -> None:
    """A model that declines has not answered with no box."""
    reading = parse_boxes("I'm sorry, but I can't help with that.", UNIT, SIZE)
    assert reading.is_refused


def test_rounding_beyond_the_edge_is_cut_off() -> None:
    """By as much as models round; the box ends at the image."""
    assert parse_boxes("[0, 0, 1.01, 1]", UNIT, SIZE).boxes == ((0, 0, 200, 100),)


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "[1,",
        "[1, 2, ",
        "(1,",
        "1 ",
        "[ ",
        "<box>",
        "\n",
        "[]",
        "(1, 2) ",
        "x: 1 ",
        "no ",
        "<points ",
        "<loc0000>",
        "1, ",
        "x1: 1, y1: 1, ",
    ],
)
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
    assert verdict.reason == "the box lies in the region"
    text = "[[0.9, 0.9, 1, 1], [0.1, 0.1, 0.5, 0.5]]"
    verdict = judge_boxes(FAKE, make_answer(text), UNIT, SHOWN)
    assert verdict.reason == "the first of 2 boxes lies outside the region"


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
