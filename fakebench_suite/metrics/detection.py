"""Detection beyond accuracy: correlation, bias, consistency, ranking and calibration.

Names follow scikit-learn where it has one. ``predicted`` labels exist for parsed replies only.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from fakebench_suite.metrics.intervals import (
    Estimate,
    estimate_balanced,
    estimate_gap,
    estimate_mean,
    estimate_statistic,
)
from fakebench_suite.metrics.weighted_statistics import (
    average_precision,
    best_threshold_accuracy,
    equal_error_rate,
    expected_calibration_error,
    matthews_corrcoef,
    roc_auc,
)
from fakebench_suite.types import WITHOUT_VERDICT, Authenticity, QuestionType

Named = Iterator[tuple[str, Estimate]]


def score_detection(graded: pd.DataFrame) -> Named:
    """Every whole-population score of detection apart from accuracy and the rates."""
    fake, images = graded["label"] == Authenticity.FAKE, graded["image"].tolist()
    yield "balanced_accuracy", estimate_balanced(graded["correct"], fake, images)
    yield "fake_real_gap", estimate_gap(graded["correct"], fake, images)
    parsed = graded[~graded["outcome"].isin(WITHOUT_VERDICT)]
    said_fake = parsed["reply_label"] == Authenticity.FAKE
    groups = parsed["image"].tolist()
    yield "fake_rate", estimate_mean(said_fake, groups)
    is_fake = parsed["label"] == Authenticity.FAKE
    yield "matthews_corrcoef", estimate_statistic(matthews_corrcoef, is_fake, said_fake, groups)
    asked = parsed["question_type"].isin([QuestionType.ISFAKE, QuestionType.ISREAL])
    yes = said_fake[asked] == (parsed["question_type"][asked] == QuestionType.ISFAKE)
    yield "yes_rate", estimate_mean(yes, parsed["image"][asked].tolist())
    yield "polarity_consistency", _polarity_consistency(parsed)
    yield "pairwise_accuracy", _pairwise_accuracy(parsed)
    weighed = parsed[parsed["p_fake"].notna()]
    if not weighed.empty:
        yield from score_likelihoods(weighed)


def score_likelihoods(weighed: pd.DataFrame) -> Named:
    """Ranking and calibration metrics of P(fake)."""
    fake, images = weighed["label"] == Authenticity.FAKE, weighed["image"].tolist()
    chances = weighed["p_fake"].astype(float)
    for name, statistic in (
        ("roc_auc", roc_auc),
        ("average_precision", average_precision),
        ("equal_error_rate", equal_error_rate),
    ):
        yield name, estimate_statistic(statistic, fake, chances, images)
    # Both are biased upwards, and resampling adds to the bias: in simulations their percentile
    # intervals cover 60 to 92 %, so they get none.
    for name, statistic in (
        ("best_threshold_accuracy", best_threshold_accuracy),
        ("expected_calibration_error", expected_calibration_error),
    ):
        estimate = estimate_statistic(statistic, fake, chances, images)
        yield name, replace(estimate, low=None, high=None)


def _polarity_consistency(parsed: pd.DataFrame) -> Estimate:
    """The share of images with the same label for "is it fake?" and "is it real?"."""
    said: dict[str, dict[str, str]] = {}
    columns = ("image", "question_type", "reply_label")
    for image, question_type, label in zip(*(parsed[name] for name in columns), strict=True):
        said.setdefault(image, {}).setdefault(question_type, label)
    same = {
        image: labels[QuestionType.ISFAKE] == labels[QuestionType.ISREAL]
        for image, labels in said.items()
        if QuestionType.ISFAKE in labels and QuestionType.ISREAL in labels
    }
    return estimate_mean(list(same.values()), list(same))


def _pairwise_accuracy(parsed: pd.DataFrame) -> Estimate:
    """Of each forged probe and its untouched image: 1 if the forged one ranks higher.

    By P(fake) where there is one, else by the verdicts; a tie counts one half.
    """
    said_fake = (parsed["reply_label"] == Authenticity.FAKE).astype(float)
    suspicion = parsed["p_fake"].fillna(said_fake)
    columns = ("image", "question_type", "label", "paired_image")
    asked = list(zip(*(parsed[name] for name in columns), suspicion, strict=True))
    untouched: dict[tuple[str, str], list[float]] = {}
    for image, question_type, _, _, value in asked:
        untouched.setdefault((image, question_type), []).append(value)
    ranked = [
        (image, (np.sign(value - other) + 1) / 2)
        for image, question_type, label, paired_image, value in asked
        if label == Authenticity.FAKE and paired_image is not None
        for other in untouched.get((paired_image, question_type), ())
    ]
    values = [value for _, value in ranked]
    decided = bool(np.isin(values, (0.0, 1.0)).all())
    return estimate_mean(values, [image for image, _ in ranked], proportion=decided)
