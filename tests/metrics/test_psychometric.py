"""Thresholds of detection over forgery strength are recovered from replies."""

import math
import random
from collections.abc import Callable

import pytest
from scipy.special import expit

from fakebench_suite.datasets.probes.graded import STRENGTHS, load_graded
from fakebench_suite.metrics.intervals import Estimate
from fakebench_suite.metrics.names import MIN_PAIRS
from fakebench_suite.metrics.psychometric import (
    METRIC,
    fit_records,
    score_strengths,
)
from fakebench_suite.types import Authenticity, Case, Outcome, Record, Verdict
from tests.factories import make_answer

CASES = load_graded().cases


def make_record(case: Case, *, called_fake: bool) -> Record:
    """A record of a reply that says fake or real."""
    label = Authenticity.FAKE if called_fake else Authenticity.REAL
    outcome = Outcome.CORRECT if label is case.label else Outcome.INCORRECT
    verdict = Verdict(outcome=outcome, reason="", label=label)
    answer = make_answer(str(label))
    return Record(case=case, prompt="", answer=answer, verdict=verdict, worker="main")


def answer_all(chance: Callable[[float], float], draw: int = 0) -> list[Record]:
    """The replies of a model that says fake with a chance that depends on the strength."""
    records = []
    for case in CASES:
        called_fake = random.Random(f"{draw} {case.id}").random() < chance(case.strength or 0)
        records.append(make_record(case, called_fake=called_fake))
    return records


def score(chance: Callable[[float], float]) -> dict[str, Estimate]:
    """The thresholds by subgroup."""
    scores = list(score_strengths(answer_all(chance)))
    assert {metric for metric, _, _ in scores} == {METRIC}
    return {subgroup: estimate for _, subgroup, estimate in scores}


def pair_of(case: Case) -> str:
    """The name of its untouched image."""
    return case.image if case.label is Authenticity.REAL else str(case.paired_image)


def rise(strength: float, *, midpoint: float, slope: float, low: float = 0.0) -> float:
    """A logistic curve on the logarithm of the strength, above ``low``."""
    if not strength:
        return low
    return low + (1 - low) * float(expit(slope * (math.log(strength) - math.log(midpoint))))


@pytest.mark.parametrize(("midpoint", "low"), [(0.2, 0.0), (0.3, 0.2)])
def test_a_known_threshold_is_recovered(midpoint: float, low: float) -> None:
    """Nearly, from all pairs."""
    share = (0.75 - low) / (1 - low)
    known = midpoint * math.exp(math.log(share / (1 - share)) / 3)
    found = score(lambda s: rise(s, midpoint=midpoint, slope=3, low=low))["all"]
    assert found.value == pytest.approx(known, rel=0.2)
    assert found.low is not None
    assert found.high is not None
    assert found.high < 2 * found.low


def test_of_few_pairs_there_is_no_threshold() -> None:
    """Neither a score nor a curve; images of many pairs are not enough if they are few."""
    records = answer_all(lambda s: rise(s, midpoint=0.2, slope=3))
    pairs = sorted({pair_of(record.case) for record in records})
    few = [record for record in records if pair_of(record.case) in pairs[: MIN_PAIRS - 1]]
    enough = [record for record in records if pair_of(record.case) in pairs[:MIN_PAIRS]]
    thin = [record for number, record in enumerate(records) if number % 30 == 0]
    for part in (few, thin):
        assert list(score_strengths(part)) == []
        assert fit_records(part) is None
    assert [subgroup for _, subgroup, _ in score_strengths(enough)] == ["all"]
    assert fit_records(enough) is not None


def test_each_criterion_has_a_threshold_of_its_own() -> None:
    """Over its own forgeries and their untouched images."""
    scores = score(lambda s: rise(s, midpoint=0.2, slope=3))
    sizes = {name: estimate.n for name, estimate in scores.items()}
    assert sizes.pop("all") == len(CASES)
    assert len(sizes) == 10
    assert set(sizes.values()) == {12 * (1 + len(STRENGTHS))}


def test_a_step_lies_between_the_strengths_around_it() -> None:
    """The interval is what was not shown."""
    found = score(lambda strength: float(strength > 0.25))["all"]
    assert found.low == pytest.approx(0.2, abs=0.01)
    assert found.high == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_without_a_rise_nothing_is_reached(chance: float) -> None:
    """Neither by a model that sees nothing nor by one that calls everything fake."""
    found = score(lambda _: chance)["all"]
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.n == len(CASES)


def test_a_threshold_below_what_is_shown_is_the_least_strength() -> None:
    """What was not shown is not extrapolated."""
    found = score(lambda strength: float(strength > 0))["all"]
    assert found.value == min(STRENGTHS)


def test_lapses_do_not_move_the_threshold() -> None:
    """A model that misses one image in twenty at any strength has nearly the same one."""
    plain = score(lambda strength: rise(strength, midpoint=0.2, slope=4))["all"]
    lapsing = score(lambda strength: 0.95 * rise(strength, midpoint=0.2, slope=4))["all"]
    assert plain.value is not None
    assert lapsing.value == pytest.approx(plain.value, rel=0.25)


def test_a_curve_predicts_what_was_replied() -> None:
    """Its levels are the shares, and it runs through them."""
    curve = fit_records(answer_all(lambda s: rise(s, midpoint=0.2, slope=3, low=0.1)))
    assert curve is not None
    assert [level.strength for level in curve.levels] == [0.0, *STRENGTHS]
    for level in curve.levels:
        assert level.share.value == pytest.approx(curve.predict(level.strength), abs=0.08)


def test_other_data_have_no_threshold() -> None:
    """Neither probes of one strength, nor errors."""
    two = [case for case in CASES if case.strength in (0.0, 1.0)]
    assert list(score_strengths([make_record(case, called_fake=True) for case in two])) == []
    assert list(score_strengths([])) == []
