"""No reply takes long to read, whatever a model stutters."""

import time

import pytest

from fakebench_suite.grading.labels.choices import parse_choice
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.grading.probe_grading import named_criteria, parse_natural
from fakebench_suite.types import QuestionType

SIZES = (40_000, pytest.param(1_000_000, marks=pytest.mark.slow))
"""Characters of a reply; the longest shows that the time grows with the reply and no faster."""
SECONDS = 1.0
"""CPU time for one reply; of 40,000 characters a quadratic pattern takes many times as long."""
SECONDS_OF_TEXTS = 3.0
"""CPU time for one text about clues."""
UNITS = (
    "a", "fake ", "real. ", "not ", "yes ", "no, ", "\n", " ", "\t", "{", "[", "(", '"', "'",
    "it's ", "<", "<|", "<think>", "</think>", "<answer>", "\\boxed{", "~~", "*", "#", "_", "|",
    "1. ", "9/10 ", "100% ", "...", "?", "-", "—", "假", "不是", "可能", "这张图片", "wait ",
    "the image is ", "the image is not ", "likelihood of ", "either real or ", "[ ] ", "✅", "ai-",
    "no artifacts, ", "and ", "natural and ", '{"verdict": ', "is it real? ", "conclusion\n",
    "assistantfinal", "**", "[[", "((", "{[(", "not fake ", "no no ", "</", "\n\n", "90% fake ",
    "what this is ", "made by an ", "?\n",
)  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("unit", UNITS, ids=repr)
def test_a_long_row_of_one_word_is_read_at_once(unit: str, size: int) -> None:
    """Labels and texts are read in time that grows with the reply and no faster."""
    text = unit * (size // len(unit))
    start = time.process_time()
    parse_label(text, QuestionType.ISFAKE)
    middle = time.process_time()
    parse_natural(text)
    named_criteria(text)
    assert middle - start < SECONDS
    assert time.process_time() - middle < SECONDS_OF_TEXTS


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("opening", "closing"), ["[]", "()", ('{"a":', "")])
def test_nested_brackets_are_read_at_once(opening: str, closing: str, size: int) -> None:
    """Brackets within brackets are no deeper than a line of them."""
    depth = size // len(opening + closing)
    text = opening * depth + closing * depth
    start = time.process_time()
    parse_label(text, QuestionType.ISREAL)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    "unit",
    ["A ", "A\n", "\n", " ", "and ", "the first ", "the other ", "image ", "not ", "it is ",
     "answer ", "the first is real and ", "one is ", "fake ", "(", "*", "-"],
    ids=repr,
)  # fmt: skip
def test_a_long_reply_to_a_choice_is_read_at_once(unit: str) -> None:
    """Options are found in time that grows with the reply and no faster."""
    text = f"The second {unit * (20_000 // len(unit))}x"
    start = time.process_time()
    parse_choice(text, ("The first one.", "The second one."), QuestionType.WHICHREAL)
    assert time.process_time() - start < SECONDS
