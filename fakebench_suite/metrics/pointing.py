"""Scores of boxes: overlap, pointing game, and X-AIGD's matches.

IoU is that of boxes. By the rule of X-AIGD (arXiv 2601.19430) a box matches a region when more than
half of it lies in the region's mask; categories are not asked for and do not matter. A point has no
size and matches the region it lies in; it has no IoU. Unparsed and refused replies give no box.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakebench_suite.grading.boxes import find_centre, lies_in
from fakebench_suite.metrics.intervals import (
    Estimate,
    bound_statistic,
    estimate_bounded,
    estimate_change,
    estimate_mean,
    resample_totals,
    widen,
)
from fakebench_suite.tasks.registry import Grader, get_task
from fakebench_suite.types import Authenticity, BoundingBox, Outcome, Record, Region

ALL = "all"
_HALF = 0.5
_SIDE = 128
"""Points a side at which a box is compared with outlines."""
Floats = NDArray[np.float64]
Named = Iterator[tuple[str, str, Estimate]]


def _list_answered(records: Iterable[Record]) -> list[Record]:
    return [
        record
        for record in sorted(records, key=lambda record: record.case.id)
        if get_task(record.case.task).grader is Grader.BOX
        and not record.verdict.outcome.is_error
        and record.verdict.outcome is not Outcome.UNSCORED
    ]


def score_pointing(records: Iterable[Record]) -> Named:
    """Yield metric, subgroup and estimate of the records of one task, where it asks for boxes."""
    answered = _list_answered(records)
    real = [record for record in answered if record.case.label is Authenticity.REAL]
    if real:
        gave = [bool(record.verdict.boxes) for record in real]
        yield "false_box_rate", ALL, estimate_mean(gave, [record.case.image for record in real])
    known = [record for record in answered if record.case.regions]
    if known:
        images = [record.case.image for record in known]
        hits = [record.verdict.outcome is Outcome.CORRECT for record in known]
        yield "pointing_game", ALL, estimate_mean(hits, images)
        yield from _average_iou(known)
        yield from _score_matches(known)


def _average_iou(known: Sequence[Record]) -> Named:
    """The mean over regions, where the model gives boxes and not points.

    The format of the model's card makes all of them the one or the other.
    """
    if _are_points(known):
        return
    values = [overlap for record in known for overlap in _list_overlaps(record)]
    images = [record.case.image for record in known for _ in record.case.regions]
    yield "mean_iou", ALL, replace(estimate_bounded(values, images), n=len(known))


def _are_points(records: Iterable[Record]) -> bool:
    """Whether all boxes are points, and there is one."""
    given = [box for record in records for box in record.verdict.boxes]
    return bool(given) and all(map(is_point, given))


def _list_overlaps(record: Record) -> list[float]:
    """Of each region, the overlap with the box that fits it best."""
    return [
        max((compute_iou(box, region.box) for box in record.verdict.boxes), default=0.0)
        for region in record.case.regions
    ]


def compare_overlaps(
    old: Iterable[Record], new: Iterable[Record]
) -> tuple[float, float, Estimate] | None:
    """The mean overlap in two runs and its change; None if there is nothing to pair.

    It is over the cases of both that have the same regions in both.
    """
    sides = [
        {record.case.id: record for record in _list_answered(side) if record.case.regions}
        for side in (old, new)
    ]
    both = sorted(
        name
        for name in sides[0].keys() & sides[1].keys()
        if sides[0][name].case.regions == sides[1][name].case.regions
    )
    if not both or any(_are_points(side.values()) for side in sides):
        return None
    before, after = (
        np.array([overlap for name in both for overlap in _list_overlaps(side[name])])
        for side in sides
    )
    images = [sides[1][name].case.image for name in both for _ in sides[1][name].case.regions]
    change = replace(estimate_change(after - before, images), n=len(both))
    return float(before.mean()), float(after.mean()), change


def _score_matches(known: Sequence[Record]) -> Named:
    """Precision, recall and F1 of boxes by X-AIGD's rule."""
    rights: list[bool] = []
    founds: list[bool] = []
    of_boxes: list[str] = []
    of_regions: list[str] = []
    for record in known:
        right, found = _match(record)
        rights += right
        founds += found
        of_boxes += [record.case.image] * len(right)
        of_regions += [record.case.image] * len(found)
    precision, recall = estimate_bounded(rights, of_boxes), estimate_bounded(founds, of_regions)
    if precision.value is not None:
        n = sum(bool(record.verdict.boxes) for record in known)
        yield "box_precision", ALL, replace(precision, n=n)
    yield "box_recall", ALL, replace(recall, n=len(known))
    yield "box_f1", ALL, replace(_estimate_f1(known, precision, recall), n=len(known))


