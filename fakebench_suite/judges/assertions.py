"""Where a reply asserts what the image is: sentence by sentence, with what "it" speaks of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fakebench_suite.judges.wording import (
    ABSENT,
    ASIDE_NOUN,
    ASSERTION,
    BARE,
    CERTAIN,
    DEGREE,
    IMAGE,
    LABEL_WORD,
    OPEN,
    OPPOSED,
)
from fakebench_suite.types import Authenticity


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One place where a reply says what the image is."""

    said: Authenticity
    words: str
    weak: bool
    """It "looks" so, which a later "is" outweighs."""
    final: bool
    """It stands in a conclusion, which outweighs what was considered on the way."""


_CONDITION = re.compile(r"if (?!i |you |we |one )")
_PART = re.compile(r"(?<=[,;()])|(?= but )")
_CLAUSE = re.compile(
    r"[,;:()]|\b(?:and|so|but|because|since|as(?! (?:if|though))|therefore|thus|hence|while|"
    r"whereas|although|(?<!as )though|however|meaning)\b"
)
_WITHIN = re.compile(r"\b(?:of|in|on|within|inside|across|throughout|for|to|about) ?$")
_IMAGE = re.compile(rf"\b{IMAGE}\b")
_ANSWERED = re.compile(r"(?:yes|no|yep|yeah|nope)")
_CONCLUDING = re.compile(
    r"\b(?:to conclude|conclu(?:sion|de)|final(?:ly)?|verdict|judge?ment|answer|therefore|overall|"
    r"in summary|to summari[sz]e|in short|thus|hence|ultimately|consequently)\b|^so\b"
)
_TITLE = re.compile(r"(?:[a-z]+ ){0,2}(?:conclusion|verdict|judge?ment|answer|summary) ?:? *\.?")


def find_assertions(sentences: Sequence[str]) -> list[Assertion]:
    """Every assertion about the image, in order.

    "It" speaks of the image until something else is called fake or real ("a fake plant").
    """
    found: list[Assertion] = []
    titled, on_topic = False, True
    for index, sentence in enumerate(sentences):
        titled = titled or _TITLE.fullmatch(sentence) is not None
        if sentence.endswith("?") or _CONDITION.match(sentence):
            continue
        final = titled or _CONCLUDING.search(sentence) is not None
        follows = True
        for part in _PART.split(sentence):
            matches = [
                match
                for match in ASSERTION.finditer(part)
                if (on_topic or match["pronoun"] is None)
                and not _WITHIN.search(part[: match.start()])
            ]
            if not matches and follows and (bare := BARE.match(f" {part.strip()}")) is not None:
                matches = [bare]
                final = final or index == len(sentences) - 1
            said = [
                Assertion(
                    said=label,
                    words=match[0].strip(),
                    weak=bool(match["weak"] or match.groupdict().get("lean")),
                    final=final,
                )
                for match in matches
                if (label := _resolve(match)) is not None
            ]
            found += said
            follows = bool(said) or _ANSWERED.fullmatch(part.strip(" ,;")) is not None
            if matches or LABEL_WORD.search(part):
                on_topic = bool(matches)
            elif ASIDE_NOUN.search(part) and not _IMAGE.search(part):
                on_topic = False
            elif _IMAGE.search(part):
                on_topic = True
    return found


def _resolve(match: re.Match[str]) -> Authenticity | None:
    """The label a match asserts, its negation counted; None when it leaves the matter open."""
    groups = match.groupdict()
    if ABSENT.match(match.string[match.end() :]):
        return None
    before = _CLAUSE.split(match.string[: match.start()])[-1]
    if OPEN.search(CERTAIN.sub("", before)):
        return None
    if groups["loose"] and not (groups["noun"] or groups["made"] or groups["taken"]):
        return None
    negations = [groups.get(name) for name in ("not1", "not2", "not3")]
    if DEGREE.search((groups["degree"] or "") + (groups["lead"] if any(negations) else "")):
        return None
    odd = (sum(map(bool, negations)) + bool(groups["neg"])) % 2 == 1
    fake = bool(groups["fake"] or groups["made"]) != odd
    other = OPPOSED.match(match.string[match.end() :])
    if other is not None and "more likely" not in match[0]:
        if other["fake"] is None and other["real"] is None:
            return None
        second = (other["fake"] is not None) != (other["neg"] is not None)
        if second != fake:
            return None
    return Authenticity.FAKE if fake else Authenticity.REAL
