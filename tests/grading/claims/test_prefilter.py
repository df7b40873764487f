"""A pattern is searched for wherever it finds anything, though in few texts."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakebench_suite.grading.claims import grammar, places, reader
from fakebench_suite.grading.claims.clauses import HAS_VERB, Clause, split_clauses
from fakebench_suite.grading.claims.prefilter import REQUIRED, RequiredWords
from fakebench_suite.grading.claims.searched_text import SearchedText

WITH_PATTERNS = {name: words for name, words in REQUIRED.items() if words.patterns}
MODULES = (grammar, places, reader)
"""The modules that guard patterns, which are guarded when they are imported."""
SLOW = settings(
    max_examples=15, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


def test_every_cue_is_of_a_pattern_or_known_here() -> None:
    """Words without a pattern would be tested by nothing."""
    assert REQUIRED.keys() - WITH_PATTERNS.keys() == {"verb", "possible_verb", "bound"}


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(WITH_PATTERNS))
@SLOW
@given(data=st.data())
def test_what_a_pattern_finds_has_its_cue(name: str, data: st.DataObject) -> None:
    """Texts that a pattern matches, made from the pattern, have a word that it requires."""
    required = WITH_PATTERNS[name]
    pattern = data.draw(st.sampled_from(required.patterns))
    text = data.draw(st.from_regex(re.compile(pattern.pattern, re.ASCII)))
    match = pattern.search(text)
    if match is not None:
        assert SearchedText(text).bits & required.bit, (text, match)


@SLOW
@given(st.from_regex(re.compile(HAS_VERB.pattern, re.ASCII)))
def test_a_verb_is_seen(text: str) -> None:
    """By the words of a clause alone, as by the pattern."""
    assert Clause(text).has_verb == (HAS_VERB.search(text[:400]) is not None)


@pytest.mark.parametrize(
    ("text", "has_verb"),
    [("it is", True), ("isle", False), ("colour casts", False), ("it casts", True),
     ("lines of text", False), ("it lines up", True), ("the-is-it", True), ("natural", False)],
)  # fmt: skip
def test_what_is_a_verb(text: str, has_verb: bool) -> None:
    """Whole words, with or without hyphens, and "casts" but not in "colour casts"."""
    assert Clause(text).has_verb is has_verb


@pytest.mark.parametrize(
    ("sentence", "clauses"),
    [
        ("the edges are odd; the rest is fine", ["the edges are odd", "the rest is fine"]),
        ("the edges are odd, with soft light", ["the edges are odd", "soft light"]),
        ("the edges are odd, so it is fake", ["the edges are odd", "it is fake"]),
        ("the edges are odd as are the shadows", ["the edges are odd", "as are the shadows"]),
        ("the edges are odd - quite odd", ["the edges are odd", "quite odd"]),
        ("texture: odd", ["texture", "odd"]),
        ("all is fine with the exception of the hand", ["all is fine", "the hand"]),
        ("all is fine in comparison to the hand", ["all is fine", "the hand"]),
        (
            "the light is odd and the texture is fine",
            ["the light is odd and", "the texture is fine"],
        ),
    ],
)
def test_every_bound_is_seen(sentence: str, clauses: list[str]) -> None:
    """A sentence is split by each kind of bound alone."""
    assert [clause.text for clause in split_clauses(SearchedText(sentence))] == clauses


def test_words_of_a_cue() -> None:
    """Whole words, and beginnings of words with an asterisk."""
    required = RequiredWords("not blur*")
    assert [word for word in ("not", "note", "blur", "blurry", "a") if required.holds(word)] == [
        "not", "blur", "blurry",
    ]  # fmt: skip
