"""The two words that a pattern over words can begin with, so that it is tried at those only.

Understands what ``lexicon.toml`` is written in: literals, classes, groups, alternatives, ``?``,
``*``, ``+``, ``{m,n}`` and look-around. A pattern that cannot be followed to the end of a word
begins with a *stem*: any words that start so are worth a try.
"""

import re
from dataclasses import dataclass, field

_QUANTIFIER = re.compile(r"(?:([?*+])|\{(\d*)(?:,\d*)?\})\??")
_DIGITS = set("0123456789")
_MAX_CLASS_SIZE = 10
_LOOK = ("(?=", "(?!", "(?<")


@dataclass(slots=True)
class Openings:
    """Texts of one or two words known to their end, and stems of those that are not."""

    words: set[str] = field(default_factory=set)
    stems: set[str] = field(default_factory=set)

    def find_first(self) -> tuple[frozenset[str], frozenset[str]]:
        """The first words that are known to their end, and the stems of those that are not."""
        pairs = [text for text in self.words | self.stems if " " in text]
        words = {text.partition(" ")[0] for text in pairs} | {*self.words} - {*pairs}
        return frozenset(words), frozenset(self.stems - {*pairs})

    def find_second(self) -> dict[str, frozenset[str] | None]:
        """What may follow each first word that is known to its end; None: anything, or nothing."""
        followers: dict[str, set[str]] = {}
        open_words = {text.partition(" ")[0] for text in self.stems}
        for text in self.words:
            first, _, second = text.partition(" ")
            followers.setdefault(first, set()).add(second)
        return {
            first: None if first in open_words or "" in seconds else frozenset(seconds)
            for first, seconds in followers.items()
        }


def find_openings(pattern: str) -> Openings:
    """The first two words of every text the pattern matches."""
    found = Openings()
    growing, place = _follow(pattern, 0, {""}, found)
    assert place == len(pattern), f"not understood from {pattern[place:]!r}"
    found.words |= growing
    assert "" not in found.words | found.stems, f"{pattern!r} can begin with any word"
    return found


def _follow(pattern: str, place: int, start: set[str], found: Openings) -> tuple[set[str], int]:
    """Follow alternatives up to their closing bracket; the beginnings that are still growing."""
    ended: set[str] = set()
    growing = set(start)
    while place < len(pattern) and pattern[place] != ")":
        if pattern[place] == "|":
            ended |= growing
            growing, place = set(start), place + 1
            continue
        before = growing
        growing, place = _follow_item(pattern, place, growing, found)
        quantifier = _QUANTIFIER.match(pattern, place)
        if quantifier is None:
            continue
        place = quantifier.end()
        sign, least = quantifier[1], quantifier[2]
        if sign != "?" and growing:  # Repeated within a word: where it ends is not followed.
            found.stems |= growing
        if sign in ("?", "*") or least == "0":
            growing = growing | before
    return ended | growing, place


def _follow_item(
    pattern: str, place: int, growing: set[str], found: Openings
) -> tuple[set[str], int]:
    """Follow one literal, class or group."""
    if pattern.startswith(_LOOK, place):
        start = place + (4 if pattern[place + 2] == "<" else 3)
        _, place = _follow(pattern, start, set(), Openings())
        return growing, place + 1
    if pattern[place] == "(":
        place += 3 if pattern.startswith("(?:", place) else 1
        growing, place = _follow(pattern, place, growing, found)
        return growing, place + 1
    if pattern[place] == "[":
        end = pattern.index("]", place + 2)
        return _append_letters(growing, _expand(pattern[place + 1 : end]), found), end + 1
    if pattern[place] == "\\":
        if pattern[place + 1] in "bB":
            return growing, place + 2
        escaped = pattern[place + 1]
        letters = _DIGITS if escaped == "d" else None if escaped.isalpha() else {escaped}
        return _append_letters(growing, letters, found), place + 2
    letters = None if pattern[place] == "." else {pattern[place]}
    return _append_letters(growing, letters, found), place + 1


def _expand(letters: str) -> set[str] | None:
    """The letters of a class; None where there are too many to follow."""
    if letters.startswith("^") or "\\" in letters:
        return None
    spans = re.findall(r"(\w)-(\w)", letters)
    if any(ord(last) - ord(first) > _MAX_CLASS_SIZE for first, last in spans):
        return None
    spelt = {chr(one) for first, last in spans for one in range(ord(first), ord(last) + 1)}
    return spelt | set(re.sub(r"\w-\w", "", letters))


def _append_letters(growing: set[str], letters: set[str] | None, found: Openings) -> set[str]:
    if letters is None:
        found.stems |= growing
        return set()
    grown = set()
    for letter in letters:
        if letter.isalnum() or letter == "-":
            grown |= {start + letter for start in growing}
        elif letter == " ":
            found.words |= {start for start in growing if " " in start}
            grown |= {start + letter for start in growing if " " not in start}
        else:  # A mark is a word of its own.
            found.words |= {start for start in growing if start.partition(" ")[2]}
            alone = {start.rstrip() for start in growing if not start.partition(" ")[2]}
            found.words |= {f"{start} {letter}" for start in alone}
    return grown
