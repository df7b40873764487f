"""Read a reply into claims: the criteria that it calls violated or intact, and where.

A clause claims something of a criterion if it names a flaw ("the detail is blurred"), or if it
names the criterion and assesses it ("the shadows are inconsistent"). Negations invert what they
precede: "the shadows are not inconsistent" and "no visible distortion" claim that nothing is wrong.
A criterion that is merely named, a question, a condition and what is said of generated images in
general claim nothing. Replies are read in English, and left unread in other languages.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from fakebench_suite.grading.claims.languages import is_english
from fakebench_suite.grading.claims.places import Place, find_places
from fakebench_suite.grading.labels.language.first_words import find_openings
from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.language.sentences import split_sentences


class Polarity(StrEnum):
    """What a claim says of a criterion."""

    ANOMALY = "anomaly"
    """Something is wrong with it."""
    ABSENCE = "absence"
    """Nothing is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a clause of a reply says of a criterion."""

    criterion: str
    polarity: Polarity
    text: str
    """The clause, normalized."""
    places: tuple[Place, ...] = ()
    """Of an anomaly, the parts of the picture that the clause names, or else its sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimReading:
    """The claims of a reply, in order; ``is_read`` is false for one in another language."""

    claims: tuple[Claim, ...]
    is_read: bool = True

    @property
    def anomalies(self) -> frozenset[str]:
        """The criteria with which something is wrong, by the reply."""
        return frozenset(c.criterion for c in self.claims if c.polarity is Polarity.ANOMALY)


UNREAD = ClaimReading(claims=(), is_read=False)

_FILE: dict[str, Any] = tomllib.loads(
    (files(__package__) / "lexicon.toml").read_text(encoding="utf-8")
)


class _Words:
    """A pattern of whole words, and the words that it can begin with."""

    def __init__(self, words: str) -> None:
        alternatives = words.replace("\n", "")
        self.pattern = re.compile(rf"\b(?:{alternatives})\b" if alternatives else r"(?!)")
        openings = find_openings(alternatives).find_first() if alternatives else (frozenset(), ())
        self._words, self._stems = openings[0], tuple(openings[1])

    def may_begin(self, word: str) -> bool:
        """Whether a word can be the first that the pattern matches."""
        return word in self._words or word.startswith(self._stems)


class _Criterion(NamedTuple):
    name: str
    subjects: _Words
    flaws: _Words


_CRITERIA = tuple(
    _Criterion(row["name"], _Words(row["subjects"]), _Words(row["flaws"]))
    for row in _FILE["criterion"]
)
_NATURAL, _UNNATURAL = _Words(_FILE["natural"]), _Words(_FILE["unnatural"])
_ASSESSING = _Words(_FILE["assessing"])
_ALL_WORDS = (
    *(words for one in _CRITERIA for words in (one.subjects, one.flaws)),
    *(_NATURAL, _UNNATURAL, _ASSESSING),
)
_WORD = re.compile(r"[\w-]+")
_MAX_REMEMBERED = 1 << 14


class _Hints(dict[str, frozenset[_Words]]):
    """The patterns that can begin at each word seen so far: few words begin any."""

    def __missing__(self, word: str) -> frozenset[_Words]:
        parts = {word, *word.split("-")}
        if len(self) > _MAX_REMEMBERED:
            self.clear()
        self[word] = hints = frozenset(
            words for words in _ALL_WORDS if any(map(words.may_begin, parts))
        )
        return hints


_HINTS = _Hints()
UNREALISTIC = "unrealistic"
"""What other criteria are called in passing: claimed only where a clause names no other one."""

_MAX_LENGTH = 12_000
"""Characters at both ends of a reply that are read; longer ones come from models that do not
stop."""
_MAX_CLAUSE = 400
"""Characters of a clause that are read."""
_REACH = 100
"""Characters before a word in which a negation is searched for."""

