"""The words of ``lexicon.toml``, compiled: each pattern is tried only where it can begin."""

import re
import tomllib
from importlib.resources import files
from typing import Any, NamedTuple

from fakebench_suite.grading.claims.prefilter import make_bit
from fakebench_suite.grading.labels.language.pattern_starts import PatternStarts, find_openings

_FILE: dict[str, Any] = tomllib.loads(
    (files(__package__) / "lexicon.toml").read_text(encoding="utf-8")
)

_END = r"(?!\w|-(?!looking\b|like\b)\w)"
"""The end of a word, which a compound goes beyond: "missing-person poster"."""


class WordPattern:
    """A pattern of whole words, and the words that it can begin with."""

    def __init__(self, words: str, kind: str, *, end: str = _END) -> None:
        self.kind, self.bit = kind, make_bit()
        alternatives = words.replace("\n", "")
        self.pattern = re.compile(rf"\b(?:{alternatives}){end}" if alternatives else r"(?!)")
        openings = find_openings(alternatives) if alternatives else PatternStarts()
        self.words, stems = openings.find_first()
        self.stems = tuple(stems)
        self._second = openings.find_second()

    def may_begin(self, word: str) -> bool:
        """Whether a word can be the first that the pattern matches."""
        return word in self.words or word.startswith(self.stems)

    def find_second(self, word: str) -> frozenset[str] | None:
        """The words that can be next if it begins with the first one; None if any can."""
        if word not in self.words or word.startswith(self.stems):
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
            WordPattern(row.get(kind, ""), kind)
            for kind in ("subjects", "asked", "flaws", "depicted")
        ),
    )
    for row in _FILE["criterion"]
)
NATURAL, UNNATURAL, ASSESSING = (
    WordPattern(_FILE[kind], kind) for kind in ("natural", "unnatural", "assessing")
)
VERDICT = WordPattern(f"({_FILE['fake']})|({_FILE['real']})", "verdict", end=r"\b")
"""Its first group has a word for a fake, and its second one for a real image."""
WORD_PATTERNS = (
    *(words for one in CRITERIA_WORDS for words in one[1:]),
    NATURAL, UNNATURAL, ASSESSING, VERDICT,
)  # fmt: skip
_WORDS = frozenset[str]().union(*(words.words for words in WORD_PATTERNS))
_STEMS = tuple(stem for words in WORD_PATTERNS for stem in words.stems)


def find_patterns(word: str) -> dict[WordPattern, frozenset[str] | None]:
    """The patterns that may begin with a word or what hyphens join in it, each with its next words.

    None is any word, or none.
    """
    parts = {word, *word.split("-")}
    if _WORDS.isdisjoint(parts) and not any(part.startswith(_STEMS) for part in parts):
        return {}
    return {
        words: words.find_second(word)
        for words in WORD_PATTERNS
        if any(map(words.may_begin, parts))
    }


def _select(kind: str) -> int:
    """The bits of all patterns of this kind."""
    return sum(words.bit for words in WORD_PATTERNS if words.kind == kind)


SUBJECTS, ASKED, FLAWS, DEPICTED = map(_select, ("subjects", "asked", "flaws", "depicted"))
NAMING = SUBJECTS | ASKED | FLAWS | DEPICTED
ASSESSMENTS = NATURAL.bit | UNNATURAL.bit | ASSESSING.bit
CLAIMING = NAMING | ASSESSMENTS
"""The bits of all patterns but that of a verdict, which is no claim."""
