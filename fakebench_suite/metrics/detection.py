"""Detection beyond accuracy: correlation, bias, consistency, ranking and calibration.

Names follow scikit-learn where it has one. ``predicted`` labels exist for parsed replies only.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from fakebench_suite.metrics.dataframe import Rows, is_any_of, is_present
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


def score_detection(graded: Rows) -> Named:
    """Every whole-population score of detection apart from accuracy and the rates."""
    fake, groups = graded["label"] == Authenticity.FAKE, graded.groups
    yield "balanced_accuracy", estimate_balanced(graded["correct"], fake, groups)
    yield "fake_real_gap", estimate_gap(graded["correct"], fake, groups)
    is_parsed, has_chance = (
        ~is_any_of(graded["outcome"], WITHOUT_VERDICT),
        is_present(graded["p_fake"]),
    )
    parsed = graded.select(is_parsed)
    said_fake = parsed["reply_label"] == Authenticity.FAKE
    groups = parsed.groups
    yield "fake_rate", estimate_mean(said_fake, groups)
    is_fake = parsed["label"] == Authenticity.FAKE
    yield "matthews_corrcoef", estimate_statistic(matthews_corrcoef, is_fake, said_fake, groups)
    asked = is_any_of(parsed["question_type"], (QuestionType.ISFAKE, QuestionType.ISREAL))
    asked_fake = parsed["question_type"] == QuestionType.ISFAKE
    said_yes = said_fake == asked_fake
    yield "yes_rate", estimate_mean(said_yes[asked], parsed.select(asked).groups)
    yield "polarity_consistency", _polarity_consistency(parsed)
    # P(fake) of one half is no verdict, and ranks between the others all the same.
    yield "pairwise_accuracy", _pairwise_accuracy(graded.select(is_parsed | has_chance))
    weighed = graded.select(has_chance)
    if len(weighed):
        yield from score_likelihoods(weighed)


def score_likelihoods(weighed: Rows) -> Named:
    """Ranking and calibration metrics of P(fake)."""
    fake, groups = weighed["label"] == Authenticity.FAKE, weighed.groups
    chances = weighed["p_fake"]
    for name, statistic in (
        ("roc_auc", roc_auc),
        ("average_precision", average_precision),
        ("equal_error_rate", equal_error_rate),
    ):
        yield name, estimate_statistic(statistic, fake, chances, groups)
    # Both are biased upwards, and resampling adds to the bias: in simulations their percentile
    # intervals cover 60 to 92 %, so they get none.
    for name, statistic in (
        ("best_threshold_accuracy", best_threshold_accuracy),
        ("expected_calibration_error", expected_calibration_error),
    ):
        estimate = estimate_statistic(statistic, fake, chances, groups)
        yield name, replace(estimate, low=None, high=None)


def _polarity_consistency(parsed: Rows) -> Estimate:
    """The share of images with the same label for "is it fake?" and "is it real?"."""
    said: dict[tuple[str, str], dict[str, str]] = {}
    columns = ("image", "pair", "question_type", "reply_label")
    for image, pair, question_type, label in zip(*(parsed[name] for name in columns), strict=True):
        said.setdefault((image, pair), {}).setdefault(question_type, label)
    same = {
        key: labels[QuestionType.ISFAKE] == labels[QuestionType.ISREAL]
        for key, labels in said.items()
        if QuestionType.ISFAKE in labels and QuestionType.ISREAL in labels
    }
    return estimate_mean(list(same.values()), [pair for _, pair in same])


def _pairwise_accuracy(ranked: Rows) -> Estimate:
    """Of each forged probe and its untouched image: 1 if the forged one ranks higher.

    By P(fake) where there is one, else by the verdicts; a tie counts one half.
    """
    said_fake = (ranked["reply_label"] == Authenticity.FAKE).astype(float)
    suspicion = np.where(is_present(ranked["p_fake"]), ranked["p_fake"], said_fake)
    columns = ("image", "pair", "question_type", "label", "paired_image")
    asked = list(zip(*(ranked[name] for name in columns), suspicion, strict=True))
    untouched: dict[tuple[str, str], list[float]] = {}
    for image, _, question_type, _, _, value in asked:
        untouched.setdefault((image, question_type), []).append(value)
    wins = [
        (pair, (np.sign(value - other) + 1) / 2)
        for _, pair, question_type, label, paired_image, value in asked
        if label == Authenticity.FAKE and paired_image is not None
        for other in untouched.get((paired_image, question_type), ())
    ]
    values = [value for _, value in wins]
    decided = bool(np.isin(values, (0.0, 1.0)).all())
    return estimate_mean(values, [pair for pair, _ in wins], proportion=decided)