_VERB = (
    r"(?:is|are|was|were|be|looks?|appears?|seems?|has|have|had|shows?|lacks?|does|do|exhibits?|"
    r"displays?|contains?|remains?|runs?|match(?:es)?|aligns?|stands?|falls?|feels?|suggests?|"
    r"makes?|reveals?|casts?|blends?|bends?|breaks?|merges?|points?)"
)
_BOUND = re.compile(
    r"(?:[;:]| - | but | while | whereas | although | though | however\b| yet | which "
    r"| because (?!of)| since | despite |, (?:with|so) )+"
)
"""What always ends a clause."""
_JOINT = re.compile(r", and |, or |, | and ")
"""What ends a clause where a subject and a verb follow."""
_HAS_VERB = re.compile(rf"\b{_VERB}\b")
_OWN_SUBJECT = re.compile(
    rf"^(?:in [\w ]{{1,40}},? )?(?!{_VERB}\b)(?:\w[\w'-]* ){{1,8}}(?:\w+ly )?{_VERB}\b"
)
_GENERAL = re.compile(
    r"^(?:if|were|assuming|had)\b|\bwhether\b"
    r"|\bwould (?:show|have|be|exhibit|display|look|appear|contain)\b"
    r"|\b(?:ai|generated|fake|synthetic|generative)\b[\w -]{0,40}"
    r"\b(?:often|usually|typically|frequently|commonly|tends?)\b"
    r"|\b(?:often|usually|typically|commonly) (?:seen|found|associated)\b"
)
"""A condition, what is left open, and what is said of generated images in general."""
_OPTICAL = re.compile(r"\bdepth[- ]of[- ]field\b|\bbokeh\b|\bmotion blur|\bnaturally blurred\b")
"""Blur that cameras make."""
_CARRIED = re.compile(
    rf"^(?:and |also |then |again |all )*(?:it|they|these|this|that|those|both|which|{_VERB}|not)\b"
)
"""A clause that goes on about the subject before it."""

_NEAR = re.compile(
    r"\b(?:not(?! only| just| merely| simply| free| without| devoid)|never|hardly|barely|scarcely|"
    r"far from|anything but|fails? to|nor|rather than|instead of)"
    r"(?: (?!and\b|but\b)[\w'-]+,?){0,4}(?: |, )$"
)
"""A negation of one of the next words."""
_FAR = re.compile(
    r"\b(?:no(?! doubt| longer)|without|free (?:of|from)|lack(?:s|ing)?(?: of)?|absence of|"
    r"devoid of|zero|nothing|not (?:[\w'-]+ ){0,2}(?:show|have|exhibit|display|contain|see|find|"
    r"notice|observe|detect|identify|reveal|suffer|spot|any))\b(?P<gap>[^;:]*)$"
)
"""A negation of a list, as far as no verb ends it."""
_OPENING = re.compile(
    r"^(?:overall, |also, )?(?:neither|none|nothing|no|nowhere)\b(?! doubt)[^;:]*$"
)
"""A negative subject, whose verb it negates too."""
_CANCELLED = re.compile(r"\b(?:not|hardly|far from|never)(?: \w+)? $")
_DEPRIVED = re.compile(
    r"\b(?:lack(?:s|ing)?(?: of)?|missing|absence of|devoid of)"
    r"(?: (?:any|real|fine|clear|proper|visible|the|a|an|sufficient|enough))* $"
)
"""Before the name of a criterion: what is not there, and should be."""
_HEADING_WORDS = 5
_NONE = re.compile(
    r"^(?:none|no(?!\w| longer)|nothing|not (?:visible|present|noticeable|evident))\b"
)
_PRESENT = re.compile(
    r"^(?:yes|present|visible|noticeable|evident|severe|strong|slight|detected)\b"
)
"""Below the name of a flaw: whether it is there."""
FLAW_NAMES = frozenset({"content deficiency", "distortion", UNREALISTIC})
"""The criteria whose names are flaws."""
_REASON = re.compile(r"\b(?:because of|due to|given|based on)\b")


@lru_cache(maxsize=1024)  # confident models repeat the same short replies
def read_claims(text: str, asked: str | None = None) -> ClaimReading:
    """The claims of a reply, without its reasoning; ``asked`` is the criterion of the question.

    A clause that names no criterion is about the one that was asked, or named before it. The time
    grows with the length of the text and no faster.
    """
    if len(text) > 2 * _MAX_LENGTH:
        text = f"{text[:_MAX_LENGTH]}\n{text[-_MAX_LENGTH:]}"
    if not is_english(text):
        return UNREAD
    claims: list[Claim] = []
    topic: tuple[str, ...] = ()
    for sentence in split_sentences(clean_text(text)):
        if sentence.opens:
            topic = ()
        if sentence.plain.endswith("?"):
            continue
        found, topic = _read_sentence(sentence.plain, asked, topic)
        claims += found
    return ClaimReading(claims=tuple(claims))


