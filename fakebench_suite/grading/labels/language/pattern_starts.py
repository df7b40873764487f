"""Determine the first two words that a pattern can match, so that it is tried at these only.

Supports the syntax used in ``lexicon.toml``: literals, classes, groups, alternatives, ``?``, ``*``,
``+``, ``{m,n}`` and look-around. If the words of a pattern cannot be enumerated, it begins with a
*stem*: it is tried at any word with that prefix.
"""

import re
from dataclasses import dataclass, field

_QUANTIFIER = re.compile(r"(?:([?*+])|\{(\d*)(?:,\d*)?\})\??")
_DIGITS = set("0123456789")
_MAX_CLASS_SIZE = 10
_LOOK = ("(?=", "(?!", "(?<")


@dataclass(slots=True)
class PatternStarts:
    """Texts of one or two complete words, and stems of words that are incomplete."""

    words: set[str] = field(default_factory=set)
    stems: set[str] = field(default_factory=set)

    def find_first(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the complete first words, and the stems of incomplete ones."""
        pairs = [text for text in self.words | self.stems if " " in text]
        words = {text.partition(" ")[0] for text in pairs} | {*self.words} - {*pairs}
        return frozenset(words), frozenset(self.stems - {*pairs})

    def find_second(self) -> dict[str, frozenset[str] | None]:
        """Return the words that may follow each complete first word; None if any may, or none."""
        followers: dict[str, set[str]] = {}
        open_words = {text.partition(" ")[0] for text in self.stems}
        for text in self.words:
            first, _, second = text.partition(" ")
            followers.setdefault(first, set()).add(second)
        return {
            first: None if first in open_words or "" in seconds else frozenset(seconds)
            for first, seconds in followers.items()
        }


def find_openings(pattern: str) -> PatternStarts:
    """Return the first two words of every text that the pattern matches.

    Raises AssertionError if the pattern uses other syntax or can begin with any word.
    """
    openings = PatternStarts()
    incomplete, position = _follow(pattern, 0, {""}, openings)
    assert position == len(pattern), f"not understood from {pattern[position:]!r}"
    openings.words |= incomplete
    assert "" not in openings.words | openings.stems, f"{pattern!r} can begin with any word"
    return openings


def _follow(
    pattern: str, position: int, start: set[str], openings: PatternStarts
) -> tuple[set[str], int]:
    """Follow alternatives up to their closing bracket.

    Returns the beginnings that are still incomplete, and the position after the alternatives.
    """
    ended: set[str] = set()
    incomplete = set(start)
    while position < len(pattern) and pattern[position] != ")":
        if pattern[position] == "|":
            ended |= incomplete
            incomplete, position = set(start), position + 1
            continue
        previous = incomplete
        incomplete, position = _follow_item(pattern, position, incomplete, openings)
        quantifier = _QUANTIFIER.match(pattern, position)
        if quantifier is None:
            continue
        position = quantifier.end()
        sign, least = quantifier[1], quantifier[2]
        if sign != "?" and incomplete:  # Repeated within a word: where it ends is not followed.
            openings.stems |= incomplete
        if sign in ("?", "*") or least == "0":
            incomplete = incomplete | previous
    return ended | incomplete, position


def _follow_item(
    pattern: str, position: int, incomplete: set[str], openings: PatternStarts
) -> tuple[set[str], int]:
    """Follow one literal, class or group; returns as :func:`_follow`."""
    if pattern.startswith(_LOOK, position):
        start = position + (4 if pattern[position + 2] == "<" else 3)
        _, position = _follow(pattern, start, set(), PatternStarts())
        return incomplete, position + 1
    if pattern[position] == "(":
        position += 3 if pattern.startswith("(?:", position) else 1
        incomplete, position = _follow(pattern, position, incomplete, openings)
        return incomplete, position + 1
    if pattern[position] == "[":
        end = pattern.index("]", position + 2)
        return _append_letters(incomplete, _expand(pattern[position + 1 : end]), openings), end + 1
    if pattern[position] == "\\":
        if pattern[position + 1] in "bB":
            return incomplete, position + 2
        escaped = pattern[position + 1]
        letters = _DIGITS if escaped == "d" else None if escaped.isalpha() else {escaped}
        return _append_letters(incomplete, letters, openings), position + 2
    letters = None if pattern[position] == "." else {pattern[position]}
    return _append_letters(incomplete, letters, openings), position + 1


def _expand(letters: str) -> set[str] | None:
    """Return the letters of a class; None if there are too many."""
    if letters.startswith("^") or "\\" in letters:
        return None
    spans = re.findall(r"(\w)-(\w)", letters)
    if any(ord(last) - ord(first) > _MAX_CLASS_SIZE for first, last in spans):
        return None
    letters_in_ranges = {
        chr(code_point) for first, last in spans for code_point in range(ord(first), ord(last) + 1)
    }
    return letters_in_ranges | set(re.sub(r"\w-\w", "", letters))


def _append_letters(
    incomplete: set[str], letters: set[str] | None, openings: PatternStarts
) -> set[str]:
    """Append each of ``letters`` to the beginnings; None ends them as stems."""
    if letters is None:
        openings.stems |= incomplete
        return set()
    extended = set()
    for letter in letters:
        if letter.isalnum() or letter == "-":
            extended |= {start + letter for start in incomplete}
        elif letter == " ":
            openings.words |= {start for start in incomplete if " " in start}
            extended |= {start + letter for start in incomplete if " " not in start}
        else:  # A punctuation mark is a separate word.
            openings.words |= {start for start in incomplete if start.partition(" ")[2]}
            alone = {start.rstrip() for start in incomplete if not start.partition(" ")[2]}
            openings.words |= {f"{start} {letter}" for start in alone}
    return extended
