"""Statements of how likely it is that the image has a label: "the probability of AI is high"."""

from fakebench_suite.grading.labels.language import grammar
from fakebench_suite.grading.labels.language.lexicon import LETTER, Sentence, compile_parts
from fakebench_suite.grading.labels.language.polarity import find_clause_start
from fakebench_suite.types import Authenticity

_LABEL = "(?: (?P<fake>FAKE|MADE) | (?P<real>REAL|TAKEN) )"
_ABOUT = (
    f"(?: (?:OF|WITH|THAT|STOP) (?: {grammar.NAMED_IMAGE} {grammar.IMAGE_SUFFIX} | IT | DET"
    " | IMAGE_MODIFIER | BE | ADVERB | AS | SEEM )* )"
)
_VALUE = "(?: (?P<high>HIGH) | (?P<low>LOW|NONE) )"
_CHANCE = "(?: LIKELIHOOD | (?P<sure>CONFIDENCE) )"
_DENIED_LABEL = f"(?P<not>NOT)? (?:DET|ADVERB|DEGREE)* {_LABEL}"
_COPULA = "STOP? (?:BE|SEEM|COLON|ADVERB)+ (?:ADVERB|AS|OF|STOP)*"
_LIKELIHOODS = tuple(
    compile_parts(pattern)
    for pattern in (
        f"{_CHANCE} {_ABOUT}{{1,2}} {_DENIED_LABEL} WORD{{0,2}} (?:IMAGE|FAKE_CUE|ONE)? {_COPULA}"
        f" {_VALUE} (?!LIKELIHOOD|WORD|NOT|THAN)",
        f"{_LABEL} (?:FAKE_CUE|IMAGE)? {_CHANCE} {_COPULA} {_VALUE} (?!WORD|THAN)",
        f"{_CHANCE} {_LABEL} IMAGE? COLON {_VALUE}",
        f"{_LABEL} IMAGE? COLON {_VALUE} (?=STOP|$)",
        f"{_VALUE} {_CHANCE} {_ABOUT} {_DENIED_LABEL} (?: WORD{{0,2}} IMAGE )?"
        " (?= $ | STOP | BUT | BECAUSE | AND | SO | WITH )",
        "(?<!.) (?: I|WOULD|STATES|OPINION|CALL|IT|IMAGE|DET|BE|OF|AS|ADVERB|DEGREE|SO|HENCE|COLON"
        f" | HEADING|LIKELIHOOD|CONFIDENCE )* (?P<share> {_VALUE} ) {_LABEL} IMAGE?"
        " (?=STOP|$|BUT|BECAUSE)",
        f"{_CHANCE} {_COPULA} {_VALUE} THAT {_ABOUT}? {_DENIED_LABEL}",
        f"I (?:WOULD|ADVERB|STATES|CALL|WORD)* DET? {_CHANCE} {_ABOUT}{{1,2}} {_DENIED_LABEL}"
        f" WORD{{0,2}} (?:IMAGE|FAKE_CUE|ONE)? STOP? (?:OF|AS|BE)* ADVERB* {_VALUE}",
    )
)
"""Statements of a likelihood that the image has a label."""
_OPEN = compile_parts("NOT|NONE|MAY|UNDECIDED|CANNOT_BE|NO")
LIKELIHOOD_PARTS = compile_parts("LIKELIHOOD|CONFIDENCE|HIGH|LOW")
"""Parts one of which makes a sentence such a statement: "fake: none" has none of them."""


def find_likelihood(sentence: Sentence) -> tuple[Authenticity, str] | None:
    """Return the label that a likelihood asserts, and its words; None if there is none.

    The sentence has to hold one of LIKELIHOOD_PARTS.
    A high likelihood asserts its label and a low one the opposite. High confidence in a label
    asserts it; low confidence asserts nothing. A likelihood in between, compared or negated leaves
    the matter open.
    """
    tags = sentence.tags
    if LETTER["THAN"] in tags:
        return None
    for shape in _LIKELIHOODS:
        match = shape.search(tags)
        if match is None:
            continue
        groups = match.groupdict()
        if groups.get("share") and sentence.words[match.start("share")][-1:] != "%":
            continue
        before = tags[
            find_clause_start(grammar.SCOPE_BOUND, sentence, match.start()) : match.start()
        ]
        low = match["low"] is not None
        if grammar.HEARSAY.search(before) or _OPEN.search(before):
            return None
        if low and groups.get("sure"):
            return None
        is_negated = (groups.get("not") is not None) != low
        fake = (match["fake"] is not None) != is_negated
        label = Authenticity.FAKE if fake else Authenticity.REAL
        return label, sentence.quote(match.start(), match.end())
    return None
