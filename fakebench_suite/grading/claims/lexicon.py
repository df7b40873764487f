"""The words of ``lexicon.toml``, compiled: each pattern is tried only where it can begin."""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, NamedTuple

from fakebench_suite.grading.labels.language.first_words import FirstWords, find_openings

_FILE: dict[str, Any] = tomllib.loads(
    (files(__package__) / "lexicon.toml").read_text(encoding="utf-8")
)

_END = r"(?!\w|-(?!looking\b|like\b)\w)"
"""The end of a word, which a compound goes beyond: "missing-person poster"."""


class Words:
    """A pattern of whole words, and the words that it can begin with."""

    def __init__(self, words: str, kind: str, criterion: str = "") -> None:
        self.kind, self.criterion = kind, criterion
        alternatives = words.replace("\n", "")
        self.pattern = re.compile(rf"\b(?:{alternatives}){_END}" if alternatives else r"(?!)")
        openings = find_openings(alternatives) if alternatives else FirstWords()
        words_, stems = openings.find_first()
        self._words, self._stems = words_, tuple(stems)
        self._second = openings.find_second()

    def may_begin(self, word: str) -> bool:
        """Whether a word can be the first that the pattern matches."""
        return word in self._words or word.startswith(self._stems)

    def may_follow(self, word: str, following: str) -> bool:
        """Whether, if it begins with the first word, the second can be the next one."""
        if word not in self._words or (self._stems and word.startswith(self._stems)):
            return True
        seconds = self._second.get(word)
        return seconds is None or following in seconds


class Criterion(NamedTuple):
    """The words of a criterion; the comments of the file say what they are."""

    name: str
    subjects: Words
    asked: Words
    flaws: Words
    depicted: Words


CRITERIA_WORDS = tuple(
    Criterion(
        row["name"],
        *(
            Words(row.get(kind, ""), kind, row["name"])
            for kind in ("subjects", "asked", "flaws", "depicted")
        ),
    )
    for row in _FILE["criterion"]
)
NATURAL, UNNATURAL, ASSESSING = (
    Words(_FILE[kind], kind) for kind in ("natural", "unnatural", "assessing")
)
_ALL = (*(words for one in CRITERIA_WORDS for words in one[1:]), NATURAL, UNNATURAL, ASSESSING)
_WORD = re.compile(r"[\w-]+")
_HYPHEN = re.compile("-")
_MAX_REMEMBERED = 1 << 14


class _Hints(dict[str, frozenset[Words]]):
    """The patterns that can begin at each word seen so far: few words begin any."""

    def __missing__(self, word: str) -> frozenset[Words]:
        parts = {word, *word.split("-")}
        if len(self) > _MAX_REMEMBERED:
            self.clear()
        self[word] = hints = frozenset(words for words in _ALL if any(map(words.may_begin, parts)))
        return hints


_HINTS = _Hints()


def find_kinds(text: str) -> set[str]:
    """The kinds of the words that a text may contain, quickly."""
    return {words.kind for _, words in _find_hints(text)}


def _find_hints(text: str) -> Iterator[tuple[re.Match[str], Words]]:
    """Yield the words of a text with the patterns that may begin at them."""
    matches = list(_WORD.finditer(text))
    for index, word in enumerate(matches):
        if hints := _HINTS[word[0]]:
            following = matches[index + 1][0] if index + 1 < len(matches) else ""
            for words in hints:
                if words.may_follow(word[0], following):
                    yield word, words


NAMING = frozenset({"subjects", "asked", "flaws", "depicted"})
_ORDER = {one.name: index for index, one in enumerate(CRITERIA_WORDS)}


class Phrase:
    """A text in which the words of the lexicon are searched for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.assessments: list[Any] | None = None
        """Kept by the reader, which finds them once."""
        self._hints: dict[Words, list[int]] = {}
        for word, words in _find_hints(text):
            self._hints.setdefault(words, []).extend(_list_starts(word))

    @property
    def may_assess(self) -> bool:
        """Whether it may contain a word of the lexicon."""
        return bool(self._hints)

    @property
    def may_name(self) -> bool:
        """Whether it may name a criterion or a flaw."""
        return any(words.kind in NAMING for words in self._hints)

    def list_criteria(self, *kinds: str) -> list[Criterion]:
        """The criteria of which it may have words of these kinds, in their order."""
        names = {words.criterion for words in self._hints if words.kind in kinds}
        return [CRITERIA_WORDS[index] for index in sorted(_ORDER[name] for name in names)]

    def find(self, words: Words) -> list[re.Match[str]]:
        """Where the words are: the pattern is tried where it can begin."""
        found: list[re.Match[str]] = []
        end = 0
        for start in self._hints.get(words, ()):
            if start >= end and (match := words.pattern.match(self.text, start)):
                found.append(match)
                end = match.end()
        return found


def _list_starts(word: re.Match[str]) -> list[int]:
    """Where a word starts, and what is joined to it by hyphens."""
    if "-" not in word[0]:
        return [word.start()]
    return [word.start(), *(word.start() + m.end() for m in _HYPHEN.finditer(word[0]))]
