"""Intervals cover what they promise, and never claim certainty."""

import numpy as np
import pytest
from scipy.stats import bootstrap, norm
from statsmodels.stats.proportion import proportion_confint

from fakebench_suite.metrics.intervals import (
    NOTHING,
    RESAMPLES,
    SMALL,
    Statistic,
    estimate_balanced,
    estimate_bounded,
    estimate_change,
    estimate_gap,
    estimate_mean,
    estimate_statistic,
    wilson,
)
from fakebench_suite.metrics.weighted_statistics import f1_score, matthews_corrcoef, roc_auc

SHIFT = 1e-6


def test_one_question_per_image_gets_wilson() -> None:
    """A plain proportion has statsmodels' Wilson interval, also at 0 and 1."""
    for hits in (0, 13, 40):
        values = [1.0] * hits + [0.0] * (40 - hits)
        estimate = estimate_mean(values, [str(i) for i in range(40)])
        low, high = proportion_confint(hits, 40, method="wilson")
        assert (estimate.low, estimate.high) == pytest.approx((low, high))
        assert (estimate.value, estimate.n) == (hits / 40, 40)


def test_several_questions_per_image_widen_the_interval() -> None:
    """Five copies of each answer bring no more certainty than one."""
    rng = np.random.default_rng(0)
    values = (rng.random(100) < 0.7).astype(float)
    repeated = np.repeat(values, 5)
    independent = estimate_mean(values, [str(i) for i in range(100)])
    grouped = estimate_mean(repeated, [str(i // 5) for i in range(500)])
    assert independent.low is not None
    assert independent.high is not None
    assert grouped.low == pytest.approx(independent.low, abs=0.03)
    assert grouped.high == pytest.approx(independent.high, abs=0.03)
    assert grouped.n == 500


def test_agreement_is_not_certainty() -> None:
    """All answers right, several per image: the lower bound stays below one."""
    estimate = estimate_mean([1.0] * 30, [str(i // 3) for i in range(30)])
    assert estimate.value == 1.0
    assert estimate.low is not None
    assert 0.6 < estimate.low < 0.9


def test_too_little_gives_no_interval() -> None:
    """Nothing gives nothing; one image of several answers gives a value without an interval."""
    assert estimate_mean([], []) == NOTHING
    estimate = estimate_mean([1.0, 0.0], ["a", "a"])
    assert (estimate.value, estimate.low, estimate.high) == (0.5, None, None)
    assert estimate_balanced([1.0], [True], ["a"]) == NOTHING


def test_changes_that_are_alike_are_not_certainty() -> None:
    """Every image changes in 15 of 38 levels: the interval has room on both sides."""
    groups = [name for name in "abcde" for _ in range(38)]
    change = estimate_change(([1] * 15 + [0] * 23) * 5, groups)
    assert change.value == pytest.approx(15 / 38)
    assert change.low is not None
    assert change.high is not None
    assert change.low < 0.2
    assert change.high > 0.6


def test_two_images_say_little() -> None:
    """Thirty questions on each of two images tell little of other images."""
    groups = [name for name in "ab" for _ in range(30)]
    estimate = estimate_mean([1] * 16 + [0] * 14 + [1] * 17 + [0] * 13, groups)
    assert (estimate.low, estimate.high) == pytest.approx(
        proportion_confint(33 / 60 * 2, 2, method="wilson")
    )


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("images", "mean"), [(10, 0.6), (30, 0.95)], ids=["few images", "few images, easy"]
)
def test_few_images_are_covered_too(images: int, mean: float) -> None:
    """Fourteen questions on each of few images, some harder than others: still 93-97 %."""
    rng = np.random.default_rng(1)
    groups = [str(i // 14) for i in range(images * 14)]
    hits, runs = 0, 400
    for _ in range(runs):
        chance = np.repeat(rng.beta(mean * 6, (1 - mean) * 6, images), 14)
        estimate = estimate_mean((rng.random(images * 14) < chance).astype(float), groups)
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= mean <= estimate.high
    assert 0.93 <= hits / runs <= 0.97


def test_images_of_one_mean_are_not_certainty() -> None:
    """Two of three questions right about every image: resampling images would give no width."""
    groups = [name for name in "abcdef" for _ in range(3)]
    estimate = estimate_mean([1, 1, 0] * 6, groups)
    assert estimate.value == pytest.approx(2 / 3)
    assert (estimate.low, estimate.high) == pytest.approx(proportion_confint(4, 6, method="wilson"))
    marks = estimate_mean([2.0, 1.0, 0.0] * 6, groups, proportion=False)
    assert (marks.value, marks.low, marks.high) == (1.0, None, None)


@pytest.mark.parametrize("odd", [1, 4])
def test_rare_misses_of_many_images_may_be_less_rare(odd: int) -> None:
    """All three cases of one image in 600 are wrong: resampling sees three such images at most."""
    groups = [str(n // 3) for n in range(1800)]
    estimate = estimate_mean([0.0] * (3 * odd) + [1.0] * (1800 - 3 * odd), groups)
    low, _ = proportion_confint(600 - odd, 600, method="wilson")
    assert estimate.low == pytest.approx(low, abs=1e-4)
    assert estimate.value == pytest.approx(1 - odd / 600)
    assert estimate.high == 1.0


def test_a_constant_that_is_no_proportion_has_no_interval() -> None:
    """Marks that all agree claim no certainty, whatever floating point made of their mean."""
    for value in (5 / 3 / 2, 1.0):
        estimate = estimate_mean([value] * 15, [str(i) for i in range(15)], proportion=False)
        assert (estimate.low, estimate.high, estimate.n) == (None, None, 15)


def test_many_images_are_resampled_as_scipy_does() -> None:
    """Equal groups are drawn together, and bounds differ from scipy's by chance alone."""
    rng = np.random.default_rng(5)
    images, questions = SMALL + 300, 4
    index = np.repeat(np.arange(images), questions)
    groups = [str(i) for i in index]
    fake = index % 3 == 0
    hits = rng.random(index.size) < np.repeat(rng.choice([0.5, 0.9], size=images), questions)
    said_fake = fake == hits
    sums = np.bincount(index, weights=hits)
    by_scipy = bootstrap(
        (sums,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    share = estimate_mean(hits, groups)
    assert share.low == pytest.approx(by_scipy.low / questions, abs=0.002)
    assert share.high == pytest.approx(by_scipy.high / questions, abs=0.002)
    for statistic in (matthews_corrcoef, f1_score):
        together = estimate_statistic(statistic, fake, said_fake, groups)
        one_by_one = estimate_statistic(
            lambda truth, scores, weights, statistic=statistic: statistic(  # type: ignore[misc]
                truth, (scores > SHIFT).astype(float), weights
            ),
            fake,
            said_fake + rng.random(index.size) * SHIFT,  # So that hardly two cases are alike.
            groups,
        )
        assert together.value == one_by_one.value
        assert together.low == pytest.approx(one_by_one.low, abs=0.004)
        assert together.high == pytest.approx(one_by_one.high, abs=0.004)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("images", "questions", "spread", "runs"), [(300, 1, 0.0, 600), (120, 5, 1.0, 300)]
)
def test_intervals_cover_as_often_as_they_say(
    images: int, questions: int, spread: float, runs: int
) -> None:
    """In simulated runs, plain and with images of unequal difficulty, 93-97 % cover the truth."""
    rng = np.random.default_rng(7)
    groups = [str(i) for i in range(images) for _ in range(questions)]
    hits = 0
    for run in range(runs):
        mean = (0.3, 0.5, 0.62, 0.8)[run % 4]
        shift = np.zeros(images)
        if spread:
            shift = rng.choice([-0.2, 0.2], size=images) * spread
        chance = np.repeat(np.clip(mean + shift, 0, 1), questions)
        estimate = estimate_mean((rng.random(images * questions) < chance).astype(float), groups)
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= mean <= estimate.high
    assert 0.93 <= hits / runs <= 0.97


@pytest.mark.thorough
def test_balanced_accuracy_covers_too() -> None:
    """So does the interval of balanced accuracy, with classes of unequal size and ease."""
    rng = np.random.default_rng(3)
    fake = np.arange(400) < 280
    hits = 0
    for _ in range(1000):
        chance = np.where(fake, 0.55, 0.85)
        values = (rng.random(400) < chance).astype(float)
        estimate = estimate_balanced(values, fake, [str(i) for i in range(400)])
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= 0.7 <= estimate.high
    assert 0.93 <= hits / 1000 <= 0.97


@pytest.mark.parametrize("images", [4, 40])
@pytest.mark.parametrize("statistic", [roc_auc, f1_score, matthews_corrcoef])
@pytest.mark.parametrize("is_right", [True, False])
def test_a_perfect_statistic_is_not_certain(
    statistic: Statistic, images: int, is_right: bool
) -> None:
    """Nor is one of a model that errs always: both could be otherwise on images not seen."""
    fake = [number % 2 == 0 for number in range(images)]
    scores = [0.9 if label is is_right else 0.1 for label in fake]
    if statistic is not roc_auc:
        scores = [score > 0.5 for score in scores]
    estimate = estimate_statistic(statistic, fake, scores, [str(n) for n in range(images)])
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.high - estimate.low > 2 / images


def test_equal_overlaps_are_not_certain() -> None:
    """Values from 0 to 1 that all agree have the interval of as many images."""
    groups = [str(n // 2) for n in range(40)]
    for value in (0.0, 0.3, 1.0):
        estimate = estimate_bounded([value] * 40, groups)
        low, high = proportion_confint(value * 20, 20, method="wilson")
        assert (estimate.low, estimate.high) == pytest.approx((low, high))
    assert estimate_bounded([], []) == NOTHING
    assert estimate_bounded([0.2, 0.4], ["a", "a"]).low is None


@pytest.mark.parametrize(("hits", "of"), [(0, 7), (3, 7), (7, 7), (13, 40)])
def test_wilson_is_that_of_statsmodels(hits: int, of: int) -> None:
    """Of whole numbers of trials."""
    expected = proportion_confint(hits, of, method="wilson")
    assert wilson(hits / of, of) == pytest.approx(expected)


@pytest.mark.thorough
@pytest.mark.parametrize(("images", "share"), [(4, 0.9), (10, 0.97), (40, 0.97), (40, 0.5)])
def test_means_of_bounded_values_are_covered(images: int, share: float) -> None:
    """Also of values that are nearly always alike, of which a few images show none other."""
    rng = np.random.default_rng(images)
    groups = [str(n // 3) for n in range(3 * images)]
    covered = []
    for _ in range(200):
        values = np.where(rng.random(3 * images) < share, 0.9, 0.0)
        estimate = estimate_bounded(values, groups)
        assert estimate.low is not None
        assert estimate.high is not None
        covered.append(estimate.low <= 0.9 * share <= estimate.high)
    assert np.mean(covered) > 0.92


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["both", "one"])
def test_pairs_are_covered_whether_both_images_are_right_or_one(kind: str) -> None:
    """Where the two of a pair are right together, or one alone, gap and mean are covered still."""
    rng = np.random.default_rng(9)
    fake, groups = [True] * 60 + [False] * 60, [str(n % 60) for n in range(120)]
    covered = np.zeros(2)
    for _ in range(400):
        right = rng.random(60) < 0.5
        values = np.concatenate([right, right if kind == "both" else ~right]).astype(float)
        for place, (estimate, truth) in enumerate(
            (
                (estimate_balanced(values, fake, groups), 0.5),
                (estimate_gap(values, fake, groups), 0),
            )
        ):
            assert estimate.low is not None
            assert estimate.high is not None
            covered[place] += estimate.low <= truth <= estimate.high
    assert (covered / 400 > 0.93).all()


@pytest.mark.thorough
def test_statistics_of_pairs_are_covered() -> None:
    """The fakes of a pair and its real image are called fake together or not at all."""
    rng = np.random.default_rng(4)
    fake = np.tile([True, True, True, False], 40)
    groups = [str(n // 4) for n in range(160)]
    covered = 0
    for _ in range(200):
        shift = np.repeat(rng.normal(size=40), 4)
        scores = fake + shift + 0.3 * rng.normal(size=160)
        estimate = estimate_statistic(roc_auc, fake, scores, groups)
        assert estimate.low is not None
        assert estimate.high is not None
        truth = norm.cdf(1 / np.sqrt(2 * (1 + 0.3**2)))
        covered += estimate.low <= truth <= estimate.high
    assert covered / 200 > 0.92
