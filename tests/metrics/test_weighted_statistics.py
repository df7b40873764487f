"""Statistics by weights are scikit-learn's, and their intervals cover what they promise."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    roc_auc_score,
    roc_curve,
)
from sklearn.metrics import (
    matthews_corrcoef as reference_mcc,
)

from fakebench_suite.metrics import intervals
from fakebench_suite.metrics.intervals import Statistic, estimate_mean, estimate_statistic
from fakebench_suite.metrics.weighted_statistics import (
    average_precision,
    best_threshold_accuracy,
    equal_error_rate,
    expected_calibration_error,
    matthews_corrcoef,
    roc_auc,
)

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def draw(
    rng: np.random.Generator, images: int, *, sharpness: float = 1.6, digits: int = 15
) -> tuple[Bools, Floats]:
    """Half fakes, half reals, with overconfident and informative likelihoods."""
    fake = np.arange(images) < images / 2
    logits = rng.normal(0, 1.2, images) + np.where(fake, 0.6, -0.6)
    return fake, np.round(1 / (1 + np.exp(-sharpness * logits)), digits)


def decide(chances: Floats) -> Floats:
    """The verdict behind a likelihood: 1 for fake."""
    return (chances > 0.5).astype(float)


def best_by_hand(fake: Bools, chances: Floats, sample_weight: Floats) -> float:
    """The best of all thresholds, one after another."""
    cuts = [*np.unique(chances), 2.0]
    accuracies = [accuracy_score(fake, chances >= c, sample_weight=sample_weight) for c in cuts]
    return float(max(accuracies))


def cross_by_hand(fake: Bools, chances: Floats, sample_weight: Floats) -> float:
    """Where scikit-learn's ROC curve, as straight lines, crosses equal rates of errors."""
    alarms, hits, _ = roc_curve(fake, chances, sample_weight=sample_weight, drop_intermediate=False)
    return float(brentq(lambda rate: 1 - rate - np.interp(rate, alarms, hits), 0, 1))


@pytest.mark.parametrize(
    ("statistic", "reference", "on_decisions"),
    [
        (matthews_corrcoef, reference_mcc, True),
        (roc_auc, roc_auc_score, False),
        (average_precision, average_precision_score, False),
        (equal_error_rate, cross_by_hand, False),
        (best_threshold_accuracy, best_by_hand, False),
    ],
)
def test_weighted_values_are_scikit_learns(
    statistic: Statistic, reference: Callable[..., float], on_decisions: bool
) -> None:
    """On twenty random weightings, ties among scores included."""
    rng = np.random.default_rng(5)
    fake, chances = draw(rng, 80, digits=1)
    weights = rng.integers(0, 4, (20, 80)).astype(float)
    scores = decide(chances) if on_decisions else chances
    values = statistic(fake, scores, weights)
    for value, row in zip(values, weights, strict=True):
        assert value == pytest.approx(reference(fake, scores, sample_weight=row))


def test_one_sided_verdicts_have_no_correlation() -> None:
    """A model that always says fake correlates with nothing: 0, and no division by zero."""
    fake = np.array([True, False, True])
    assert matthews_corrcoef(fake, np.ones(3), np.ones((2, 3))).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ([0.9, 0.8, 0.2, 0.1], 0.0),
        ([0.1, 0.2, 0.8, 0.9], 1.0),
        ([0.5, 0.5, 0.5, 0.5], 0.5),
        ([0.9, 0.3, 0.6, 0.1], 0.5),
        ([0.9, 0.6, 0.6, 0.1], 0.25),
    ],
)
def test_both_classes_err_alike_at_the_equal_error_rate(
    chances: list[float], expected: float
) -> None:
    """Two fakes and two reals: apart, the wrong way round, alike, and between two thresholds."""
    fake = np.array([True, True, False, False])
    value = equal_error_rate(fake, np.array(chances), np.ones((1, 4)))[0]
    assert value == pytest.approx(expected)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("statistic", "questions"),
    [
        (matthews_corrcoef, 1),
        (roc_auc, 1),
        pytest.param(average_precision, 1, marks=pytest.mark.slow),
        pytest.param(equal_error_rate, 1, marks=pytest.mark.slow),
        (matthews_corrcoef, 3),
        pytest.param(roc_auc, 3, marks=pytest.mark.slow),
        pytest.param(average_precision, 3, marks=pytest.mark.slow),
        pytest.param(equal_error_rate, 3, marks=pytest.mark.slow),
    ],
)
def test_intervals_of_rankings_cover_as_often_as_they_say(
    monkeypatch: pytest.MonkeyPatch, statistic: Statistic, questions: int
) -> None:
    """In 300 simulated runs, one question or three alike per image, 93-97 % cover the truth."""
    monkeypatch.setattr(intervals, "RESAMPLES", 400)
    images = 300
    rng = np.random.default_rng(11)
    prepare = decide if statistic is matthews_corrcoef else np.array
    fake, chances = draw(rng, 400_000)
    true_value = float(statistic(fake, prepare(chances), np.ones((1, fake.size)))[0])
    groups = np.repeat(np.arange(images), questions).astype(str).tolist()
    hits, runs = 0, 300
    for _ in range(runs):
        fakes, likelihoods = draw(rng, images)
        scores = prepare(np.repeat(likelihoods, questions))
        estimate = estimate_statistic(statistic, np.repeat(fakes, questions), scores, groups)
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= true_value <= estimate.high
    assert 0.93 <= hits / runs <= 0.97


@pytest.mark.thorough
def test_intervals_of_judged_scores_cover_too() -> None:
    """Marks of 0 to 2 in sixths, five texts an image, images of unequal difficulty."""
    rng = np.random.default_rng(2)
    images, texts, runs = 150, 5, 300
    groups = np.repeat(np.arange(images), texts).astype(str).tolist()
    hits = 0
    for _ in range(runs):
        chances = np.repeat(rng.choice([0.35, 0.75], images), texts)
        scores = rng.binomial(6, chances) / 6
        estimate = estimate_mean(scores, groups)
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= 0.55 <= estimate.high
    assert 0.93 <= hits / runs <= 0.97


def test_a_calibrated_model_has_little_calibration_error() -> None:
    """Outcomes drawn at the stated probabilities leave an error near zero; doubled ones do not."""
    rng = np.random.default_rng(4)
    chances = rng.random(50_000)
    fake = rng.random(50_000) < chances
    assert expected_calibration_error(fake, chances, np.ones((1, 50_000)))[0] < 0.02
    assert expected_calibration_error(fake, chances**2, np.ones((1, 50_000)))[0] > 0.1
