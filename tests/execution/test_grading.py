"""Grading of texts, and its end at an interrupt."""

from collections.abc import Sequence
from dataclasses import replace

from fakebench_suite.execution.grading import BatchGrader
from fakebench_suite.grading.judges.base import Judgement
from fakebench_suite.grading.judges.rubric import RatingRequest
from fakebench_suite.types import Clue, QuestionType, Task
from tests.factories import CASE, make_answer

TEXT = replace(
    CASE,
    task=Task.ANALYSIS,
    question_type=QuestionType.CRITERION,
    expected=(Clue(text="The light is odd."),),
)


def test_a_stopped_grader_asks_nobody_and_says_so() -> None:
    """What was graded before stands; the rest is an error of the judge, and no rating."""
    received: list[RatingRequest] = []

    class Judge:
        name = "strict"

        def grade(self, requests: Sequence[RatingRequest]) -> Sequence[Judgement]:
            received.extend(requests)
            return [Judgement() for _ in requests]

    grader = BatchGrader(Judge, rounds=2, name="strict")  # type: ignore[arg-type]
    answer = make_answer("It is odd.")
    grader.grade([(TEXT, answer)])
    grader.stop()
    assert grader.take(TEXT, answer) == Judgement()
    judgement = grader.take(replace(TEXT, id="later"), answer)
    assert judgement is not None
    assert (judgement.failed, judgement.reason) == (
        2,
        "the run was stopped before the judge was asked",
    )
    assert len(received) == 1
