"""Claims are read in a few times the time that labels take, and known sentences faster."""

import time
from collections.abc import Callable

import pytest

from fakebench_suite.grading.claims.readings import forget_texts, read_claims
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.types import QuestionType
from tests.grading.claims.test_explanations import ALL

REPLIES = [
    " ".join(one.text for one in rows[start : start + 12])
    for rows in ALL.values()
    for start in range(0, len(rows), 12)
]
"""Replies of a dozen sentences, no two of which are alike."""


def measure(read: Callable[[str], object], texts: list[str]) -> float:
    """The CPU seconds that reading some texts takes."""
    start = time.process_time()
    for text in texts:
        read(text)
    return time.process_time() - start


@pytest.fixture
def _warm() -> None:
    """The first reading compiles patterns and looks words up."""
    for text in REPLIES:
        read_claims(text)
        parse_label(text, QuestionType.INFERENCE)
    forget_texts()
    parse_label.cache_clear()


@pytest.mark.usefixtures("_warm")
def test_claims_are_read_in_a_few_times_the_time_of_labels() -> None:
    """Whatever the machine: a reply is read several times more thoroughly, and not dozens."""
    claims = measure(read_claims, REPLIES)
    labels = measure(lambda text: parse_label(text, QuestionType.INFERENCE), REPLIES)
    assert claims < LIMIT * labels


LIMIT = 15.0
"""Of the seconds that labels take."""


@pytest.mark.usefixtures("_warm")
def test_known_sentences_are_read_faster() -> None:
    """What was found in a sentence is remembered, whatever stands around it."""
    unknown = measure(read_claims, REPLIES)
    known = measure(read_claims, [f"It is a picture. {text}" for text in REPLIES])
    assert known < unknown / 2
