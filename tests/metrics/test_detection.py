"""Detection beyond accuracy, against scikit-learn and against answers worked out by hand."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from fakebench_suite.metrics.scores import score_records
from fakebench_suite.metrics.weighted_statistics import (
    best_threshold_accuracy,
    equal_error_rate,
    expected_calibration_error,
)
from fakebench_suite.types import (
    Answer,
    Authenticity,
    Outcome,
    QuestionType,
    Record,
    Score,
    Verdict,
)
from tests.factories import CASE


def weigh_alike(n: int) -> NDArray[np.float64]:
    """Weights of one for n cases."""
    return np.ones((1, n))


def make_record(
    image: str,
    *,
    fake: bool,
    answer_label: str | None,
    question_type: QuestionType = QuestionType.WHAT,
    paired_image: str | None = None,
    p_fake: float | None = None,
) -> Record:
    """A detection record; ``answer_label`` None is an unparsed reply."""
    label = Authenticity.FAKE if fake else Authenticity.REAL
    case = replace(
        CASE,
        id=f"{image}:{question_type}",
        image=image,
        question_type=question_type,
        label=label,
        paired_image=paired_image,
    )
    outcome = Outcome.CORRECT if answer_label == label else Outcome.INCORRECT
    verdict = Verdict(
        outcome=outcome if answer_label else Outcome.UNPARSED, reason="", label=answer_label
    )
    answer = Answer(text="", tokens=1, seconds=0.1, batch_size=1, p_fake=p_fake)
    return Record(case=case, prompt="", answer=answer, verdict=verdict, worker="")


def score(records: list[Record]) -> dict[str, Score]:
    """The scores over the whole population by metric."""
    return {scored.metric: scored for scored in score_records(records) if scored.subgroup == "all"}


def draw(n: int) -> Iterator[tuple[str, bool, float]]:
    """Images with labels and informative, overconfident likelihoods."""
    rng = np.random.default_rng(3)
    for index in range(n):
        fake = bool(rng.random() < 0.4)
        yield f"i{index}", fake, float(np.clip(rng.normal(0.65 if fake else 0.45, 0.25), 0, 1))


def test_likelihood_scores_are_scikit_learns() -> None:
    """AUROC, average precision and MCC equal the library's, with an interval around them."""
    samples = list(draw(150))
    records = [
        make_record(image, fake=fake, answer_label="fake" if p >= 0.5 else "real", p_fake=p)
        for image, fake, p in samples
    ]
    scores = score(records)
    fake, chances = np.array([f for _, f, _ in samples]), np.array([p for _, _, p in samples])
    for metric, value in (
        ("roc_auc", roc_auc_score(fake, chances)),
        ("average_precision", average_precision_score(fake, chances)),
        ("equal_error_rate", equal_error_rate(fake, chances, weigh_alike(150))[0]),
        ("matthews_corrcoef", matthews_corrcoef(fake, chances >= 0.5)),
    ):
        scored = scores[metric]
        assert scored.value == pytest.approx(value)
        assert scored.low is not None
        assert scored.high is not None
        assert scored.low < value < scored.high
    error = scores["expected_calibration_error"]
    assert error.value == pytest.approx(
        expected_calibration_error(fake, chances, weigh_alike(150))[0]
    )
    assert error.low is None
    best = max(((chances >= cut) == fake).mean() for cut in [*chances, 2.0])
    assert scores["best_threshold_accuracy"].value == pytest.approx(best)


def test_calibration_error_by_hand() -> None:
    """Two bins: one off by 0.2 with half of the cases, one right."""
    fake = np.array([True, False, True, True])
    chances = np.array([0.3, 0.3, 1.0, 1.0])
    assert expected_calibration_error(fake, chances, weigh_alike(4))[0] == pytest.approx(0.1)
    assert best_threshold_accuracy(fake, chances, weigh_alike(4))[0] == pytest.approx(0.75)


def test_bias_and_consistency_by_hand() -> None:
    """Gap, "fake" rate, "yes" rate and polarity consistency of eight replies."""
    records = [
        make_record("a", fake=True, answer_label="fake", question_type=QuestionType.ISFAKE),
        make_record("a", fake=True, answer_label="real", question_type=QuestionType.ISREAL),
        make_record("b", fake=False, answer_label="real", question_type=QuestionType.ISFAKE),
        make_record("b", fake=False, answer_label="real", question_type=QuestionType.ISREAL),
        make_record("c", fake=False, answer_label=None, question_type=QuestionType.ISFAKE),
        make_record("c", fake=False, answer_label="real", question_type=QuestionType.ISREAL),
        make_record("d", fake=True, answer_label="fake"),
        make_record("e", fake=False, answer_label="fake"),
    ]
    values = {name: scored.value for name, scored in score(records).items()}
    assert values["fake_real_gap"] == pytest.approx(2 / 3 - 3 / 5)
    assert values["fake_rate"] == pytest.approx(3 / 7)
    # "yes" to a's isfake, a's isreal, b's isreal and c's isreal; "no" to b's isfake.
    assert values["yes_rate"] == pytest.approx(4 / 5)
    assert values["polarity_consistency"] == pytest.approx(1 / 2)


