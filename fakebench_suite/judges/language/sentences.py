"""The sentences of a clean text, and which of them can hold any part of a verdict.

Most sentences of a long analysis cannot, by their words alone, and are never looked at again.
"""

import re
from collections.abc import Iterator

from fakebench_suite.judges.language.lexicon import (
    LETTER,
    Sentence,
    begins_part,
    find_first_words,
    find_stems,
    find_words,
)

_END = re.compile(r"\n|[.!?;](?: |(?<!;)(?=[a-z\u4e00-\u9fff]))")
_WORD = re.compile(r"[^\W_]+(?:-\w+)*|[^\w\s]")
_LONGEST = 1500
"""Letters of a sentence: what is longer is a model that stutters, and is read piece by piece."""


class Hint:
    """What a sentence may hold, by its words: one bit each."""

    LABEL = 1
    """A label, or the first word of one."""
    ANSWER = 2
    """Yes or no."""
    CORRECTION = 4
    """A word that may take back what was said."""
    QUESTION = 16
    """A question mark."""
    PHRASE = 32
    """The first word of a phrase that may be a label; never a sentence's hint."""
    TITLE = 8
    """A word that a heading above a verdict ends with."""


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LABELS = ("FAKE", "REAL", "MADE", "TAKEN")
_LETTERS = frozenset(LETTER[name] for name in _LABELS)
_LABEL = find_words(_LABELS)
_OPENING = find_first_words(_LABELS)
_QUESTION = re.compile(r"\?")
_STEMS = tuple(find_stems(("MADE", "TAKEN")))
_WORDS = {
    Hint.ANSWER: find_first_words(("YES", "NO")),
    Hint.TITLE: _split("conclusion verdict judgement judgment answer summary decision"),
    Hint.CORRECTION: _split("""
        wait hold scratch correction kidding again disregard thought thoughts reflection let take
        withdraw retract meant actually changing revising going change revise correct no
    """),
}


_REMEMBERED = 1 << 16
_Hints = tuple[int, tuple[int, ...]]
"""What a word hints at, and where in it the words begin that do."""
_HINTS: dict[str, _Hints] = {}
"""The hints of telling words met so far, marks around them included."""
_IDLE: set[str] = set()
"""Words met so far that give no hint."""


def split_sentences(plain: str) -> list[Sentence]:
    """The sentences of a clean text with their hints; a line ends a sentence."""
    hits = _find_hits(plain)
    found: list[Sentence] = []
    hit, hint = hits.pop()
    for start, stop, opens in _find_spans(plain):
        hints = 0
        while hit < stop:
            hints |= hint
            hit, hint = hits.pop()
        found.append(Sentence(plain[start:stop], hints, start, opens=opens))
    return found


def _find_hits(plain: str) -> list[tuple[int, int]]:
    """Where words stand that give hints, and their hints, the last first; an end is the first.

    A telling word is also found inside longer words; that costs time and changes no reading.
    """
    hits = [(len(plain), 0)]
    for word, (hints, offsets) in _find_telling(set(plain.split())).items():
        place = plain.find(word)
        while place >= 0:
            for offset in offsets:
                if hints != Hint.PHRASE:
                    hits.append((place + offset, hints))
                elif begins_part(plain, place + offset, _LETTERS):
                    hits.append((place + offset, Hint.LABEL))
            place = plain.find(word, place + len(word))
    if "?" in plain:
        hits += [(mark.start(), Hint.QUESTION) for mark in _QUESTION.finditer(plain)]
    hits.sort(reverse=True)
    return hits


def _find_telling(words: set[str]) -> dict[str, _Hints]:
    """The words that give hints, and those; idle words are told apart by their set alone."""
    telling: dict[str, _Hints] = {}
    for word in words - _IDLE:
        hints = _HINTS.get(word)
        if hints is None:
            hints = _find_hints(word)
            known: set[str] | dict[str, _Hints] = _HINTS if hints[0] else _IDLE
            if len(known) > _REMEMBERED:
                known.clear()
            if not hints[0]:
                _IDLE.add(word)
                continue
            _HINTS[word] = hints
        telling[word] = hints
    return telling


def _find_hints(word: str) -> _Hints:
    found, offsets = 0, set[int]()
    for match in _WORD.finditer(word):
        part, before = match[0], found
        if part in _LABEL:
            found |= Hint.LABEL
        elif part in _OPENING or part.startswith(_STEMS):
            found |= Hint.PHRASE
        for hint, words in _WORDS.items():
            found |= hint if part in words else 0
        if found != before:
            offsets.add(match.start())
    if found & Hint.PHRASE and found != Hint.PHRASE:
        found |= Hint.LABEL
    return found, tuple(sorted(offsets))


def _find_spans(plain: str) -> list[tuple[int, int, bool]]:
    """Where each sentence begins and ends, and whether it is the first of its line."""
    spans: list[tuple[int, int, bool]] = []
    start, opens = 0, True
    for end in _END.finditer(plain):
        first, behind = end.span()
        line_ends = plain[first] == "\n"
        stop = first if line_ends else first + 1
        if stop - start > _LONGEST:
            spans += _cut(plain, start, stop, opens=opens)
        elif stop > start:
            spans.append((start, stop, opens))
        start, opens = behind, line_ends
    if len(plain) > start:
        spans += _cut(plain, start, len(plain), opens=opens)
    return spans


def _cut(plain: str, start: int, stop: int, *, opens: bool) -> Iterator[tuple[int, int, bool]]:
    """Pieces of bounded length, between words where there are any."""
    while stop - start > _LONGEST:
        end = plain.rfind(" ", start, start + _LONGEST)
        end = end if end > start else start + _LONGEST
        yield start, end, opens
        start, opens = end, False
    yield start, stop, opens
