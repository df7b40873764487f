"""The words that a sentence is searched for are hinted at by each of its words alone."""

import json
import re
import string
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakebench_suite.grading.labels.language import answers, assertions, indecision
from fakebench_suite.grading.labels.language.lexicon import LETTER, Sentence
from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.language.sentences import SentenceFlags, split_sentences

FOLDER = Path(__file__).parent / "replies"
SEARCHED = [
    (SentenceFlags.TURN, assertions._CONTRAST_WORDS),
    (SentenceFlags.CONCLUSION, assertions._CONCLUDING),
    (SentenceFlags.CONCLUSION, assertions._FINAL),
    (SentenceFlags.COMPOSED, answers._MANIPULATION),
    (SentenceFlags.DOUBT, indecision._CUES),
    (SentenceFlags.DOUBT, indecision._LEFT_OPEN),
]


def check(sentences: Iterable[Sentence], hint: int, pattern: re.Pattern[str]) -> None:
    """What a sentence holds it must hint at."""
    for sentence in sentences:
        if pattern.search(sentence.plain):
            assert sentence.hints & hint, sentence.plain


@pytest.fixture(scope="module")
def sentences() -> Sequence[Sentence]:
    """Those of all replies."""
    lines = [
        line
        for path in sorted(FOLDER.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [
        sentence
        for line in lines
        for sentence in split_sentences(clean_text(json.loads(line)["reply"]))
    ]


@pytest.mark.thorough
def test_replies_hint_at_all_that_is_searched(sentences: Sequence[Sentence]) -> None:
    """A sentence without the hint is not searched, so none may hold what is searched for."""
    for hint, pattern in SEARCHED:
        check(sentences, hint, pattern)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("hint", "pattern"),
    SEARCHED,
    ids=["turn", "conclusion", "final", "composed", "doubt", "left open"],
)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_all_that_is_searched_is_hinted_at(
    hint: int, pattern: re.Pattern[str], data: st.DataObject
) -> None:
    """Every text that a pattern matches hints at it, whatever stands around."""
    alphabet = st.characters(codec="ascii", categories=["L", "N", "P", "Zs"])
    text = data.draw(st.from_regex(pattern, alphabet=alphabet))
    check(split_sentences(clean_text(text)), hint, pattern)


def test_sentences_without_a_space_between_them_hint_each() -> None:
    """The second of "real.fake" holds a label as well as the first."""
    assert [sentence.hints & SentenceFlags.LABEL for sentence in split_sentences("real.fake")] == [
        SentenceFlags.LABEL
    ] * 2


@pytest.mark.thorough
def test_replies_hint_at_every_label(sentences: Sequence[Sentence]) -> None:
    """A sentence without the hint is no claim, so none may hold a part that is a label."""
    labels = {LETTER[name] for name in ("FAKE", "REAL", "MADE", "TAKEN")}
    for sentence in sentences:
        if not labels.isdisjoint(sentence.tags):
            assert sentence.hints & SentenceFlags.LABEL, sentence.plain


def test_words_joined_by_hyphens_hint_each() -> None:
    """Such as "wait-no", which takes back what was said."""
    (sentence,) = split_sentences("wait-no")
    assert sentence.hints & SentenceFlags.CORRECTION
    assert sentence.hints & SentenceFlags.ANSWER
    (sentence,) = split_sentences("10-fake")
    assert sentence.hints & SentenceFlags.LABEL


@pytest.mark.parametrize("sign", [*string.punctuation, "--", "10", "10-", "-10", "é", " -"])
def test_a_label_is_hinted_at_whatever_sign_stands_at_it(sign: str) -> None:
    """Hints see a word wherever the lexicon sees one."""
    labels = {LETTER[name] for name in ("FAKE", "REAL")}
    for text in (f"it is fake{sign} clearly", f"it is {sign}real", f"it is real{sign}fake"):
        for sentence in split_sentences(clean_text(text)):
            if not labels.isdisjoint(sentence.tags):
                assert sentence.hints & SentenceFlags.LABEL, text
