"""Replies to a choice of two images: a letter, an option's text, or neither, and never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.grading.labels.choices import parse_choice
from fakebench_suite.grading.labels.result import NoLabel
from fakebench_suite.types import QuestionType

OPTIONS = ("The first one.", "The second one.")


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("A", "A"),
        ("b", "B"),
        ("(B)", "B"),
        ("**A**", "A"),
        ("B.", "B"),
        ("Answer: A", "A"),
        ("Option B", "B"),
        ("A. The first one.", "A"),
        ("B) The second one, because its edges melt.", "B"),
        ("A: The first one. The second image is a real photo.", "A"),
        ("B\nThe hands have six fingers.", "B"),
        ("B - the second one", "B"),
        ("The answer is (A).", "A"),
        ("The correct answer is **B** because the text is garbled.", "B"),
        ("I would choose option A.", "A"),
        ("The first one.", "A"),
        ("The second image is AI-generated.", "B"),
        ("The picture that is generated is the second one.", "B"),
        ("Image 2 is fake.", "B"),
        ("Second", "B"),
        ("<think>A or B? It is A.</think>B", "B"),
        ("So \\boxed{A}", "A"),
        ("<answer>B</answer>", "B"),
        ('{"answer": "A"}', "A"),
        ("The first one, because its light is less real.", "A"),
    ],
)
def test_a_letter_or_the_text_of_an_option_is_a_choice(text: str, choice: str) -> None:
    """However it is set off; asked which is fake."""
    assert parse_choice(text, OPTIONS).choice == choice


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes",
        "It is hard to tell.",
        "A photo of a cat, and another of a dog.",
        "I see a cat.",
        "C",
        "The answer is D.",
        "A. The second one.",
        "A. The first one. Final answer: B",
        "Option A or option B",
        "The first image is sharper than the second image.",
        "Both the first one and the second one are fake.",
        "The first one is not generated.",
        "The answer is not A.",
        "The first image is real.",
        "I cannot say whether the first image is fake.",
        "\\boxed{A} \\boxed{B}",
        "The answer is A real photograph.",
    ],
)
def test_any_other_reply_is_unparsed(text: str) -> None:
    """What names no option, two, one that is not offered, or says what was not asked for."""
    assert parse_choice(text, OPTIONS).choice is NoLabel.UNPARSED


def test_what_is_said_of_an_option_depends_on_the_question() -> None:
    """Asked which is real, "the first image is real" is an answer, and "is fake" is none."""
    which = QuestionType.WHICHREAL
    assert parse_choice("The first image is real.", OPTIONS, which).choice == "A"
    assert parse_choice("The first image is fake.", OPTIONS, which).choice is NoLabel.UNPARSED


def test_other_options_count_by_their_texts() -> None:
    """And have letters beyond B."""
    options = ("a cat", "a dog", "cats and dogs")
    assert parse_choice("It is a dog.", options).choice == "B"
    assert parse_choice("C", options).choice == "C"
    assert parse_choice("a dogma", options).choice is NoLabel.UNPARSED


def test_a_refusal_is_one() -> None:
    """It is no wrong choice."""
    text = "I'm sorry, but I can't help with that."
    assert parse_choice(text, OPTIONS).choice is NoLabel.REFUSED


@given(st.text(max_size=80))
def test_any_text_has_a_reading(text: str) -> None:
    """Whatever a model says, reading it raises nothing, and the same text reads the same."""
    parsed = parse_choice(text, OPTIONS)
    assert parsed.choice in {"A", "B", NoLabel.UNPARSED, NoLabel.REFUSED}
    assert parsed == parse_choice(text, OPTIONS)
