"""Scores of boxes: overlap, pointing game, and X-AIGD's matches.

IoU is that of boxes. By the rule of X-AIGD (arXiv 2601.19430) a box matches a region when more than
half of it lies in the region's mask; categories are not asked for and do not matter. A point has no
size and matches the region it lies in; it has no IoU. Unparsed and refused replies give no box.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from fakebench_suite.grading.boxes import find_centre, lies_in
from fakebench_suite.metrics.intervals import (
    Estimate,
    bound_statistic,
    estimate_mean,
    resample_totals,
)
from fakebench_suite.tasks.registry import Grader, get_task
from fakebench_suite.types import Authenticity, BoundingBox, Outcome, Record, Region

ALL = "all"
_HALF = 0.5
_SIDE = 256
"""Most pixels a side at which a box is compared with outlines; larger ones are scaled down."""
Named = Iterator[tuple[str, str, Estimate]]


def score_pointing(records: Iterable[Record]) -> Named:
    """Yield metric, subgroup and estimate of the records of one task, where it asks for boxes."""
    answered = [
        record
        for record in sorted(records, key=lambda record: record.case.id)
        if get_task(record.case.task).grader is Grader.BOX
        and not record.verdict.outcome.is_error
        and record.verdict.outcome is not Outcome.UNSCORED
    ]
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
    given = [box for record in known for box in record.verdict.boxes]
    if given and all(map(is_point, given)):
        return
    values, images = [], []
    for record in known:
        for region in record.case.regions:
            overlaps = (compute_iou(box, region.box) for box in record.verdict.boxes)
            values.append(max(overlaps, default=0.0))
            images.append(record.case.image)
    yield "mean_iou", ALL, estimate_mean(values, images, proportion=False)


def _score_matches(known: Sequence[Record]) -> Named:
    """Precision, recall and F1 of boxes by X-AIGD's rule."""
    counts = np.array([_count_matches(record) for record in known], dtype=float)
    images = [record.case.image for record in known]
    matched, boxes, found, regions = counts.sum(axis=0)
    resampled = resample_totals(counts, images)
    groups = len(set(images))
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = resampled[:, 0] / resampled[:, 1]
        recall = resampled[:, 2] / resampled[:, 3]
        f1 = np.where(recall > 0, 2 * precision * recall / (precision + recall), 0.0)
    if boxes:
        share = float(matched / boxes)
        yield "box_precision", ALL, bound_statistic(share, precision, groups=groups, n=int(boxes))
    share = float(found / regions)
    yield "box_recall", ALL, bound_statistic(share, recall, groups=groups, n=int(regions))
    both = 2 * (matched / boxes) * share / (matched / boxes + share) if found else 0.0
    yield "box_f1", ALL, bound_statistic(float(both), f1, groups=groups, n=int(boxes + regions))


def _count_matches(record: Record) -> tuple[int, int, int, int]:
    """Matched boxes, boxes, found regions and regions."""
    boxes, regions = record.verdict.boxes, record.case.regions
    matches = [[matches_region(box, region) for region in regions] for box in boxes]
    found = sum(any(row[index] for row in matches) for index in range(len(regions)))
    return sum(map(any, matches)), len(boxes), found, len(regions)


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
    """The share of a box, 0 to 1, that lies in a region; outlines are drawn at _SIDE at most.

    It is 0 of a box without an inside, which earlier runs may have recorded.
    """
    if _measure(box) <= 0:
        return 0.0
    if not region.polygons or not _measure_overlap(box, region.box):
        return _measure_overlap(box, region.box) / _measure(box)
    from PIL import Image, ImageDraw

    left, top, right, bottom = box
    width, height = (max(1, min(_SIDE, round(side))) for side in (right - left, bottom - top))
    across, down = width / (right - left), height / (bottom - top)
    mask = Image.new("1", (width, height))
    pen = ImageDraw.Draw(mask)
    for outline in region.polygons:
        # A pixel's own coordinates are those of its centre.
        points = [((x - left) * across - 0.5, (y - top) * down - 0.5) for x, y in outline]
        pen.polygon(points, fill=1)
    return float(np.asarray(mask).mean())
