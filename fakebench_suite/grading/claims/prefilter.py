"""Words without one of which a pattern of the grammar finds nothing, so that few are searched for.

Most clauses have no word that a pattern is about. The words of a text are looked up once, and tell
which patterns may find anything in it. The words are in ``prefilter.toml``.
"""

import re
import tomllib
from importlib.resources import files
from itertools import count

_PLACES = count()


def make_bit() -> int:
    """A bit of its own for a set of words; a text has those of the sets that it has a word of."""
    return 1 << next(_PLACES)


class RequiredWords:
    """Whole words and, with an asterisk, beginnings of words, of which each match has one."""

    def __init__(self, words: str) -> None:
        self.bit = make_bit()
        self.patterns: list[re.Pattern[str]] = []
        """The patterns that find nothing in a text without any of the words."""
        names = words.split()
        self.words = frozenset(name for name in names if not name.endswith("*"))
        self.stems = tuple(name.removesuffix("*") for name in names if name.endswith("*"))

    def holds(self, word: str) -> bool:
        """Whether a word is one of them."""
        return word in self.words or word.startswith(self.stems)

    def guard(self, *patterns: re.Pattern[str]) -> int:
        """Add patterns that find nothing without any of the words; their bit."""
        self.patterns += patterns
        return self.bit


REQUIRED = {
    name: RequiredWords(words)
    for name, words in tomllib.loads(
        (files(__package__) / "prefilter.toml").read_text(encoding="utf-8")
    ).items()
}
_WORDS = frozenset[str]().union(*(one.words for one in REQUIRED.values()))
_STEMS = tuple(stem for one in REQUIRED.values() for stem in one.stems)


def find_required(word: str) -> int:
    """The bits of the required words that a word, or what hyphens join in it, is one of."""
    parts = [part for part in word.split("-") if part in _WORDS or part.startswith(_STEMS)]
    if not parts:
        return 0
    return sum(one.bit for one in REQUIRED.values() if any(map(one.holds, parts)))
