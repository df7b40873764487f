"""Scores of detected criteria have intervals that cover, also at 0, at 1, and of few images."""

import numpy as np
import pytest

from fakebench_suite.metrics.claim_detection import ClaimTable, score_detections
from fakebench_suite.metrics.intervals import Estimate
from fakebench_suite.tasks.criteria import CRITERIA

VIOLATED = (0, 1, 2, 3)
"""The criteria of which forged images violate one, each in its turn, and have the others intact."""


def draw_table(
    images: int, recall: float, false_alarms: float, rng: np.random.Generator
) -> tuple[ClaimTable, np.ndarray]:
    """Claims about so many forged images and as many real twins, of four criteria each."""
    counts = np.zeros((2 * images, len(CRITERIA), 4))
    for row in range(2 * images):
        for index in VIOLATED:
            is_violated = row < images and index == row % len(VIOLATED)
            is_claimed = rng.random() < (recall if is_violated else false_alarms)
            counts[row, index, (0 if is_claimed else 1) if is_violated else 3 - is_claimed] = 1
    groups = tuple(str(row % images) for row in range(2 * images))
    return ClaimTable(counts=counts, groups=groups), np.arange(2 * images) < images


def score(table: ClaimTable, forged: np.ndarray) -> dict[tuple[str, str], Estimate]:
    """The scores by metric and subgroup."""
    return {(metric, name): estimate for metric, name, estimate in score_detections(table, forged)}


@pytest.mark.parametrize(("recall", "false_alarms"), [(1.0, 0.0), (0.0, 0.0), (1.0, 1.0)])
@pytest.mark.parametrize("images", [2, 4, 40])
def test_every_score_has_an_interval(recall: float, false_alarms: float, images: int) -> None:
    """Where all images agree it has a width, and it holds the value."""
    scores = score(*draw_table(images, recall, false_alarms, np.random.default_rng(0)))
    assert len(scores) > 5
    for estimate in scores.values():
        assert estimate.value is not None
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.low < estimate.high
    recall_estimate = scores["claim_recall", "all"]
    wide = recall_estimate.high - recall_estimate.low  # type: ignore[operator]
    for name in ("claim_informedness", "claim_informedness_all_images"):
        estimate = scores[name, "all"]
        assert estimate.high - estimate.low >= wide - 1e-9  # type: ignore[operator]


def test_cases_are_counted_once() -> None:
    """A case in which several criteria are known is one case."""
    scores = score(*draw_table(8, 1.0, 0.0, np.random.default_rng(0)))
    assert scores["claim_informedness", "all"].n == 8
    assert scores["claim_informedness_all_images", "all"].n == 16
    assert scores["claim_recall", "all"].n == scores["claim_precision", "all"].n == 8
    assert scores["claim_recall", f"criterion={CRITERIA[0]}"].n == 2


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("images", "recall", "false_alarms"),
    [(4, 0.6, 0.1), (12, 0.6, 0.1), (40, 0.95, 0.02), (12, 0.2, 0.2)],
)
def test_intervals_cover(images: int, recall: float, false_alarms: float) -> None:
    """In 100 simulated runs of explainers whose recall and false alarms are known."""
    rng = np.random.default_rng(images)
    found, expected = images * recall, 7 * images * false_alarms
    truths = {
        "claim_recall": recall,
        "claim_informedness": recall - false_alarms,
        "claim_informedness_all_images": recall - false_alarms,
        "claim_precision": found / (found + expected),
        "claim_f1": 2 * found / (found + images + expected),
    }
    covered: dict[str, list[bool]] = {name: [] for name in truths}
    for _ in range(100):
        for metric, subgroup, estimate in score_detections(
            *draw_table(images, recall, false_alarms, rng)
        ):
            if subgroup != "all":
                break
            assert estimate.low is not None
            assert estimate.high is not None
            covered[metric].append(estimate.low <= truths[metric] <= estimate.high)
    for metric, hits in covered.items():
        # Of 100 runs at 95 %, fewer than 91 would be a chance of one in 35.
        assert np.mean(hits) > 0.9, (metric, np.mean(hits), len(hits))
