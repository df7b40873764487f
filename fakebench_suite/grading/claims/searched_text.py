"""A text whose words have been looked up: which patterns may find something in it, and where.

Most patterns can begin only with certain words, so that they are tried at these. The words of a
reply are looked up once, and its sentences and clauses are cut from it with what is known of them.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from fakebench_suite.grading.claims.lexicon import (
    CRITERIA_WORDS,
    CriterionWords,
    WordPattern,
    find_patterns,
)
from fakebench_suite.grading.claims.prefilter import RequiredWords, find_required

_WORD = re.compile(r"[\w-]+")
_HYPHEN = re.compile("-")
_MAX_RUN = 80
"""Longest run of characters without a space whose words are remembered."""
_MAX_REMEMBERED = 1 << 15


class _Word(NamedTuple):
    """What is known of a word; words of which nothing is are left out."""

    bits: int
    """Those of the required words that it is one of, and of the patterns that may begin with it."""
    before: dict[str, int]
    """The bits of the patterns that may begin with it before certain words only, by these."""
    starts: Sequence[int]
    """Where in the word patterns may begin: at its start, and after its hyphens."""
    end: int
    """Its length."""


PlacedWord = tuple[int, int, _Word]
"""Where a word starts, its bits with those that the word after it adds, and what is known of it."""


class _Runs(dict[str, Sequence[tuple[int, _Word]]]):
    """The words of each run of characters without a space seen so far, and where they start."""

    def __missing__(self, run: str) -> Sequence[tuple[int, _Word]]:
        found = ((match.start(), _look_up(match[0])) for match in _WORD.finditer(run))
        words = tuple((start, word) for start, word in found if word.bits or word.before)
        if len(run) <= _MAX_RUN:
            if len(self) > _MAX_REMEMBERED:
                self.clear()
            self[run] = words
        return words


_RUNS = _Runs()


def _look_up(word: str) -> _Word:
    bits, before = find_required(word), dict[str, int]()
    for words, seconds in find_patterns(word).items():
        if seconds is None:
            bits |= words.bit
        else:
            before |= {second: before.get(second, 0) | words.bit for second in seconds}
    starts = (0, *(match.end() for match in _HYPHEN.finditer(word)))
    return _Word(bits=bits, before=before, starts=starts, end=len(word))


def _find_words(text: str) -> Sequence[PlacedWord]:
    """The words of a text of which something is known, in order."""
    runs = text.replace("\n", " ").split(" ")
    found: list[PlacedWord] = []
    start = 0
    for run, words in zip(runs, map(_RUNS.__getitem__, runs), strict=True):
        if words:
            for place, word in words:
                bits = word.bits
                if word.before and (following := _WORD.search(text, start + place + word.end)):
                    bits |= word.before.get(following[0], 0)
                found.append((start + place, bits, word))
        start += len(run) + 1
    return found


class SearchedText:
    """A text in which the words of the lexicon are searched for, each once.

    It may be a part of another one, whose words are known: of ``words``, from ``offset`` on.
    """

    __slots__ = ("_found", "_offset", "assessments", "bits", "text", "words")

    def __init__(
        self, text: str, words: Sequence[PlacedWord] | None = None, offset: int = 0
    ) -> None:
        self.text, self._offset = text, offset
        self.words = _find_words(text) if words is None else words
        """Those of which something is known, and where they are in the whole text."""
        bits = 0
        for _, bits_of_word, _ in self.words:
            bits |= bits_of_word
        self.bits = bits
        """Those of the patterns, and of the required words, that may be in it."""
        self.assessments: list[Any] | None = None
        """Kept by the reader, which finds them once."""
        self._found: dict[WordPattern, list[re.Match[str]]] | None = None

    def cut(self, start: int, end: int) -> "SearchedText":
        """A part of the text, which cuts no word in two."""
        return SearchedText(*self.find_part(start, end))

    def find_part(self, start: int, end: int) -> tuple[str, Sequence[PlacedWord], int]:
        """A part of the text, which cuts no word in two, its words and its offset."""
        text, offset = self.text[start:end], self._offset + start
        first = bisect_left(self.words, (offset,))
        words = self.words[first : bisect_left(self.words, (self._offset + end,), lo=first)]
        if words:
            place, bits, word = words[-1]
            if bits != word.bits and not _WORD.search(text, place - offset + word.end):
                words = [*words[:-1], (place, word.bits, word)]  # What is next is not in the part.
        return text, words, offset

    def holds(self, bits: int, start: int, end: int) -> bool:
        """Whether a word from a position on and before another one has any of these bits."""
        start, end = start + self._offset, end + self._offset
        return any(own & bits and start <= place < end for place, own, _ in self.words)

    def list_criteria(self, kinds: int) -> Sequence[CriterionWords]:
        """The criteria of which it may have words of these kinds, in their order."""
        bits = self.bits & kinds
        return _list_criteria(bits) if bits else ()

    def find(self, words: WordPattern) -> list[re.Match[str]]:
        """Where the words are: the pattern is tried where it can begin."""
        if not self.bits & words.bit:
            return []
        if self._found is None:
            self._found = {}
        found = self._found.get(words)
        if found is None:
            found = self._found[words] = self._search(words)
        return found

    def _search(self, words: WordPattern) -> list[re.Match[str]]:
        found: list[re.Match[str]] = []
        text, bit, match_at, end = self.text, words.bit, words.pattern.match, 0
        for place, bits, word in self.words:
            if bits & bit:
                for start in word.starts:
                    position = place - self._offset + start
                    if position >= end and (match := match_at(text, position)):
                        found.append(match)
                        end = match.end()
        return found


@lru_cache(maxsize=1 << 12)
def _list_criteria(bits: int) -> Sequence[CriterionWords]:
    """The criteria of some patterns, in their order."""
    return [one for one in CRITERIA_WORDS if any(words.bit & bits for words in one[1:])]


class PrefilteredPattern:
    """A pattern that is searched for only in texts that have one of its words."""

    def __init__(self, required: RequiredWords, pattern: re.Pattern[str]) -> None:
        self.bit, self.pattern = required.guard(pattern), pattern

    def search(self, searched: SearchedText) -> re.Match[str] | None:
        """The first match; None if there is none."""
        return self.pattern.search(searched.text) if searched.bits & self.bit else None

    def match(self, searched: SearchedText) -> re.Match[str] | None:
        """The match at the beginning; None if there is none."""
        return self.pattern.match(searched.text) if searched.bits & self.bit else None
