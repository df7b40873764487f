"""No reply takes long to read, whatever a model stutters."""

import time

import pytest

from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.grading.probe_texts import named_criteria, parse_natural
from fakebench_suite.types import QuestionType

MEGABYTE = 1_000_000
SECONDS = 1.0
"""CPU time for one reply; a quadratic pattern takes hours."""
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


@pytest.mark.parametrize("unit", UNITS, ids=repr)
def test_a_megabyte_of_one_word_is_read_at_once(unit: str) -> None:
    """Labels and texts are read in time that grows with the reply and no faster."""
    text = unit * (MEGABYTE // len(unit))
    start = time.process_time()
    parse_label(text, QuestionType.ISFAKE)
    read = time.process_time()
    parse_natural(text)
    named_criteria(text)
    assert read - start < SECONDS
    assert time.process_time() - read < SECONDS_OF_TEXTS


NESTED = ("[" * 500_000 + "]" * 500_000, "(" * 500_000 + ")" * 500_000, '{"a":' * 200_000)


@pytest.mark.parametrize("text", NESTED, ids=["brackets", "parentheses", "objects"])
def test_a_megabyte_of_nested_brackets_is_read_at_once(text: str) -> None:
    """Brackets within brackets are no deeper than a line of them."""
    start = time.process_time()
    parse_label(text, QuestionType.ISREAL)
    assert time.process_time() - start < SECONDS