class _Clause:
    """A clause; ``is_heading``: a colon follows it."""

    def __init__(self, text: str, *, is_heading: bool = False) -> None:
        self.text = text[:_MAX_CLAUSE]
        self.is_heading = is_heading
        self._hints = frozenset().union(*(_HINTS[word] for word in _WORD.findall(self.text)))

    def find(self, words: _Words, start: int = 0) -> list[re.Match[str]]:
        """Where the words are."""
        return list(words.pattern.finditer(self.text, start)) if words in self._hints else []


class _Assessment(NamedTuple):
    text: str
    polarities: dict[str, Polarity]


def _read_sentence(
    plain: str, asked: str | None, topic: tuple[str, ...]
) -> tuple[list[Claim], tuple[str, ...]]:
    """The claims of a sentence, and the criteria that the next one may go on about."""
    if _GENERAL.search(plain):
        return [], topic
    assessed: list[_Assessment] = []
    for clause in split_clauses(plain):
        named = _find_subjects(clause)
        if _is_heading(clause):
            topic = tuple(dict.fromkeys([*named, *_find_flaws(clause)])) or topic
            continue
        polarities = _assess(clause, named)
        if not named and not polarities:
            about = topic if topic and _goes_on(clause) else ()
            about = about or ((asked,) if asked is not None else ())
            polarities = _assess_topic(clause, about)
        assessed.append(_Assessment(clause.text, polarities))
        if named or polarities:
            topic = tuple(dict.fromkeys([*named, *polarities]))
    claims = [
        Claim(
            criterion=name,
            polarity=polarity,
            text=part.text,
            places=_find_places(part, name, assessed) if polarity is Polarity.ANOMALY else (),
        )
        for part in assessed
        for name, polarity in part.polarities.items()
    ]
    return claims, topic


def _find_places(
    part: _Assessment, criterion: str, parts: Sequence[_Assessment]
) -> tuple[Place, ...]:
    """The places in a clause, or else in those of its sentence that claim nothing else."""
    if places := find_places(part.text):
        return places
    others = {
        place.name: place
        for other in parts
        if criterion in other.polarities or not other.polarities
        for place in find_places(other.text)
    }
    return tuple(others.values())


def _is_heading(clause: _Clause) -> bool:
    """Whether a clause names what the next one is about: "distortion: none"."""
    words = len(clause.text.split())
    return clause.is_heading and words <= _HEADING_WORDS and not _HAS_VERB.search(clause.text)


def split_clauses(plain: str) -> list[_Clause]:
    """The clauses of a sentence: each has a subject and a verb of its own, or stands apart."""
    clauses: list[_Clause] = []
    start = 0
    for match in _BOUND.finditer(plain):
        is_heading = ":" in match[0]
        clauses += [
            _Clause(part, is_heading=is_heading)
            for part in _split_joints(plain[start : match.start()])
        ]
        start = match.end()
    clauses += [_Clause(part) for part in _split_joints(plain[start:])]
    return [clause for clause in clauses if clause.text]


def _split_joints(plain: str) -> Iterator[str]:
    """Yield the parts that have a subject and a verb each, with the lists that belong to them."""
    start = end = 0
    has_verb = False
    for joint in [*_JOINT.finditer(plain), None]:
        piece = plain[end : len(plain) if joint is None else joint.start()]
        if has_verb and _OWN_SUBJECT.match(piece[:_REACH]):
            yield plain[start:end].strip(" ,.!")
            start, has_verb = end, False
        has_verb = has_verb or _HAS_VERB.search(piece) is not None
        end = len(plain) if joint is None else joint.end()
    yield plain[start:].strip(" ,.!")