def _estimate_f1(known: Sequence[Record], precision: Estimate, recall: Estimate) -> Estimate:
    """Its interval is a bootstrap, at least as wide as F1 at the bounds of both shares."""
    images = [record.case.image for record in known]
    counts = np.array([_count_matches(record) for record in known], dtype=float)
    resampled = resample_totals(counts, images)
    value = float(_combine(*counts.sum(axis=0)))
    estimate = bound_statistic(value, _combine(*resampled.T), groups=len(set(images)), n=len(known))
    if recall.low is None or recall.high is None:
        return estimate
    # Without any box, precision could be anything.
    floor, ceiling = (
        default if bound is None else bound
        for bound, default in ((precision.low, 0.0), (precision.high, 1.0))
    )
    bounds = (_harmonic_mean(floor, recall.low), _harmonic_mean(ceiling, recall.high))
    return widen(estimate, *map(float, bounds))


def _combine(matched: ArrayLike, boxes: ArrayLike, found: ArrayLike, regions: ArrayLike) -> Floats:
    """F1 from counts; 0 where nothing matches."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return _harmonic_mean(np.divide(matched, boxes), np.divide(found, regions))


def _harmonic_mean(precision: ArrayLike, recall: ArrayLike) -> Floats:
    """F1; 0 where one of both is 0 or undefined."""
    first, second = np.asarray(precision, dtype=float), np.asarray(recall, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = 2 * first * second / (first + second)
    return np.where((first > 0) & (second > 0), mean, 0.0)


def _match(record: Record) -> tuple[list[bool], list[bool]]:
    """Whether each box matches a region, and whether each region has such a box."""
    boxes, regions = record.verdict.boxes, record.case.regions
    matches = [[matches_region(box, region) for region in regions] for box in boxes]
    found = [any(row[index] for row in matches) for index in range(len(regions))]
    return list(map(any, matches)), found


def _count_matches(record: Record) -> tuple[int, int, int, int]:
    """Matched boxes, boxes, found regions and regions."""
    right, found = _match(record)
    return sum(right), len(right), sum(found), len(found)


def is_point(box: BoundingBox) -> bool:
    """Whether a box has no size."""
    return box[0] == box[2] and box[1] == box[3]


def compute_iou(first: BoundingBox, second: BoundingBox) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    shared = _measure_overlap(first, second)
    union = _measure(first) + _measure(second) - shared
    return shared / union if union > 0 else 0.0


def _measure(box: BoundingBox) -> float:
    """The area of a box; 0 where it has no inside."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _measure_overlap(first: BoundingBox, second: BoundingBox) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, width) * max(0.0, height)


@lru_cache(maxsize=4096)
def matches_region(box: BoundingBox, region: Region) -> bool:
    """Whether more than half of a box lies in a region; of a point, whether it does."""
    if is_point(box):
        return lies_in(find_centre(box), region)
    return compute_share_inside(box, region) > _HALF


def compute_share_inside(box: BoundingBox, region: Region) -> float:
    """The share of a box, 0 to 1, that lies in a region; of outlines, by a grid of _SIDE points.

    A point on an outline counts as half, so that half a box has 0.5 and not more than half. It is 0
    of a box without an inside, which earlier runs may have recorded.
    """
    if _measure(box) <= 0:
        return 0.0
    if not region.polygons or not _measure_overlap(box, region.box):
        return _measure_overlap(box, region.box) / _measure(box)
    from skimage.measure import grid_points_in_poly

    left, top, right, bottom = box
    across, down = _SIDE / (right - left), _SIDE / (bottom - top)
    inside = np.zeros((_SIDE, _SIDE))
    for outline in region.polygons:
        # A grid point is the centre of its cell.
        points = [((y - top) * down - 0.5, (x - left) * across - 0.5) for x, y in outline]
        labels = grid_points_in_poly((_SIDE, _SIDE), points, binarize=False)
        inside = np.maximum(inside, np.where(labels == 1, 1.0, np.where(labels > 1, 0.5, 0.0)))
    return float(inside.mean())
