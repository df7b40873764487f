"""Agreement of two judges over the same answers."""

from dataclasses import replace

import krippendorff
import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.metrics.agreement import measure_agreement
from fakebench_suite.types import Outcome, Record, Task
from tests.builders import make_answer, make_record


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
    one = make_records("a", [2.0, 1.0, 0.0, 1.5, None, 0.5])
    two = make_records("b", [2.0, 0.5, 0.5, 1.0, 1.0, None])
    found = measure_agreement(one, two)
    wanted = [[2.0, 1.0, 0.0, 1.5], [2.0, 0.5, 0.5, 1.0]]
    assert found.alpha == pytest.approx(krippendorff.alpha(wanted, level_of_measurement="interval"))
    assert (found.texts, found.judges) == (4, ("a", "b"))
    assert found.difference == pytest.approx(0.125)


def test_different_answers_are_not_compared() -> None:
    """Runs whose answers differ, and judges without any spread, have no agreement to measure."""
    one = make_records("a", [2.0, 1.0])
    with pytest.raises(UserError, match="fewer than two answers in common"):
        measure_agreement(one, make_records("b", [2.0, 1.0], text="other"))
    level = make_records("a", [1.0, 1.0])
    with pytest.raises(UserError, match="same score"):
        measure_agreement(level, level)
