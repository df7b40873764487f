"""The sentences of a clean text, and which of them can hold any part of a verdict.

Most sentences of a long analysis cannot, by their words alone, and are never looked at again.
"""

import re
from collections.abc import Iterator, Set

from fakebench_suite.judges.language.lexicon import Sentence, find_first_words, find_stems

_END = re.compile(r"[.!?;](?: |(?<!;)(?=[a-z\u4e00-\u9fff]))")
_WORD = re.compile(r"[^\W_]+(?:-\w+)*|[^\w\s]")
_LONGEST = 1500
"""Letters of a sentence: what is longer is a model that stutters, and is read piece by piece."""


class Hint:
    """What a sentence may hold, by its words: one bit each."""

    LABEL = 1
    """A label, or the first word of one."""
    ANSWER = 2
    """Yes or no."""
    CONSENT = 4
    """Yes or no in other words."""
    CORRECTION = 8
    """A word that may take back what was said."""


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LABEL = find_first_words(("FAKE", "REAL", "MADE", "TAKEN"))
_STEMS = tuple(find_stems(("MADE", "TAKEN")))
_WORDS = {
    Hint.ANSWER: find_first_words(("YES", "NO")),
    Hint.CONSENT: _split("""
        absolutely definitely certainly of surely it i most probably not hardly no far never
        unlikely
    """),
    Hint.CORRECTION: _split("""
        wait hold scratch correction kidding again disregard thought thoughts reflection let take
        withdraw retract meant actually changing revising going change revise correct no
    """),
}


class _Hints(dict[str, int]):
    """The hints of each word ever met, marks around it included."""

    def __missing__(self, word: str) -> int:
        if len(self) > 1 << 16:
            self.clear()
        found = 0
        for part in _WORD.findall(word):
            if part in _LABEL or part.startswith(_STEMS):
                found |= Hint.LABEL
            for hint, words in _WORDS.items():
                found |= hint if part in words else 0
        self[word] = found
        return found


_HINTS = _Hints()


def split_sentences(plain: str) -> list[Sentence]:
    """The sentences of a clean text with their hints; a line ends a sentence."""
    found: list[Sentence] = []
    telling = {word for word in set(plain.split()) if _HINTS[word]}
    line_start = 0
    for line in plain.split("\n"):
        start = 0
        for end in _END.finditer(line):
            _add(
                found, line[start : end.start() + 1], line_start + start, telling, opens=start == 0
            )
            start = end.end()
        if start < len(line):
            _add(found, line[start:], line_start + start, telling, opens=start == 0)
        line_start += len(line) + 1
    return found


def _add(found: list[Sentence], text: str, start: int, telling: Set[str], *, opens: bool) -> None:
    if len(text) > _LONGEST:
        for piece in _cut(text):
            _add(found, piece, start, telling, opens=opens)
            start, opens = start + len(piece), False
        return
    hints = 0
    words = text.split()
    if not telling.isdisjoint(words):
        for word in words:
            hints |= _HINTS[word]
    found.append(Sentence(text, hints, start, opens=opens))


def _cut(text: str) -> Iterator[str]:
    """Pieces of bounded length, between words where there are any."""
    start = 0
    while len(text) - start > _LONGEST:
        end = text.rfind(" ", start, start + _LONGEST)
        end = end if end > start else start + _LONGEST
        yield text[start:end]
        start = end
    yield text[start:]
