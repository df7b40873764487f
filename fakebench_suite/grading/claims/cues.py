"""Words without one of which a pattern of the grammar finds nothing, so that few are searched for.

Most clauses have no word that a pattern is about. The words of a text are looked up once, and tell
which patterns may find anything in it. The words are in ``cues.toml``.
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


class Cue:
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
        """Add patterns that find nothing without any of the words; the bit of the cue."""
        self.patterns += patterns
        return self.bit


CUES = {
    name: Cue(words, 1 << place)
    for place, (name, words) in enumerate(
        tomllib.loads((files(__package__) / "cues.toml").read_text(encoding="utf-8")).items()
    )
}


class _Bits(dict[str, int]):
    """The bits of the cues in each run of characters seen so far; most runs have none."""

    def __missing__(self, run: str) -> int:
        words = _WORD.findall(run)
        bits = sum(cue.bit for cue in CUES.values() if any(map(cue.holds, words)))
        if len(run) <= MAX_RUN:
            if len(self) > _MAX_RUNS:
                self.clear()
            self[run] = bits
        return bits


_BITS = _Bits()


@lru_cache(maxsize=REMEMBERED)
def find_cues(text: str) -> int:
    """The bits of the cues that a text has a word of."""
    return reduce(or_, map(_BITS.__getitem__, text.split(" ")), 0)


class CuedPattern:
    """A pattern that is searched for only in texts that have one of its cues."""

    def __init__(self, name: str, pattern: re.Pattern[str]) -> None:
        self._bit, self.pattern = CUES[name].guard(pattern), pattern

    def may_be_in(self, text: str) -> bool:
        """Whether a text has one of the cues."""
        return bool(find_cues(text) & self._bit)

    def search(self, text: str) -> re.Match[str] | None:
        """The first match; None if there is none."""
        return self.pattern.search(text) if find_cues(text) & self._bit else None

    def match(self, text: str) -> re.Match[str] | None:
        """The match at the beginning; None if there is none."""
        return self.pattern.match(text) if find_cues(text) & self._bit else None
