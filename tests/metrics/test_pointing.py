"""Boxes are scored by overlap, by the pointing game, and by X-AIGD's rule."""

from dataclasses import replace

import pytest

from fakebench_suite.metrics.intervals import Estimate
from fakebench_suite.metrics.pointing import compute_iou, compute_share_inside, score_pointing
from fakebench_suite.types import (
    Authenticity,
    BoundingBox,
    Case,
    Outcome,
    QuestionType,
    Record,
    Region,
    Task,
    Verdict,
)
from tests.factories import make_answer

BOX = (20.0, 20.0, 60.0, 60.0)
CASE = Case(
    id="a:point", task=Task.POINTING, image="a", question="Where?",
    question_type=QuestionType.POINT, label=Authenticity.FAKE, regions=(Region(box=BOX),),
)  # fmt: skip


def make_record(
    number: int, *boxes: BoundingBox, real: bool = False, outcome: Outcome = Outcome.CORRECT
) -> Record:
    """A record of that many boxes on an image of its own."""
    case = replace(CASE, id=f"{number}:point", image=str(number))
    if real:
        case = replace(case, label=Authenticity.REAL, regions=())
    verdict = Verdict(outcome=outcome, reason="because", boxes=boxes)
    return Record(
        case=case, prompt="?", answer=make_answer("[]"), verdict=verdict, worker="main"
    )  # fmt: skip


def score(*records: Record) -> dict[str, Estimate]:
    """The scores by metric."""
    return {metric: estimate for metric, _, estimate in score_pointing(records)}


def test_perfect_boxes_score_1() -> None:
    """And none on real images is no false one."""
    scores = score(*(make_record(n, BOX) for n in range(5)), make_record(9, real=True))
    for metric in ("mean_iou", "pointing_game", "box_precision", "box_recall", "box_f1"):
        assert scores[metric].value == 1
    assert scores["false_box_rate"].value == 0


def test_a_box_of_everything_scores_low() -> None:
    """It overlaps a little, and lies in no region by more than half."""
    everything = (0.0, 0.0, 128.0, 128.0)
    wrong = Outcome.INCORRECT
    scores = score(
        *(make_record(n, everything, outcome=wrong) for n in range(5)),
        make_record(9, everything, real=True, outcome=wrong),
    )
    assert scores["mean_iou"].value == pytest.approx(40 * 40 / 128**2)
    assert scores["pointing_game"].value == 0
    assert scores["box_precision"].value == scores["box_f1"].value == 0
    assert scores["false_box_rate"].value == 1


def test_shares_are_over_boxes_and_regions() -> None:
    """One box of three is right, one region of two is found."""
    wrong = (100.0, 100.0, 110.0, 110.0)
    scores = score(make_record(0, BOX, wrong, (0.0, 100.0, 9.0, 110.0)), make_record(1))
    assert scores["box_precision"].value == pytest.approx(1 / 3)
    assert scores["box_recall"].value == pytest.approx(1 / 2)
    assert scores["box_f1"].value == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert scores["mean_iou"].value == pytest.approx(1 / 2)
    assert scores["box_precision"].n == 3
    assert scores["box_recall"].n == 2


def test_without_boxes_precision_is_undefined() -> None:
    """And the others are 0."""
    scores = score(make_record(0, outcome=Outcome.INCORRECT), make_record(1))
    assert "box_precision" not in scores
    assert scores["box_recall"].value == scores["box_f1"].value == scores["mean_iou"].value == 0


def test_points_have_no_overlap() -> None:
    """They match by where they lie."""
    scores = score(make_record(0, (30.0, 30.0, 30.0, 30.0)), make_record(1, (1.0, 1.0, 1.0, 1.0)))
    assert "mean_iou" not in scores
    assert scores["box_recall"].value == 0.5


@pytest.mark.parametrize(
    "flat", [(200.0, 20.0, 200.0, 60.0), (202.0, 20.0, 200.0, 60.0), (200.0, 100.0, 200.0, 100.0)]
)
def test_a_recorded_box_without_an_inside_matches_nothing(flat: BoundingBox) -> None:
    """Earlier runs may hold them; they end no report, and take no score from the others."""
    scores = score(make_record(0, BOX), make_record(1, flat))
    assert scores["mean_iou"].value == scores["box_precision"].value == 0.5
    assert compute_share_inside(flat, Region(box=(0, 0, 200, 100))) == 0
    assert compute_iou(flat, flat) == 0


def test_errors_and_unknown_truth_do_not_count() -> None:
    """An error is no answer without boxes."""
    assert score(
        make_record(0, outcome=Outcome.MODEL_ERROR), make_record(1, outcome=Outcome.UNSCORED)
    ) == {}  # fmt: skip


def test_intersection_over_union() -> None:
    """Of the same, of half, and of none."""
    assert compute_iou(BOX, BOX) == 1
    assert compute_iou(BOX, (20.0, 20.0, 40.0, 60.0)) == pytest.approx(0.5)
    assert compute_iou(BOX, (60.0, 60.0, 80.0, 80.0)) == 0


TRIANGLE = Region(box=(0, 0, 100, 100), polygons=(((0, 0), (100, 0), (0, 100)),))


@pytest.mark.parametrize(
    ("box", "share"),
    [
        ((0, 0, 100, 100), 0.5), ((0, 0, 40, 40), 1.0), ((60, 60, 100, 100), 0.0),
        ((50, 0, 100, 50), 0.5), ((200, 200, 300, 300), 0.0), ((0, 0, 200, 100), 0.25),
    ],
)  # fmt: skip
def test_a_box_lies_in_an_outline_by_its_area(box: BoundingBox, share: float) -> None:
    """To a few hundredths, as finely as outlines are drawn."""
    assert compute_share_inside(box, TRIANGLE) == pytest.approx(share, abs=0.02)
