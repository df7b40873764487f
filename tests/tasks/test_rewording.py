"""Detection questions in other words ask the same."""

from dataclasses import replace

import pytest

from fakebench_suite.datasets.case_fields import parse_question_type
from fakebench_suite.tasks.prompts import DETECTION
from fakebench_suite.tasks.rewording import CHINESE, PARAPHRASES, reword
from fakebench_suite.tasks.robustness import parse_perturbation
from fakebench_suite.types import Case, QuestionType
from tests.factories import CASE

QUESTIONS = list(DETECTION.items())


def ask(question_type: QuestionType, text: str, question: str | None = None) -> Case | None:
    """A case of this type with its question perturbed."""
    asked = question or DETECTION[question_type]
    case = replace(CASE, question=asked, question_type=question_type)
    return reword(case, parse_perturbation(text))


@pytest.mark.parametrize(("question_type", "question"), QUESTIONS)
def test_paraphrases_are_of_the_same_type(question_type: QuestionType, question: str) -> None:
    """Each says what the original says: the suite's own reader takes it for the same question."""
    texts = [ask(question_type, f"paraphrase:{number}") for number in (1, 2, 3)]
    questions = [case.question for case in texts if case is not None]
    assert len({question, *questions}) == 4
    assert questions == list(PARAPHRASES[question_type])
    assert {parse_question_type(text) for text in questions} == {question_type}


def test_options_change_places() -> None:
    """And nothing else of the question does."""
    swapped = [ask(kind, "options-swapped") for kind, _ in QUESTIONS]
    assert [case.question for case in swapped if case is not None] == [
        "What is the authenticity of this image, real or fake?",
        "Is this a fake image, no or yes?",
        "Is this a real image, no or yes?",
    ]
    own = ask(QuestionType.WHAT, "options-swapped", "Fake or real, what is it?")
    assert own is not None
    assert own.question == "Real or fake, what is it?"
    assert ask(QuestionType.ISFAKE, "options-swapped", "Is it fake?") is None


def test_the_polarity_turns() -> None:
    """The truth stays, and so does the label; the question's type is the other one."""
    for kind, other in (
        (QuestionType.ISFAKE, QuestionType.ISREAL),
        (QuestionType.ISREAL, QuestionType.ISFAKE),
    ):
        turned = ask(kind, "opposite-polarity")
        assert turned is not None
        assert (turned.question, turned.question_type) == (DETECTION[other], other)
        assert turned.label is CASE.label
    assert ask(QuestionType.WHAT, "opposite-polarity") is None
    own = ask(QuestionType.ISFAKE, "opposite-polarity", "Fake? Yes or no.")
    assert own is not None
    assert (own.question, own.question_type) == ("real? Yes or no.", QuestionType.ISREAL)
    assert ask(QuestionType.ISFAKE, "opposite-polarity", "A fake dog in a fake image?") is None


def test_chinese_questions_have_their_own_words() -> None:
    """One for each question type."""
    asked = [ask(kind, "language:zh") for kind, _ in QUESTIONS]
    assert [case.question for case in asked if case is not None] == list(CHINESE.values())
