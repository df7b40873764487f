"""Robustness: what each perturbation changes, case by case against the unperturbed one.

Every comparison is paired: a perturbed case with the original of the same case. A flip needs two
verdicts that differ; a verdict that is lost, because the reply to the perturbed case asserts
nothing or cannot be scored, is no flip and has a rate of its own. Errors are in neither.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fakebench_suite.metrics.intervals import Estimate, estimate_change, estimate_mean
from fakebench_suite.metrics.weighted_statistics import expected_calibration_error
from fakebench_suite.tasks.robustness import IDENTITY, ORIGINAL
from fakebench_suite.types import WITHOUT_VERDICT, Authenticity, Outcome

Named = Iterator[tuple[str, str, Estimate]]
ALL = "all"


def score_robustness(graded: pd.DataFrame) -> Named:
    """The scores of every perturbation, then of all levels together without ``identity``."""
    pairs = pair_with_original(graded)
    for perturbation, rows in pairs.groupby("perturbation", sort=True):
        yield from _score_pairs(f"perturbation={perturbation}", rows)
    yield from _score_pairs(ALL, pairs[pairs["perturbation"] != IDENTITY])


def score_search(graded: pd.DataFrame) -> Named:
    """How often the search found a flip, of the cases whose original has a verdict.

    A search without a flip that did not come to its end, or that had errors, is in neither score.
    """
    searched = graded[graded["search_settled"].eq(True)]
    decided = searched[searched["search_label"].notna()]
    flips = decided["search_flips"].astype(bool)
    yield "search_flip_rate", ALL, estimate_mean(flips, decided["pair"].tolist())
    right = searched["search_label"] == searched["label"]
    robust = right & ~searched["search_flips"].astype(bool)
    yield "robust_accuracy", ALL, estimate_mean(robust, searched["pair"].tolist())


def pair_with_original(graded: pd.DataFrame) -> pd.DataFrame:
    """One row per perturbed case whose original has an answer too.

    Columns of the original end in ``_original``, those of ``identity`` in ``_identity``. ``flips``
    is NaN where one of the two has no verdict, and so is ``flips_identity``.
    """
    columns = ["original_case", "reply_label", "outcome", "correct", "p_fake"]
    original, identity = (
        graded.loc[graded["perturbation"] == name, columns]
        .set_index("original_case")
        .rename_axis(None)
        .add_suffix(f"_{name}")
        for name in (ORIGINAL, IDENTITY)
    )
    perturbed = graded[graded["perturbation"] != ORIGINAL]
    pairs = perturbed.join(original, on="original_case", how="inner")
    pairs = pairs.join(identity, on="original_case")
    pairs["flips"] = _flips(pairs, "")
    pairs["flips_identity"] = _flips(pairs, "_identity")
    return pairs


def _flips(pairs: pd.DataFrame, suffix: str) -> pd.Series:
    """1 where a verdict differs from the original's, 0 where it does not, NaN where one lacks."""
    differs = (pairs[f"reply_label{suffix}"] != pairs["reply_label_original"]).astype(float)
    return differs.where(_has_verdict(pairs, suffix) & _has_verdict(pairs, "_original"))


def _has_verdict(pairs: pd.DataFrame, suffix: str) -> pd.Series:
    outcomes = pairs[f"outcome{suffix}"]
    return outcomes.notna() & ~outcomes.isin((*WITHOUT_VERDICT, Outcome.UNSCORED))


def _score_pairs(name: str, pairs: pd.DataFrame) -> Named:
    """The scores of some paired rows."""
    decided = pairs[pairs["flips"].notna()]
    yield "flip_rate", name, estimate_mean(decided["flips"], decided["pair"].tolist())
    both = decided[decided["flips_identity"].notna()]
    above = both["flips"] - both["flips_identity"]
    yield "flip_rate_above_identity", name, estimate_change(above, both["pair"].tolist())
    had = pairs[_has_verdict(pairs, "_original")]
    yield "verdict_loss_rate", name, estimate_mean(~_has_verdict(had, ""), had["pair"].tolist())
    unscored = pairs[["outcome", "outcome_original"]].isin([Outcome.UNSCORED]).any(axis=1)
    scored = pairs[~unscored]
    change = scored["correct"].astype(float) - scored["correct_original"].astype(float)
    yield "accuracy_change", name, estimate_change(change, scored["pair"].tolist())
    weighed = pairs[pairs["p_fake"].notna() & pairs["p_fake_original"].notna()]
    if not weighed.empty:
        yield "calibration_change", name, _change_calibration(weighed)


def _change_calibration(weighed: pd.DataFrame) -> Estimate:
    """The change of the calibration error, which has no interval, as it has none itself."""
    fake = (weighed["label"] == Authenticity.FAKE).to_numpy()
    weights = np.ones((1, len(weighed)))
    now, before = (
        float(expected_calibration_error(fake, weighed[name].to_numpy(dtype=float), weights)[0])
        for name in ("p_fake", "p_fake_original")
    )
    return Estimate(value=now - before, low=None, high=None, n=len(weighed))
