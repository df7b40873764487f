"""What is sent: the data set's own words, and for FakeQA the authors' script or its correction."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakebench_suite.datasets.fakebench import load_fakebench
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.prompts import (
    DETECTION,
    FAULTFINDING,
    INFERENCE,
    PromptStyle,
    build_prompt,
    format_analysis_question,
)
from fakebench_suite.types import Case, QuestionType, Task

PREFIX = "Answer this question without itemizing: "


def make_case(question: str, question_type: QuestionType) -> Case:
    """A case whose names occur in no question."""
    return Case(
        id="zq-1.png:x",
        task=Task.ANALYSIS,
        image="zq-1.png",
        question=question,
        question_type=question_type,
    )


@pytest.mark.parametrize("style", PromptStyle)
@pytest.mark.parametrize(
    "question_type",
    [
        question_type
        for question_type in QuestionType
        if question_type not in (QuestionType.CRITERION, QuestionType.POINT)
    ],
)
def test_other_questions_are_sent_as_they_are(
    question_type: QuestionType, style: PromptStyle
) -> None:
    """Detection and clue prompts are the data set's words, in either style."""
    prompt = build_prompt(make_case(" Is it, yes? Or no ", question_type), style)
    assert (prompt.text, prompt.question_type) == (" Is it, yes? Or no ", question_type)
    assert (prompt.case, prompt.image) == ("zq-1.png:x", "zq-1.png")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.sampled_from(list(PromptStyle)))
def test_every_analysis_prompt_ends_in_one_question(question: str, style: PromptStyle) -> None:
    """Prefix, at most one question mark, and the suffix of the style, whatever was asked."""
    text = build_prompt(make_case(question, QuestionType.CRITERION), style).text
    assert text.startswith(PREFIX)
    assert text.count("?") == 1
    assert text.endswith("?")
    noun = "image authenticity" if style is PromptStyle.PAPER else "authenticity of this image"
    assert text.endswith(f" regarding the {noun}?")


@pytest.mark.parametrize("suffix", ["", "?", " regarding the authenticity of this image?"])
@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_clean_prompts_are_the_same_with_and_without_the_suffix(suffix: str, blank: str) -> None:
    """However a row ends, the clean prompt asks for the authenticity once."""
    case = make_case(f"{blank}How is the edge{suffix}{blank}", QuestionType.CRITERION)
    assert build_prompt(case, PromptStyle.CLEAN).text == (
        f"{PREFIX}How is the edge regarding the authenticity of this image?"
    )


@pytest.mark.thorough
def test_our_wordings_are_the_official_ones() -> None:
    """What probes are asked is what the published files ask, but for the plural of edges."""
    if "FAKEBENCH_DATA" not in os.environ:
        pytest.skip("FAKEBENCH_DATA is not set")
    cases = load_fakebench(Path(os.environ["FAKEBENCH_DATA"])).cases
    counts = Counter((case.question_type, case.criterion, case.question) for case in cases)
    for question_type, question in DETECTION.items():
        assert {words for other_type, _, words in counts if other_type is question_type} == {
            question
        }
    assert {
        words for question_type, _, words in counts if question_type is QuestionType.FAULTFINDING
    } == {FAULTFINDING}
    assert {
        words for question_type, _, words in counts if question_type is QuestionType.INFERENCE
    } == {INFERENCE}
    for criterion in CRITERIA:
        ranked = [words for (_, name, words), _ in counts.most_common() if name == criterion]
        assert ranked.index(format_analysis_question(criterion)) == (
            1 if criterion == "edge" else 0
        )
