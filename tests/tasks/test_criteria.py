"""A FakeQA question is about the criterion its words name."""

import pytest

from fakebench_suite.tasks.criteria import CRITERIA, parse_criterion
from fakebench_suite.tasks.prompts import PromptStyle, build_prompt, format_analysis_question
from fakebench_suite.types import Case, QuestionType, Task


@pytest.mark.parametrize(
    ("question", "criterion"),
    [
        ("Does the theme seem realistic regarding the authenticity of this image?", "theme"),
        ("Are the reflections realistic?", "reflection"),
        ("Is the overall image convincing?", "unrealistic"),
        ("How realistic is the content?", "unrealistic"),
        ("What content is deficient?", "content deficiency"),
        ("How is the light&shadow?", "light & shadow"),
        ("How do light and shadow interact in the image?", "light & shadow"),
        ("How is the overall shape of the objects?", "shape"),
        ("Is the layout of the elements on the aircraft logical?", "layout"),
        ("How is the color?", "overall tone"),
        ("How is the weather?", None),
        ("", None),
    ],
)
def test_words_decide(question: str, criterion: str | None) -> None:
    """The most specific word wins; realism comes last; no word means none."""
    assert parse_criterion(question) == criterion


@pytest.mark.parametrize("criterion", CRITERIA)
def test_our_own_wording_is_read_back(criterion: str) -> None:
    """The suite's question about a criterion names that criterion, in both prompt styles."""
    question = format_analysis_question(criterion)
    case = Case(
        id="x",
        task=Task.ANALYSIS,
        image="x",
        question=question,
        question_type=QuestionType.CRITERION,
    )
    assert parse_criterion(question) == criterion
    assert {parse_criterion(build_prompt(case, style).text) for style in PromptStyle} == {criterion}


def test_the_papers_script_is_followed_to_the_letter() -> None:
    """Prefix, the question up to its first "?", suffix; the clean style repeats nothing."""
    question = "How is the edge regarding the authenticity of this image? Say so."
    case = Case(
        id="x",
        task=Task.ANALYSIS,
        image="x",
        question=question,
        question_type=QuestionType.CRITERION,
    )
    assert build_prompt(case, PromptStyle.PAPER).text == (
        "Answer this question without itemizing: How is the edge regarding the authenticity of "
        "this image regarding the image authenticity?"
    )
    assert build_prompt(case, PromptStyle.CLEAN).text == (
        "Answer this question without itemizing: How is the edge regarding the authenticity of "
        "this image?"
    )
