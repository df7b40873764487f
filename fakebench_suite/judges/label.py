"""Reading a reply: from free text and the question's form to fake, real, refused or unparsed.

Nothing is guessed. A reply counts as an assertion only when its words assert one label about the
image; two labels asserted at once are unparsed, unless a conclusion settles them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from fakebench_suite.types import Authenticity, Form


class Silence(StrEnum):
    """Why a reply asserts no label."""

    REFUSED = "refused"
    UNPARSED = "unparsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reply asserts, and the words that decided it."""

    said: Authenticity | Silence
    why: str


_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(r"[*_`#>\"“”]+|\\boxed\{|</?answer>|[{}]", re.IGNORECASE)
_FAKE = (
    r"fake|(?:ai|artificially|computer|digitally|synthetically)[- ]?(?:generated|created|made)|"
    r"synthetic|artificial|counterfeit|generated (?:by|with|using) (?:an? )?(?:ai|artificial)|"
    r"inauthentic|deepfake|not (?:a )?(?:real|authentic|genuine)|unreal"
)
_REAL = r"real|authentic|genuine|(?:actual|real|genuine|authentic) photo(?:graph)?|not (?:a )?fake"
_ADVERBS = (
    r"(?:(?:an?|the|indeed|most|very|likely|probably|definitely|clearly|certainly|almost|"
    r"completely|entirely|highly|actually|in fact|considered|to be|as|being|appears?|seems?|"
    r"looks?|like|judged|classified|more|rather|quite|overall|therefore|thus|so)\s+)*"
)
_NOT = r"(?:(?:is|was|are)n['’]t|not|never|cannot be|neither)\s+"
_NOUN = r"(?:image|picture|photo|photograph|artwork|illustration)"
_COPULA = (
    r"(?:['’]s|\s+(?:is|was|must be|should be|can be)|"
    r"(?P<neg0>\s+(?:does|did)(?:\s+not|n['’]t))?\s+(?:appear|seem|look)(?:s|ed)?)"
)
# "The real world" and "the artificial light" say nothing of the image: a verb is needed.
_SUBJECT = (
    rf"(?:(?:\b(?:this|it|that)|\b(?:the|this|that)(?:\s+(?:given|provided|above|entire|whole|"
    rf"overall))?\s+{_NOUN}){_COPULA}\s+"
    r"|\b(?:authenticity|verdict|judge?ment|answer|conclusion|label|class(?:ification)?|result)\b"
    r"[^.\n]{0,60}?(?:\bis\b|:|=)\s*)"
)
_ASSERTION = re.compile(
    rf"{_SUBJECT}(?P<neg>{_NOT})?{_ADVERBS}(?P<neg2>{_NOT})?{_ADVERBS}"
    rf"(?:(?P<fake>{_FAKE})|(?P<real>{_REAL}))\b",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"^\W*{_ADVERBS}(?P<neg>{_NOT})?{_ADVERBS}(?:(?P<fake>{_FAKE})|(?P<real>{_REAL}))"
    rf"(?:\s+(?:image|picture|photo|photograph))?\W*$",
    re.IGNORECASE,
)
_YES_NO = re.compile(
    r"^\W*(?:answer\W+)?(?P<word>yes|no)\b(?!\s+(?:one|idea|way|doubt|and)\b|\s*/)", re.I
)
_REFUSAL = re.compile(
    r"\b(?:i(?:['’]m| am) (?:sorry|unable|not able)|i (?:can(?:not|['’]t)|won['’]t|am not able to)|"
    r"unable to (?:determine|tell|say|assist|help)|cannot (?:determine|assist|help|provide)|"
    r"can['’]t (?:determine|assist|help))\b",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(
    r"\b(?:in conclusion|to conclude|conclusion|final(?:ly| answer| judge?ment| verdict)?|"
    r"therefore|overall|in summary|thus|hence)\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:whether|fake or real|real or fake|if (?:it|this|the)|(?:do|does|did)(?: not|n['’]t) "
    r"(?:think|believe|mean)|nothing|no (?:\w+ )?(?:evidence|signs?|reason|indications?|hints?)|"
    r"unlikely|hard|difficult|impossible|might|may|could|some (?:people|say))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def read_label(text: str, form: Form) -> Reading:
    """What a reply to a question of this form asserts about the image's authenticity."""
    plain = re.sub(r"\s+", " ", _MARKUP.sub(" ", _THINKING.sub(" ", text))).strip()
    if not plain:
        return Reading(said=Silence.UNPARSED, why="the reply is empty")
    if form in (Form.ISFAKE, Form.ISREAL):
        return _read_yes_no(plain, form)
    return _read_statement(plain)


def _read_yes_no(plain: str, form: Form) -> Reading:
    match = _YES_NO.match(plain)
    if match is None:
        return _read_statement(plain)
    yes = match["word"].lower() == "yes"
    said = Authenticity.FAKE if yes == (form is Form.ISFAKE) else Authenticity.REAL
    rest = _read_statement(plain[match.end() :])
    if isinstance(rest.said, Authenticity) and rest.said is not said:
        why = f"{match['word']!r} and {rest.why} contradict each other"
        return Reading(said=Silence.UNPARSED, why=why)
    return Reading(said=said, why=repr(match["word"]))


def _read_statement(plain: str) -> Reading:
    bare = _BARE.match(plain)
    if bare is not None:
        return _to_reading(bare)
    sentences = [sentence for sentence in _SENTENCE.split(plain) if sentence]
    last = _BARE.match(sentences[-1]) if sentences else None
    if last is not None:
        return _to_reading(last)
    found = [(index, match) for index, s in enumerate(sentences) for match in _assert(s)]
    readings = [_to_reading(match) for _, match in found]
    if len({reading.said for reading in readings}) == 1:
        return readings[-1]
    closing = {
        reading.said: reading
        for (index, _), reading in zip(found, readings, strict=True)
        if _CONCLUSION.search(sentences[index])
    }
    if len(closing) == 1:
        return next(iter(closing.values()))
    if readings:
        return Reading(said=Silence.UNPARSED, why="the reply asserts both fake and real")
    refusal = _REFUSAL.search(plain)
    if refusal is not None:
        return Reading(said=Silence.REFUSED, why=repr(refusal[0]))
    return Reading(said=Silence.UNPARSED, why="the reply asserts neither fake nor real")


def _assert(sentence: str) -> list[re.Match[str]]:
    """Assertions in a sentence that leaves the matter open ("fake or real", "if") are none."""
    return [] if _OPEN.search(sentence) else list(_ASSERTION.finditer(sentence))


def _to_reading(match: re.Match[str]) -> Reading:
    groups = match.groupdict()
    said = Authenticity.FAKE if groups["fake"] else Authenticity.REAL
    word = (groups["fake"] or groups["real"]).lower()
    if word.startswith("not"):
        said = Authenticity.REAL if "fake" in word else Authenticity.FAKE
    negations = sum(bool(groups.get(name)) for name in ("neg0", "neg", "neg2"))
    if negations % 2:
        said = Authenticity.REAL if said is Authenticity.FAKE else Authenticity.FAKE
    return Reading(said=said, why=repr(match[0].strip()))
