"""No reply takes long to read, whatever a model stutters."""

import time

import pytest

from fakebench_suite.judges.exact import find_named, read_soundness
from fakebench_suite.judges.label import read_label
from fakebench_suite.types import Form

MEGABYTE = 1_000_000
SECONDS = 3.0
"""It takes a third of a second on an idle core; a quadratic pattern takes hours."""
UNITS = (
    "a", "fake ", "real. ", "not ", "yes ", "no, ", "\n", " ", "\t", "{", "[", "(", '"', "'",
    "it's ", "<", "<|", "<think>", "</think>", "<answer>", "\\boxed{", "~~", "*", "#", "_", "|",
    "1. ", "9/10 ", "100% ", "...", "?", "-", "—", "假", "不是", "可能", "这张图片", "wait ",
    "the image is ", "the image is not ", "likelihood of ", "either real or ", "[ ] ", "✅", "ai-",
    "no artifacts, ", "and ", "natural and ", '{"verdict": ', "is it real? ", "conclusion\n",
    "assistantfinal",
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=repr)
def test_a_megabyte_of_one_word_is_read_at_once(unit: str) -> None:
    """Labels and texts are read in time that grows with the reply and no faster."""
    text = unit * (MEGABYTE // len(unit))
    start = time.process_time()
    read_label(text, Form.ISFAKE)
    read_soundness(text)
    find_named(text)
    assert time.process_time() - start < SECONDS
