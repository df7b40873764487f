"""Whether a reply says in words that no part of an image shows that it is fake."""

import re

from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.types import Authenticity, QuestionType

_EMPTY = re.compile(r"\[\s{0,20}(?:(?:none|null)\s{0,20})?\]", re.IGNORECASE)
_ALONE = re.compile(r"\A\W*(?:answer\W{1,5})?(?:none|nothing|null|nil|n/a|na|no)\W*\Z")
_SIGN = (
    r"(?:sign|evidence|indication|indicator|trace|hint|clue|proof|flaw|artifact|artefact|anomaly|"
    r"anomalie|inconsistency|inconsistencie|defect|imperfection|irregularity|irregularitie|"
    r"distortion|manipulation|forgery|alteration|issue|giveaway|boxe?|bounding boxe?)s?"
)
_PART = r"(?:part|region|area|section|place|spot|point|location|portion|element)s?"
_SHOWS = (
    r"(?:that |which |to |of the (?:image|picture|photo) |of it |in (?:the|this) (?:image|picture|"
    r"photo|one) |here )?(?:clearly |would |could )?(?:shows?|suggests?|indicates?|reveals?|"
    r"proves?|betrays?|point(?:s|ed)?|report|mark|list|box|looks? (?:fake|wrong|odd|off|unnatural|"
    r"artificial|manipulated|generated|ai)|appears? (?:fake|manipulated|generated|ai))"
)
_WORDS = r"(?:[\w/-]+ ){0,4}?"
_SAID = re.compile(
    rf"\b(?:no|not any|not (?:see|find|detect|identify|notice|spot|observe|contain|have|show) "
    rf"(?:any|a|an|a single)|without(?: any)?|lacks any) {_WORDS}{_SIGN}\b"
    rf"|\bnone of {_WORDS}{_SHOWS}\b|\bnothing {_WORDS}{_SHOWS}\b|\bnothing (?:to|is wrong)\b"
    rf"|\b(?:no|not (?:see|find|detect|identify|notice|spot|show) (?:any|a|an)) "
    rf"{_WORDS}{_PART}(?:\Z|(?=\s*[.,;:!\])])|,? {_SHOWS}\b)"
)
_REAL = re.compile(r"[^.;\n]*\b(?:real|authentic|genuine|natural|authenticity)\b")
"""After "no sign": a sign of the opposite, so the label that the reply asserts decides."""
_EXCEPTION = re.compile(
    r"\b(?:except|excluding|apart from|aside from|other than|besides|but|however|although|though|"
    r"only|yet|nevertheless|still)\b"
)


def says_no_box(text: str) -> bool:
    """Whether a visible reply without coordinates says that there is no part to show.

    An empty list, "none", no sign of a forgery without an exception, or that the image is real.
    """
    if _EMPTY.search(text):
        return True
    plain = clean_text(text)
    if _ALONE.match(plain):
        return True
    said = _SAID.search(plain)
    if said is not None and not _REAL.match(plain, said.end()):
        return not _EXCEPTION.search(plain, said.end())
    return parse_label(text, QuestionType.WHAT).label is Authenticity.REAL
