"""Corrections: places where a reply retracts what it said before."""

import re
from collections.abc import Sequence

from fakebench_suite.grading.labels.language.lexicon import Sentence
from fakebench_suite.grading.labels.language.sentences import Hint

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
        index for index, sentence in enumerate(sentences) if sentence.hints & Hint.CORRECTION
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
