"""Split a normalized text into sentences, with hints at what each may contain.

Most sentences of a long analysis cannot contain any part of a verdict, and are not parsed.
"""

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_

from fakebench_suite.grading.labels.language.lexicon import (
    LETTER,
    Sentence,
    begins_part,
    find_first_words,
    find_stems,
    find_words,
)

_SENTENCE = re.compile(
    r"[^\n.!?;]*+(?:(?:[.!?](?![ a-z\u4e00-\u9fff])|;(?! ))[^\n.!?;]*+)*+(?:[.!?;] ?|\n)?"
)
"""A sentence and its end: a mark before a space or, except for a semicolon, before a letter."""
_WORD = re.compile(r"[^\W_](?:[\w-]*\w)?|[^\w\s]")
_DIGITS = "0123456789-"
_MAX_LENGTH = 1500
"""Characters of a sentence; longer ones come from models that repeat themselves, and are split."""


class SentenceFlags:
    """What a sentence may contain, by its words; one bit each."""

    LABEL = 1
    """A label, or the first word of one."""
    ANSWER = 2
    """Yes or no."""
    CORRECTION = 4
    """A word that may retract earlier statements."""
    QUESTION = 16
    """A question mark."""
    PHRASE = 32
    """The first word of a phrase that may be a label."""
    TITLE = 8
    """A word at the end of a heading above a verdict."""
    TURN = 64
    """A word that may introduce a contrast."""
    CONCLUSION = 128
    """A word that may introduce a conclusion."""
    DOUBT = 256
    """A word that may leave the matter open."""
    COMPOSED = 512
    """A word for a composited or manipulated image."""


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LABELS = ("FAKE", "REAL", "MADE", "TAKEN")
_LETTERS = frozenset(LETTER[name] for name in _LABELS)
_LABEL = find_words(_LABELS)
_OPENING = find_first_words(_LABELS)
_STEMS = tuple(find_stems(("MADE", "TAKEN")))
_WORDS = {
    SentenceFlags.ANSWER: find_first_words(("YES", "NO")),
    SentenceFlags.TITLE: _split("conclusion verdict judgement judgment answer summary decision"),
    SentenceFlags.QUESTION: frozenset("?"),
    SentenceFlags.CORRECTION: _split("""
        wait hold scratch correction kidding again disregard thought thoughts reflection let take
        withdraw retract meant actually changing revising going change revise correct no
    """),
}
_CUES = {
    SentenceFlags.TURN: re.compile(
        r"\b(?:but|however|yet|though|nevertheless|nonetheless|closer|further|otherwise|details?"
        r"|wider|still)\b"
    ),
    SentenceFlags.CONCLUSION: re.compile(
        r"\b(?:conclu(?:sion|de|ding)|final(?:ly)?|verdict|judge?ment|answer|decision|therefore"
        r"|overall|thus|hence|so|ultimately|consequently|summary|short|end|summari[sz]e|sum|all"
        r"|balance|revised|updated|corrected)\b"
    ),
    SentenceFlags.COMPOSED: re.compile(
        r"\b(?:composit|pasted|splic|inserted|photomontage|montage|collage|doctored|photoshopped"
        r"|manipulated|edited|altered|modified|retouched)"
    ),
    SentenceFlags.DOUBT: re.compile(
        r"\b(?:not?|can|could|would|may|might|or|never|nothing|none|nobody|neither|either|both|all"
        r"|two|unable|impossible|hard|difficult|tough|tricky|challenging|reluctant|insufficient"
        r"|irresponsible|withh(?:o|e)ld|unsure|uncertain|unclear|binary|forced|whether|authenticity"
        r"|odds|chances|probabilities|likelihoods|any(?:one|body)?|little|without|lacks?|cancels?"
        r"|offsets?|balances?|tips?|opposite|way|evidence|hold(?:ing)?|stop(?:ping)?"
        r"|leav(?:e|ing)|left|remains?|stays?|back|torn|abstain|guesswork|ambiguous|fence|close|open"
        r"|evenly|equally|jury|fifty|50|coin|flip(?:ping)?|toss(?:ing)?|toss-?up)\b"
        r"|\b(?:verdict|judge?ment|determination|conclusion|classification|decision|answer"
        r"|assessment|reply|label|choice|reserv|suspend|hesita|declin|idea|clue)"
        r"|call|agnostic|inconclus|indetermin|undetermin|undecid|unresolv|neutrali"
    ),
}
"""Words of which every contrast, conclusion and doubt contains at least one."""


_MAX_REMEMBERED = 1 << 16
_MAX_RUN_LENGTH = 80
"""Longest run of characters whose hints are cached."""


class _Hints(dict[str, int]):
    """The hints of each run of non-space characters seen so far."""

    def __missing__(self, run: str) -> int:
        hints = 0
        for word in _WORD.findall(run):
            hints |= _find_label_hints(word) | _find_label_hints(word.lstrip(_DIGITS))
            for part in word.split("-"):
                hints |= _find_word_hints(part)
        for hint, cue in _CUES.items():
            hints |= hint if cue.search(run) else 0
        if len(run) <= _MAX_RUN_LENGTH:
            if len(self) > _MAX_REMEMBERED:
                self.clear()
            self[run] = hints
        return hints