def test_twins_are_ranked_by_likelihood_or_by_verdict() -> None:
    """A forged probe above its twin counts 1, level 0.5, below 0."""
    pairs = [("fake", "real"), ("fake", "fake"), ("real", "fake"), ("fake", "real")]
    records = []
    for number, (forged, original) in enumerate(pairs):
        forged_image, original_image = f"f{number}", f"r{number}"
        records += [
            make_record(forged_image, fake=True, answer_label=forged, paired_image=original_image),
            make_record(
                original_image, fake=False, answer_label=original, paired_image=forged_image
            ),
        ]
    assert score(records)["pairwise_accuracy"].value == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    level = [
        make_record("f", fake=True, answer_label="real", paired_image="r", p_fake=0.4),
        make_record("r", fake=False, answer_label="real", paired_image="f", p_fake=0.3),
    ]
    assert score(level)["pairwise_accuracy"].value == 1.0


def test_one_class_alone_has_no_ranking() -> None:
    """With fakes only, correlation and gap are undefined and not zero."""
    scores = score(
        [make_record(f"i{n}", fake=True, answer_label="fake", p_fake=0.9) for n in range(5)]
    )
    for metric in ("matthews_corrcoef", "roc_auc", "fake_real_gap", "balanced_accuracy"):
        assert scores[metric].value is None
        assert scores[metric].n == 0


def test_a_chance_of_one_half_is_ranked_though_it_is_no_verdict() -> None:
    """Left out, two ties of four images would make a ranking of 0.875 a perfect one."""
    rows = [("a", True, 0.9), ("b", True, 0.5), ("c", False, 0.1), ("d", False, 0.5)]
    records = [
        make_record(
            image,
            fake=fake,
            answer_label=None if p_fake == 0.5 else "fake" if p_fake > 0.5 else "real",
            paired_image={"b": "d", "d": "b"}.get(image),
            p_fake=p_fake,
        )
        for image, fake, p_fake in rows
    ]
    values = score(records)
    truth, chances = [fake for _, fake, _ in rows], [p_fake for _, _, p_fake in rows]
    for metric, value in (
        ("roc_auc", roc_auc_score(truth, chances)),
        ("average_precision", average_precision_score(truth, chances)),
        ("pairwise_accuracy", 0.5),
    ):
        assert values[metric].value == pytest.approx(value)
    assert values["roc_auc"].n == 4
    assert values["fake_rate"].n == 2


def test_images_of_one_pair_are_resampled_together() -> None:
    """Seven images of one photograph tell of others no more than one does."""
    strengths = 6
    records, alone = [], []
    for number in range(40):
        is_right, name = number % 2 == 0, f"{number:02}"
        for strength in range(strengths):
            label = "fake" if is_right else "real"
            image = f"{name}-forged-{strength}"
            records.append(
                make_record(image, fake=True, answer_label=label, paired_image=name, p_fake=0.5)
            )
            alone.append(make_record(image, fake=True, answer_label=label, p_fake=0.5))
        twin = make_record(
            name, fake=False, answer_label="real", paired_image=f"{name}-forged-5", p_fake=0.4
        )
        records.append(twin)
        alone.append(replace(twin, case=replace(twin.case, paired_image=None)))
    paired = {(s.metric, s.subgroup): s for s in score_records(records)}
    apart = {(s.metric, s.subgroup): s for s in score_records(alone)}
    fakes = paired["accuracy", "label=fake"]
    assert (fakes.value, fakes.n) == (0.5, 240)
    # All strengths of a photograph agree: as many independent cases as there are photographs.
    assert (fakes.low, fakes.high) == pytest.approx(
        proportion_confint(20, 40, method="wilson"), abs=0.03
    )
    for metric in ("balanced_accuracy", "fake_real_gap", "matthews_corrcoef"):
        together, each = (scores[metric, "all"] for scores in (paired, apart))
        assert together.value == each.value
        assert measure(together) > 1.8 * measure(each)
    ranks = paired["pairwise_accuracy", "all"]
    assert (ranks.value, ranks.n, ranks.high) == (1.0, 240, 1.0)
    assert ranks.low == pytest.approx(proportion_confint(40, 40, method="wilson")[0])


def measure(score: Score) -> float:
    """The width of an interval."""
    assert score.low is not None
    assert score.high is not None
    return score.high - score.low
