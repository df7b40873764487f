"""Detection beyond accuracy: correlation, bias, consistency, ranking and calibration.

Names follow scikit-learn where it has one. ``predicted`` labels exist for parsed replies only.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    matthews_corrcoef,
    roc_auc_score,
    roc_curve,
)

from fakebench_suite.metrics.statistics import (
    Estimate,
    estimate_balanced,
    estimate_gap,
    estimate_mean,
    estimate_statistic,
)
from fakebench_suite.types import Authenticity, Form, Outcome

BINS = 10
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Named = Iterator[tuple[str, Estimate]]


def score_detection(graded: pd.DataFrame) -> Named:
    """Every whole-population score of detection apart from accuracy and the rates."""
    fake, images = graded["label"] == Authenticity.FAKE, graded["image"].tolist()
    yield "balanced_accuracy", estimate_balanced(graded["correct"], fake, images)
    yield "fake_real_gap", estimate_gap(graded["correct"], fake, images)
    parsed = graded[~graded["outcome"].isin([Outcome.UNPARSED, Outcome.REFUSED])]
    said_fake = parsed["said"] == Authenticity.FAKE
    groups = parsed["image"].tolist()
    yield "fake_rate", estimate_mean(said_fake, groups)
    is_fake = parsed["label"] == Authenticity.FAKE
    yield "matthews_corrcoef", estimate_statistic(correlate, is_fake, said_fake, groups)
    asked = parsed["form"].isin([Form.ISFAKE, Form.ISREAL])
    yes = said_fake[asked] == (parsed["form"][asked] == Form.ISFAKE)
    yield "yes_rate", estimate_mean(yes, parsed["image"][asked].tolist())
    yield "polarity_consistency", _compare_polarities(parsed)
    yield "pairwise_accuracy", _compare_twins(parsed)
    weighed = parsed[parsed["p_fake"].notna()]
    if not weighed.empty:
        yield from score_likelihoods(weighed)


def score_likelihoods(weighed: pd.DataFrame) -> Named:
    """How well P(fake) ranks and how well it is calibrated."""
    fake, images = weighed["label"] == Authenticity.FAKE, weighed["image"].tolist()
    chances = weighed["p_fake"].astype(float)
    for name, statistic in (
        ("roc_auc", roc_auc_score),
        ("average_precision", average_precision_score),
        ("best_threshold_accuracy", find_best_accuracy),
    ):
        yield name, estimate_statistic(statistic, fake, chances, images)
    # Resampling inflates calibration error, so its percentiles are no interval for it.
    error = estimate_statistic(measure_miscalibration, fake, chances, images)
    yield "expected_calibration_error", replace(error, low=None, high=None)


def correlate(fake: Bools, said_fake: Floats) -> float:
    """Matthews correlation; 0, as in scikit-learn, where all replies are the same."""
    return float(matthews_corrcoef(fake, said_fake.astype(bool)))


def measure_miscalibration(fake: Bools, chances: Floats) -> float:
    """Expected calibration error over ten equal bins of P(fake) (Guo et al. 2017, equation 3)."""
    places = np.minimum((chances * BINS).astype(int), BINS - 1)
    gaps = np.bincount(places, weights=fake - chances, minlength=BINS)
    return float(np.abs(gaps).sum() / len(chances))


def find_best_accuracy(fake: Bools, chances: Floats) -> float:
    """Accuracy at the threshold that suits these cases best: an upper bound, not a promise."""
    false_alarms, hits, _ = roc_curve(fake, chances, drop_intermediate=False)
    share = fake.mean()
    return float((hits * share + (1 - false_alarms) * (1 - share)).max())


def _compare_polarities(parsed: pd.DataFrame) -> Estimate:
    """Of the images asked "is it fake?" and "is it real?", the share that got one verdict."""
    asked = parsed[parsed["form"].isin([Form.ISFAKE, Form.ISREAL])]
    said = asked.pivot_table(index="image", columns="form", values="said", aggfunc="first")
    both = said.reindex(columns=[str(Form.ISFAKE), str(Form.ISREAL)]).dropna()
    return estimate_mean(both.iloc[:, 0] == both.iloc[:, 1], both.index.tolist())


def _compare_twins(parsed: pd.DataFrame) -> Estimate:
    """Of each forged probe and its twin, asked alike: 1 where the forged one ranks as faker.

    By P(fake) where there is one, else by the verdicts; a tie counts one half.
    """
    suspicion = parsed["p_fake"].astype(float)
    suspicion = suspicion.fillna((parsed["said"] == Authenticity.FAKE).astype(float))
    asked = parsed.assign(suspicion=suspicion)[["image", "form", "label", "twin", "suspicion"]]
    forged = asked[(asked["label"] == Authenticity.FAKE) & asked["twin"].notna()]
    pairs = forged.merge(
        asked, left_on=["twin", "form"], right_on=["image", "form"], suffixes=("", "_twin")
    )
    ranked = (np.sign(pairs["suspicion"] - pairs["suspicion_twin"]) + 1) / 2
    return estimate_mean(ranked, pairs["image"].tolist())
