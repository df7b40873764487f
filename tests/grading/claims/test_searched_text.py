"""Words are looked up once, and the parts of a text know of theirs what a text of its own would."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.grading.claims.clauses import Clause
from fakebench_suite.grading.claims.lexicon import (
    CRITERIA_WORDS,
    FLAWS,
    NATURAL,
    UNNATURAL,
    VERDICT,
    WORD_PATTERNS,
)
from fakebench_suite.grading.claims.prefilter import REQUIRED
from fakebench_suite.grading.claims.searched_text import SearchedText

WORDS = """
    is are has no not out of focus missing an arm does cast shadows edges blend blurry natural
    unrealistic-looking fake-like real a photograph its authenticity far from perfect too smooth
    wax-like surface details the in waves upside down (x) & - , table it 1.7%
"""
TEXTS = st.lists(
    st.tuples(
        st.sampled_from(WORDS.split()),
        st.sampled_from([" ", " ", " ", ", ", "; ", ". ", ": ", "\n"]),
    ),
    max_size=12,
).map(lambda pairs: "".join(word + space for word, space in pairs))


def list_found(searched: SearchedText) -> list[list[tuple[int, int]]]:
    """Where each pattern of the lexicon is found."""
    return [[match.span() for match in searched.find(words)] for words in WORD_PATTERNS]


@given(TEXTS, st.data())
def test_a_part_is_searched_like_a_text_of_its_own(text: str, data: st.DataObject) -> None:
    """Wherever it is cut between words, and cut again; also where a word needs the next one."""
    searched = SearchedText(text)
    for _ in range(2):
        whole = searched.text
        bounds = [place for place in range(len(whole) + 1) if not is_within_word(whole, place)]
        start, end = sorted([data.draw(st.sampled_from(bounds)) for _ in range(2)])
        searched = searched.cut(start, end)
        anew = SearchedText(whole[start:end])
        assert searched.text == anew.text
        assert searched.bits == anew.bits
        assert list_found(searched) == list_found(anew)


def is_within_word(text: str, place: int) -> bool:
    """Whether a place is within a word, with its hyphens."""
    return re.fullmatch(r"[\w-]{2}", text[max(0, place - 1) : place + 1]) is not None


@given(TEXTS)
def test_a_pattern_is_found_wherever_it_is(text: str) -> None:
    """As if it were searched for everywhere, though it is tried at few words."""
    searched = SearchedText(text)
    for words in WORD_PATTERNS:
        spans = [match.span() for match in searched.find(words)]
        assert spans == [match.span() for match in words.pattern.finditer(text)]


def test_a_word_may_need_the_next_one() -> None:
    """The word "is" begins a flaw before "missing", and nothing where the part ends with it."""
    searched = SearchedText("it is missing an arm")
    flaws = next(one.flaws for one in CRITERIA_WORDS if one.name == "content deficiency")
    assert searched.bits & flaws.bit
    assert [match[0] for match in searched.find(flaws)] == ["is missing an"]
    assert not searched.cut(0, 5).bits & flaws.bit
    assert not SearchedText("it is here, an arm is missing").cut(0, 10).bits & flaws.bit


def test_words_are_found_in_their_part() -> None:
    """Between two places, the first of which counts and the last of which does not."""
    searched = SearchedText("so: it is blurry, not odd").cut(4, 25)
    assert searched.text == "it is blurry, not odd"
    negative = REQUIRED["negative"].bit
    assert searched.holds(negative, 14, 15)
    assert not searched.holds(negative, 0, 14)
    assert not searched.holds(negative, 15, 21)


def test_criteria_are_listed_by_their_words() -> None:
    """In their order, and only those of the kinds that are asked for."""
    searched = SearchedText("the shape is warped and the texture waxy")
    assert [one.name for one in searched.list_criteria(FLAWS)] == ["texture", "distortion"]
    assert not searched.list_criteria(NATURAL.bit)


def test_a_long_clause_is_read_to_its_limit() -> None:
    """Also if it is in the middle of a text: what is found is where it says."""
    clause = Clause(*SearchedText(f"so; odd {'x ' * 300}odd").find_part(4, 611), link="plain")  # type: ignore[arg-type]
    assert len(clause.text) == 400
    assert [match.span() for match in clause.find(UNNATURAL)] == [(0, 3)]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [("a fake", [1]), ("it is not being real", [1]), ("real life", []), ("a photograph", [2]),
     ("a real-life scene, faked", [2])],
)  # fmt: skip
def test_a_verdict_is_of_one_of_two_kinds(text: str, kinds: list[int]) -> None:
    """The first group is for fakes and the second one for real images."""
    assert [match.lastindex for match in SearchedText(text).find(VERDICT)] == kinds
