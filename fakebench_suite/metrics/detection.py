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
    asked = parsed[parsed["question_type"].isin([QuestionType.ISFAKE, QuestionType.ISREAL])]
    said = asked.pivot_table(
        index="image", columns="question_type", values="reply_label", aggfunc="first"
    )
    both = said.reindex(columns=[str(QuestionType.ISFAKE), str(QuestionType.ISREAL)]).dropna()
    return estimate_mean(both.iloc[:, 0] == both.iloc[:, 1], both.index.tolist())


def _pairwise_accuracy(parsed: pd.DataFrame) -> Estimate:
    """Of each forged probe and its untouched image: 1 if the forged one ranks higher.

    By P(fake) where there is one, else by the verdicts; a tie counts one half.
    """
    suspicion = parsed["p_fake"].astype(float)
    suspicion = suspicion.fillna((parsed["reply_label"] == Authenticity.FAKE).astype(float))
    asked = parsed.assign(suspicion=suspicion)[
        ["image", "question_type", "label", "paired_image", "suspicion"]
    ]
    forged = asked[(asked["label"] == Authenticity.FAKE) & asked["paired_image"].notna()]
    pairs = forged.merge(
        asked,
        left_on=["paired_image", "question_type"],
        right_on=["image", "question_type"],
        suffixes=("", "_paired"),
    )
    ranked = (np.sign(pairs["suspicion"] - pairs["suspicion_paired"]) + 1) / 2
    decided = bool(np.isin(ranked, (0.0, 1.0)).all())
    return estimate_mean(ranked, pairs["image"].tolist(), proportion=decided)