_HINTS = _Hints()
_ANY_LABEL = SentenceFlags.LABEL | SentenceFlags.PHRASE


def _find_label_hints(word: str) -> int:
    if word in _LABEL:
        return SentenceFlags.LABEL
    return SentenceFlags.PHRASE if word in _OPENING or word.startswith(_STEMS) else 0


def _find_word_hints(word: str) -> int:
    return reduce(or_, (hint for hint, words in _WORDS.items() if word in words), 0)


def split_sentences(plain: str) -> list[Sentence]:
    """Return the sentences of a normalized text with their hints; a line break ends a sentence."""
    return [
        Sentence(words, _find_hints(words), start, opens=opens)
        for words, start, opens in find_sentences(plain)
    ]


def find_sentences(plain: str) -> Iterator[tuple[str, int, bool]]:
    """Yield each sentence of a normalized text, where it starts, and whether it opens a line."""
    start, starts_line = 0, True
    for piece in _SENTENCE.findall(plain):
        words = piece.rstrip(" \n")
        if len(words) > _MAX_LENGTH:
            for offset, part in _split_long(words):
                yield part, start + offset, starts_line and not offset
        elif words:
            yield words, start, starts_line
        start, starts_line = start + len(piece), piece[-1:] == "\n"


def _find_hints(plain: str) -> int:
    """Return the hints of a sentence: the union of those of its words."""
    hints = reduce(or_, map(_HINTS.__getitem__, plain.split()), 0)
    if hints & _ANY_LABEL == SentenceFlags.PHRASE and _begins_label(plain):
        hints |= SentenceFlags.LABEL
    return hints


def _begins_label(plain: str) -> bool:
    """Return whether a phrase that is a label begins anywhere in a sentence."""
    start = 0
    for run in plain.split(" "):
        end = start + len(run)
        if _HINTS[run] & SentenceFlags.PHRASE:
            for word in _WORD.finditer(plain, start, end):
                if begins_part(plain, word.start(), _LETTERS):
                    return True
        start = end + 1
    return False


def _split_long(words: str) -> Iterator[tuple[int, str]]:
    """Yield pieces of bounded length with their positions, split between words if possible."""
    start = 0
    while len(words) - start > _MAX_LENGTH:
        end = words.rfind(" ", start, start + _MAX_LENGTH)
        end = end if end > start else start + _MAX_LENGTH
        yield start, words[start:end]
        start = end
    yield start, words[start:]


_CORRECTION_WORDS = "|".join(
    (
        "wait|hold on|scratch that|correction|just kidding|then again|please disregard",
        "on (?:second thoughts?|reflection)",
        r"let me (?:correct|rephrase|revise|reconsider)[\w ]*",
        "i (?:take (?:that|it|this) back|(?:withdraw|retract) (?:that|it|this))",
        "i meant(?: to say)?",
        "actually,? (?:no|yes)",
        r"i am (?:therefore |now )?(?:changing|revising|going to change) "
        r"(?:it|my (?:answer|verdict|judge?ment))(?: from \w+)? to",
        r"i (?:(?:have to|must|will|now|therefore|thus|hence) )*(?:change|revise|correct|withdraw) "
        r"my (?:answer|mind|verdict|judge?ment|opinion|view|conclusion|assessment|first \w+)"
        r"(?: from \w+)?(?: to)?",
    )
)
_CORRECTION = re.compile(
    r"(?:^|[,:-] )(?:hmm+,? |oh,? |no,? |but |sorry,? |actually,? )*"
    rf"(?:{_CORRECTION_WORDS})(?!\w)(?! for\b)"
)
_RETRACTION_START = re.compile(
    r"actually,? (?=i am not|i can not|there is not|on reflection|that is not)"
    r"|no, (?=(?:it|this|that|fake|real)\b)"
)
"""The beginning of a sentence that retracts only what is before it."""


def find_correction(plain: str, sentences: Sequence[Sentence]) -> str | None:
    """Return the normalized text after the last correction; None if nothing is retracted."""
    candidates = [
        index
        for index, sentence in enumerate(sentences)
        if sentence.hints & SentenceFlags.CORRECTION
    ]
    for index in reversed(candidates):
        sentence = sentences[index]
        ends = [match.end() for match in _CORRECTION.finditer(sentence.plain)]
        if index and (retraction := _RETRACTION_START.match(sentence.plain)):
            begins_statement = sentence.opens or sentences[index - 1].plain.endswith((".", "!"))
            if begins_statement and not (sentence.opens and retraction[0].startswith("no")):
                ends.append(retraction.end())
        if ends:
            return plain[sentence.start + max(ends) :].strip(" ,.:;-!")
    return None
