"""Boxes are scored by overlap, by the pointing game, and by X-AIGD's rule."""

from dataclasses import replace

import numpy as np
import pytest

from fakebench_suite.metrics.intervals import Estimate
from fakebench_suite.metrics.pointing import (
    compare_overlaps,
    compute_iou,
    compute_share_inside,
    matches_region,
    score_pointing,
)
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
    assert scores["box_precision"].n == 1
    assert scores["box_recall"].n == scores["box_f1"].n == scores["mean_iou"].n == 2


@pytest.mark.thorough
@pytest.mark.parametrize(("images", "rate"), [(4, 0.3), (12, 0.3), (30, 0.05), (30, 0.9)])
def test_intervals_cover(images: int, rate: float) -> None:
    """In 100 simulated runs of a model that gives up to three boxes, each of which may be right."""
    rng = np.random.default_rng(images)
    whole = [make_record(n, *_draw_boxes(rate, rng)) for n in range(4000)]
    truths = {metric: estimate.value or 0.0 for metric, estimate in score(*whole).items()}
    del truths["pointing_game"]  # The outcomes of these records do not depend on their boxes.
    covered: dict[str, list[bool]] = {name: [] for name in truths}
    for _ in range(100):
        drawn = [make_record(n, *_draw_boxes(rate, rng)) for n in range(images)]
        scores = score(*drawn)
        for metric, truth in truths.items():
            estimate = scores[metric]
            assert estimate.low is not None
            assert estimate.high is not None
            covered[metric].append(estimate.low <= truth <= estimate.high)
    for metric, hits in covered.items():
        # Of 100 runs at 95 %, fewer than 91 would be a chance of one in 35.
        assert np.mean(hits) > 0.9, (metric, np.mean(hits))


def _draw_boxes(rate: float, rng: np.random.Generator) -> list[BoundingBox]:
    """One to three boxes; each lies in the region with this chance, and covers some of it."""
    shift = 10 * rng.random(3)
    return [
        (20.0 + by, 20.0, 60.0 + by, 60.0) if rng.random() < rate else (90.0, 90.0, 99.0, 99.0)
        for by in shift[: rng.integers(1, 4)]
    ]


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


def test_boxes_without_an_inside_match_nothing() -> None:
    """Which earlier runs may have recorded, beside boxes that have one."""
    flat = (60.0, 20.0, 60.0, 60.0)
    scores = score(make_record(0, BOX), make_record(1, flat), make_record(2, (1.0, 1.0, 1.0, 1.0)))
    assert scores["mean_iou"].value == pytest.approx(1 / 3)
    assert scores["box_precision"].value == pytest.approx(1 / 3)
    assert compute_share_inside(flat, Region(box=BOX)) == 0


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
        ((50, 0, 100, 50), 0.5), ((90, 0, 100, 10), 0.5), ((20, 70, 30, 80), 0.5),
        ((200, 200, 300, 300), 0.0), ((0, 0, 200, 100), 0.25),
    ],
)  # fmt: skip
def test_a_box_lies_in_an_outline_by_its_area(box: BoundingBox, share: float) -> None:
    """As finely as points lie in it; small boxes as well as large ones."""
    assert compute_share_inside(box, TRIANGLE) == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize("side", [10.0, 40.0, 1000.0])
def test_half_a_box_is_not_more_than_half(side: float) -> None:
    """Its outline is no part of a half."""
    half = Region(box=(0, 0, side, side), polygons=(((0, 0), (side, 0), (0, side)),))
    more = Region(
        box=(0, 0, side, side), polygons=(((0, 0), (side, 0), (side, side / 20), (0, side)),)
    )
    assert compute_share_inside((0, 0, side, side), half) == 0.5
    assert not matches_region((0, 0, side, side), half)
    assert matches_region((0, 0, side, side), more)


@pytest.mark.parametrize("images", [2, 4, 30])
@pytest.mark.parametrize("boxes", [(BOX,), (), ((0.0, 0.0, 9.0, 9.0),)])
def test_every_score_has_an_interval(boxes: tuple[BoundingBox, ...], images: int) -> None:
    """Also where all boxes are right, or none is, and where there is none."""
    for estimate in score(*(make_record(n, *boxes) for n in range(images))).values():
        assert estimate.value is not None
        assert estimate.low is not None
        assert estimate.high is not None
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        assert estimate.high - estimate.low > 1 / (images + 4)


def test_cases_whose_regions_were_corrected_are_not_compared() -> None:
    """The boxes of both runs are held against the same regions."""
    before = [make_record(number) for number in range(4)]
    after = [make_record(number, BOX) for number in range(4)]
    more = (Region(box=BOX), Region(box=(70.0, 70.0, 90.0, 90.0)))
    after[0] = replace(after[0], case=replace(after[0].case, regions=more))
    result = compare_overlaps(before, after)
    assert result is not None
    assert (result[0], result[1], result[2].n) == (0, 1, 3)
    assert compare_overlaps(before[:1], after[:1]) is None