def _find_subjects(clause: _Clause) -> dict[str, re.Match[str]]:
    """The criteria that a clause names, and where."""
    found = ((one.name, clause.find(one.subjects)) for one in _CRITERIA)
    return {name: matches[0] for name, matches in found if matches}


def _assess(clause: _Clause, named: dict[str, re.Match[str]]) -> dict[str, Polarity]:
    """What a clause claims of the criteria that it names, or has the flaws of."""
    claimed: dict[str, Polarity] = {}
    flaws = _find_flaws(clause)
    if named:
        general = _find_polarity(clause)
        is_blamed = general is None and _REASON.search(clause.text) is not None
    for name, subject in named.items():
        polarity = general
        before = clause.text[max(0, subject.start() - _REACH) : subject.start()]
        if is_blamed or _DEPRIVED.search(before) or flaws.get(name) is Polarity.ANOMALY:
            polarity = Polarity.ANOMALY
        if polarity is not None:
            claimed[name] = polarity
    claimed |= {name: polarity for name, polarity in flaws.items() if name not in named}
    if len(claimed) > 1:
        claimed.pop(UNREALISTIC, None)
    return claimed


def _find_flaws(clause: _Clause) -> dict[str, Polarity]:
    """The criteria whose flaws a clause names, and whether it denies them."""
    flaws: dict[str, Polarity] = {}
    for name, _, words in _CRITERIA:
        matches = clause.find(words)
        if not matches or (name == "clarity" and _OPTICAL.search(clause.text)):
            continue
        denied = all(is_negated(clause.text, match.start()) for match in matches)
        denied = denied or _calls_natural(clause, matches[-1])
        flaws[name] = Polarity.ABSENCE if denied else Polarity.ANOMALY
    return flaws


def _calls_natural(clause: _Clause, flaw: re.Match[str]) -> bool:
    """Whether what looks like a flaw is the subject of praise: "the distortion is natural"."""
    text = clause.text
    if _HAS_VERB.search(text, flaw.end()) is None or _HAS_VERB.search(text[: flaw.start()]):
        return False
    return _find_polarity(clause, flaw.end()) is Polarity.ABSENCE


def _find_polarity(clause: _Clause, start: int = 0) -> Polarity | None:
    """How a clause assesses what it is about: an anomaly goes before praise, None is neither."""
    polarities = {
        Polarity.ABSENCE if is_good != is_negated(clause.text, match.start()) else Polarity.ANOMALY
        for is_good, words in ((True, _NATURAL), (False, _UNNATURAL), (False, _ASSESSING))
        for match in clause.find(words, start)
    }
    if Polarity.ANOMALY in polarities:
        return Polarity.ANOMALY
    return Polarity.ABSENCE if polarities else None


def _assess_topic(clause: _Clause, about: tuple[str, ...]) -> dict[str, Polarity]:
    """What a clause without a criterion claims of those that it goes on about."""
    if not about:
        return {}
    if _NONE.match(clause.text):
        return dict.fromkeys(about, Polarity.ABSENCE)
    polarity = _find_polarity(clause)
    if polarity is None and _PRESENT.match(clause.text):
        about = tuple(name for name in about if name in FLAW_NAMES)
        polarity = Polarity.ANOMALY
    return {} if polarity is None else dict.fromkeys(about, polarity)


_DEGREES = re.compile(r"^(?:very|quite|rather|somewhat|mostly|largely|highly|clearly|slightly) ")


def _goes_on(clause: _Clause) -> bool:
    """Whether a clause goes on about what was named before it: "inconsistent in places"."""
    if any(pattern.match(clause.text) for pattern in (_CARRIED, _NONE, _PRESENT)):
        return True
    words = _DEGREES.sub("", clause.text)
    return any(one.pattern.match(words) for one in (_NATURAL, _UNNATURAL, _ASSESSING))


def is_negated(text: str, position: int) -> bool:
    """Whether the word at a position of a clause is negated by the words before it."""
    before = text[max(0, position - _REACH) : position]
    if _NEAR.search(before):
        return True
    if position <= _REACH and _OPENING.match(before):
        return True
    match = _FAR.search(before)
    if match is None or _HAS_VERB.search(match["gap"]):
        return False
    return _CANCELLED.search(before[: match.start()]) is None
