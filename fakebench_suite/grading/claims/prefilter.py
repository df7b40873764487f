"""Words without one of which a pattern of the grammar finds nothing, so that few are searched for.

Most clauses have no word that a pattern is about. The words of a text are looked up once, and tell
which patterns may find anything in it. The words are in ``prefilter.toml``.
"""

import re
import tomllib
from functools import lru_cache, reduce
from importlib.resources import files
from operator import or_

REMEMBERED = 1 << 12
"""Texts of which is remembered what was found in them: models repeat sentences."""
_WORD = re.compile(r"\w+")
MAX_RUN = 80
"""Longest run of characters without a space of which is remembered what it may contain."""
_MAX_RUNS = 1 << 15


class RequiredWords:
    """Whole words and, with an asterisk, beginnings of words, of which each match has one."""

    def __init__(self, words: str, bit: int) -> None:
        self.bit = bit
        self.patterns: list[re.Pattern[str]] = []
        """The patterns that find nothing in a text without any of the words."""
        names = words.split()
        self._words = frozenset(name for name in names if not name.endswith("*"))
        self._stems = tuple(name.removesuffix("*") for name in names if name.endswith("*"))

    def holds(self, word: str) -> bool:
        """Whether a word is one of them."""
        return word in self._words or word.startswith(self._stems)

    def guard(self, *patterns: re.Pattern[str]) -> int:
        """Add patterns that find nothing without any of the words; their bit."""
        self.patterns += patterns
        return self.bit


REQUIRED = {
    name: RequiredWords(words, 1 << place)
    for place, (name, words) in enumerate(
        tomllib.loads((files(__package__) / "prefilter.toml").read_text(encoding="utf-8")).items()
    )
}


class _Bits(dict[str, int]):
    """The bits of the required words in each run of characters seen so far; most runs have none."""

    def __missing__(self, run: str) -> int:
        words = _WORD.findall(run)
        bits = sum(one.bit for one in REQUIRED.values() if any(map(one.holds, words)))
        if len(run) <= MAX_RUN:
            if len(self) > _MAX_RUNS:
                self.clear()
            self[run] = bits
        return bits


_BITS = _Bits()


@lru_cache(maxsize=REMEMBERED)
def find_required(text: str) -> int:
    """The bits of the required words that a text has one of."""
    return reduce(or_, map(_BITS.__getitem__, text.split(" ")), 0)


class PrefilteredPattern:
    """A pattern that is searched for only in texts that have one of its words."""

    def __init__(self, name: str, pattern: re.Pattern[str]) -> None:
        self._bit, self.pattern = REQUIRED[name].guard(pattern), pattern

    def may_be_in(self, text: str) -> bool:
        """Whether a text has one of the words."""
        return bool(find_required(text) & self._bit)

    def search(self, text: str) -> re.Match[str] | None:
        """The first match; None if there is none."""
        return self.pattern.search(text) if find_required(text) & self._bit else None

    def match(self, text: str) -> re.Match[str] | None:
        """The match at the beginning; None if there is none."""
        return self.pattern.match(text) if find_required(text) & self._bit else None
