"""Agreement of two judges over the same answers."""

from dataclasses import replace

import numpy as np
import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.metrics.agreement import compute_alpha, measure_agreement
from fakebench_suite.types import Outcome, Record, Task
from tests.factories import make_answer, make_record


def make_records(judge: str, scores: list[float | None], text: str = "said") -> list[Record]:
    """One judged record per score; None is a judge error."""
    records = []
    for number, score in enumerate(scores):
        outcome = Outcome.JUDGE_ERROR if score is None else Outcome.CORRECT
        record = make_record(f"i{number}", outcome, task=Task.ANALYSIS, score=score)
        verdict = replace(record.verdict, judge=None if score is None else judge)
        records.append(replace(record, verdict=verdict, answer=make_answer(text)))
    return records


def test_alpha_is_the_librarys_over_the_texts_both_graded() -> None:
    """Texts only one judge graded are left out; the difference keeps its sign."""
    first = make_records("a", [2.0, 1.0, 0.0, 1.5, None, 0.5])
    second = make_records("b", [2.0, 0.5, 0.5, 1.0, 1.0, None])
    agreement = measure_agreement(first, second)
    assert agreement.alpha == pytest.approx(0.8235294117647058)
    assert (agreement.texts, agreement.judges) == (4, ("a", "b"))
    assert agreement.difference == pytest.approx(0.125)


def test_different_answers_are_not_compared() -> None:
    """Runs whose answers differ, and judges without any spread, have no agreement to measure."""
    records = make_records("a", [2.0, 1.0])
    with pytest.raises(UserError, match="fewer than two answers in common"):
        measure_agreement(records, make_records("b", [2.0, 1.0], text="other"))
    level = make_records("a", [1.0, 1.0])
    with pytest.raises(UserError, match="same score"):
        measure_agreement(level, level)


@pytest.mark.parametrize(
    ("first", "second", "alpha"),
    [
        ((2.0, 1.0, 0.0, 1.5), (2.0, 0.5, 0.5, 1.0), 0.8235294117647058),
        ((0.0, 2.0, 0.0, 2.0), (2.0, 0.0, 2.0, 0.0), -0.75),
        ((1.0, 1.0, 1.0, 2.0), (1.0, 1.0, 1.0, 1.0), 0.0),
        (
            (16 / 15, 31 / 16.5, 0.2, 0.0, 1.9333333333333333, 2 / 3),
            (1.0, 1.8, 0.4, 0.0, 2.0, 14 / 15),
            0.9819294850218782,
        ),
    ],
)
def test_alpha_equals_that_of_another_library(
    first: tuple[float, ...], second: tuple[float, ...], alpha: float
) -> None:
    """The numbers are those of krippendorff 0.9.0, of ``alpha`` with the level ``"interval"``.

    That package is under the GPL and no part of this project.
    """
    assert compute_alpha(np.array([first, second])) == pytest.approx(alpha, abs=1e-12)


def test_scores_without_steps_are_no_burden() -> None:
    """Six thousand different similarities take seconds; for two judges alpha is a ratio of squares.

    Observed disagreement is the mean squared difference, expected twice the variance of all scores
    (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, part D for the interval metric).
    """
    rng = np.random.default_rng(13)
    first = rng.random(6000) * 2
    second = np.clip(first + rng.normal(0, 0.3, 6000), 0, 2)
    expected = 1 - ((first - second) ** 2).mean() / (2 * np.var([first, second], ddof=1))
    assert compute_alpha(np.array([first, second])) == pytest.approx(expected, abs=1e-5)
