"""The words of ``lexicon.toml``, compiled: each pattern is tried only where it can begin."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate, count
from typing import Any, NamedTuple

from fakebench_suite.grading.claims.prefilter import MAX_RUN, REMEMBERED
from fakebench_suite.grading.labels.language.pattern_starts import PatternStarts, find_openings

_FILE: dict[str, Any] = tomllib.loads(
    (files(__package__) / "lexicon.toml").read_text(encoding="utf-8")
)

_END = r"(?!\w|-(?!looking\b|like\b)\w)"
"""The end of a word, which a compound goes beyond: "missing-person poster"."""


_NUMBERS = count()


class WordPattern:
    """A pattern of whole words, and the words that it can begin with."""

    def __init__(self, words: str, kind: str, criterion: str = "") -> None:
        self.kind, self.criterion, self.bit = kind, criterion, 1 << next(_NUMBERS)
        alternatives = words.replace("\n", "")
        self.pattern = re.compile(rf"\b(?:{alternatives}){_END}" if alternatives else r"(?!)")
        openings = find_openings(alternatives) if alternatives else PatternStarts()
        words_, stems = openings.find_first()
        self._words, self._stems = words_, tuple(stems)
        self._second = openings.find_second()

    def may_begin(self, word: str) -> bool:
        """Whether a word can be the first that the pattern matches."""
        return word in self._words or word.startswith(self._stems)

    def find_second(self, word: str) -> frozenset[str] | None:
        """The words that can be next if it begins with the first one; None if any can."""
        if word not in self._words or (self._stems and word.startswith(self._stems)):
            return None
        return self._second.get(word)


class CriterionWords(NamedTuple):
    """The words of a criterion; the comments of the file say what they are."""

    name: str
    subjects: WordPattern
    asked: WordPattern
    flaws: WordPattern
    depicted: WordPattern


CRITERIA_WORDS = tuple(
    CriterionWords(
        row["name"],
        *(
            WordPattern(row.get(kind, ""), kind, row["name"])
            for kind in ("subjects", "asked", "flaws", "depicted")
        ),
    )
    for row in _FILE["criterion"]
)
NATURAL, UNNATURAL, ASSESSING = (
    WordPattern(_FILE[kind], kind) for kind in ("natural", "unnatural", "assessing")
)
_ALL = (*(words for one in CRITERIA_WORDS for words in one[1:]), NATURAL, UNNATURAL, ASSESSING)
_WORD = re.compile(r"[\w-]+")
_HYPHEN = re.compile("-")
_MAX_REMEMBERED = 1 << 15


class _Hint(NamedTuple):
    """The patterns that may begin at a word of a run of characters."""

    starts: Sequence[int]
    """Where in the run they may begin."""
    end: int
    """Where in the run the word ends."""
    patterns: Sequence[WordPattern]
    """Those that may, whatever is next."""
    before: Sequence[tuple[WordPattern, frozenset[str]]]
    """Those that may before one of these words."""


class _Hints(dict[str, Sequence[_Hint]]):
    """The patterns that may begin in each run of characters seen so far; in most, none may."""

    def __missing__(self, run: str) -> Sequence[_Hint]:
        hints = [hint for word in _WORD.finditer(run) if (hint := _find_hint(word)) is not None]
        if len(run) <= MAX_RUN:
            if len(self) > _MAX_REMEMBERED:
                self.clear()
            self[run] = hints
        return hints


_HINTS = _Hints()


def _find_hint(word: re.Match[str]) -> _Hint | None:
    parts = {word[0], *word[0].split("-")}
    every = [
        (words, words.find_second(word[0])) for words in _ALL if any(map(words.may_begin, parts))
    ]
    if not every:
        return None
    return _Hint(
        starts=_list_starts(word),
        end=word.end(),
        patterns=[words for words, seconds in every if seconds is None],
        before=[(words, seconds) for words, seconds in every if seconds is not None],
    )


def _select(*kinds: str) -> int:
    """The bits of all patterns of these kinds."""
    return sum(words.bit for words in _ALL if words.kind in kinds)


SUBJECTS, ASKED, FLAWS, DEPICTED = map(_select, ("subjects", "asked", "flaws", "depicted"))
NAMING = SUBJECTS | ASKED | FLAWS | DEPICTED


@lru_cache(maxsize=REMEMBERED)
def _list_criteria(bits: int) -> Sequence[CriterionWords]:
    """The criteria of some patterns, in their order."""
    return [one for one in CRITERIA_WORDS if any(words.bit & bits for words in one[1:])]


class SearchedText:
    """A text in which the words of the lexicon are searched for, each once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.assessments: list[Any] | None = None
        """Kept by the reader, which finds them once."""
        self._found: dict[WordPattern, list[re.Match[str]]] = {}
        self._starts: dict[WordPattern, list[int]] = {}
        self.bits = 0
        """Those of the patterns that may find something in it."""
        runs = text.split(" ")
        ends = list(accumulate(map(len, runs)))
        """Without the spaces."""
        for index, hints in enumerate(map(_HINTS.__getitem__, runs)):
            if hints:
                start = ends[index] - len(runs[index]) + index
                for hint in hints:
                    self._take(hint, start)

    def _take(self, hint: _Hint, start: int) -> None:
        """Note where patterns may begin in a run that starts here."""
        patterns = hint.patterns
        if hint.before:
            match = _WORD.search(self.text, start + hint.end)
            following = "" if match is None else match[0]
            patterns = [*patterns, *(w for w, words in hint.before if following in words)]
        for words in patterns:
            self.bits |= words.bit
            starts = self._starts.setdefault(words, [])
            starts += [start + place for place in hint.starts]

    def list_criteria(self, kinds: int) -> Sequence[CriterionWords]:
        """The criteria of which it may have words of these kinds, in their order."""
        return _list_criteria(self.bits & kinds)

    def find(self, words: WordPattern) -> list[re.Match[str]]:
        """Where the words are: the pattern is tried where it can begin."""
        starts = self._starts.get(words)
        if starts is None:
            return []
        found = self._found.get(words)
        if found is None:
            found = self._found[words] = list(self._match(words, starts))
        return found

    def _match(self, words: WordPattern, starts: list[int]) -> Iterator[re.Match[str]]:
        end = 0
        for start in starts:
            if start >= end and (match := words.pattern.match(self.text, start)):
                yield match
                end = match.end()


@lru_cache(maxsize=REMEMBERED)
def make_searched_text(text: str) -> SearchedText:
    """The phrase of a text; that of one seen lately knows what was found in it."""
    return SearchedText(text)


def _list_starts(word: re.Match[str]) -> list[int]:
    """Where a word starts, and what is joined to it by hyphens."""
    if "-" not in word[0]:
        return [word.start()]
    return [word.start(), *(word.start() + m.end() for m in _HYPHEN.finditer(word[0]))]
