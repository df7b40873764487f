"""Read a reply into claims: the criteria that it calls violated or intact, and where.

A clause claims something of a criterion if it names a flaw ("the detail is blurred"), or if it
names the criterion and assesses it ("the shadows are inconsistent"). Negations invert what they
precede, and exceptions what they are from: "everything is natural except for the reflection". A
criterion that is merely named, a question, a condition, an intention and what is said of images in
general claim nothing, and a flaw that real photographs have is none. Replies are read in English,
and left unread in other languages.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from fakebench_suite.grading.claims import grammar
from fakebench_suite.grading.claims.clauses import Clause, Link, split_clauses
from fakebench_suite.grading.claims.languages import is_english
from fakebench_suite.grading.claims.lexicon import (
    ASSESSING,
    NATURAL,
    UNNATURAL,
    Criterion,
    Phrase,
    Words,
)
from fakebench_suite.grading.claims.markup import lay_out
from fakebench_suite.grading.claims.places import Place, find_places
from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.language.sentences import split_sentences


class Polarity(StrEnum):
    """What a claim says of a criterion."""

    ANOMALY = "anomaly"
    """Something is wrong with it."""
    ABSENCE = "absence"
    """Nothing is wrong with it."""

    def invert(self) -> "Polarity":
        """The contrary."""
        return Polarity.ABSENCE if self is Polarity.ANOMALY else Polarity.ANOMALY


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
UNREALISTIC = "unrealistic"
"""What other criteria are called in passing: claimed only where a clause names no other one."""
FLAW_NAMES = frozenset({"content deficiency", "distortion", UNREALISTIC})
"""The criteria whose names are flaws."""

_MAX_LENGTH = 12_000
"""Characters at both ends of a reply that are read; longer ones come from models that do not
stop."""
_HEADING_WORDS = 6
_ABOUT = re.compile(
    r"^(?:and |but |also,? )*(?:regarding|concerning|as (?:for|to)|in terms of|with (?:regards? to|respect to)|"
    r"when it comes to|speaking of) (?P<name>[^,;:]{1,60}), "
)
"""A phrase that names what a sentence is about."""
Polarities = dict[str, Polarity]


@dataclass(slots=True, kw_only=True)
class _Context:
    """What the sentences before one leave to it."""

    asked: str | None
    is_real: bool = False
    """Whether the reply takes the image to be real, of which blur says nothing."""
    topic: tuple[str, ...] = ()
    """Criteria that the next clause may go on about."""
    is_heading: bool = False
    """Whether the topic is a heading, which all that follows in its line is about."""
    general: Polarities = field(default_factory=dict)
    """What has just been said of images in general."""
    listed: Polarity | None = None
    """What the items of a list are evidence of: "signs of manipulation:"."""
    before: Polarity | None = None
    """What the clause before, in the same line, said of what it was about."""
    places: tuple[Place, ...] = ()
    """Of a heading: "lower left: a blurred patch"."""


class _Part(NamedTuple):
    """A clause that has been assessed."""

    text: str
    polarities: Polarities
    whole: Polarity | None = None
    """How it assesses what it is about, whatever that is."""
    link: Link = Link.PLAIN
    places: tuple[Place, ...] = ()
    """Those of its heading."""


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
    plain = clean_text(lay_out(text))
    claims: list[Claim] = []
    context = _Context(asked=asked, is_real=_takes_as_real(plain))
    for sentence in split_sentences(plain):
        if sentence.opens:
            context.topic, context.general, context.before = (), {}, None
        claims += _read_sentence(sentence.plain, context)
    return ClaimReading(claims=tuple(claims))


def _read_sentence(plain: str, context: _Context) -> list[Claim]:
    """The claims of a sentence; updates what the next one may go on about."""
    if _says_nothing(plain, context):
        return []
    if grammar.is_question(plain) or grammar.is_open(plain):
        context.topic = tuple(_find_subjects(Phrase(plain), None)) or context.topic
        context.listed = None
        return []
    about = _ABOUT.match(plain)
    if about is not None:
        phrase = Phrase(about["name"])
        context.topic = tuple({**_find_subjects(phrase, None), **_find_flaws(phrase, ())})
        context.is_heading = True
        plain = plain[about.end() :]
    parts = _Reader(context).read(plain)
    context.is_heading = False
    return [
        Claim(
            criterion=name,
            polarity=polarity,
            text=part.text,
            places=_find_places(part, name, parts) if polarity is Polarity.ANOMALY else (),
        )
        for part in parts
        for name, polarity in part.polarities.items()
    ]


_BRIEF = re.compile(
    r"(?:no|none|nothing|not|absent|minimal|negligible|yes|present|visible|noticeable|evident|severe|strong|slight|detected|"
    r"significant|obvious|found|mild|moderate|major|very|quite|rather|too|low|weak|lacking|limited|high|excellent|great|"
    r"perfect|extremely|n/a|but|here|this|the image)\b"
)
"""How a sentence without words of the lexicon begins that says something of a topic."""


def _may_claim(clause: Clause) -> bool:
    return clause.may_assess or _BRIEF.match(clause.text) is not None


def _says_nothing(plain: str, context: _Context) -> bool:
    """Whether no word of a sentence can claim anything, which is quick to see."""
    phrase = Phrase(plain)
    if phrase.may_assess and (context.topic or context.asked or phrase.may_name):
        return False
    if _BRIEF.match(plain):
        return False
    return not (phrase.may_assess and plain.endswith((";", ":"))) and not (
        grammar.HEADING_PLACE.match(plain) or ":" in plain
    )


class _Reader:
    """Reads the clauses of one sentence in order."""

    def __init__(self, context: _Context) -> None:
        self._context = context
        self._parts: list[_Part] = []
        self._is_general = False

    def read(self, plain: str) -> list[_Part]:
        """The parts of a sentence, with what they claim."""
        context = self._context
        clauses = split_clauses(plain)
        while len(clauses) > 1 and not (
            clauses[-1].ends_in_colon or _may_claim(clauses[-1]) or find_places(clauses[-1].text)
        ):
            clauses.pop()
        for clause in clauses:
            if clause.ends_in_colon:
                self._note_list(clause)
            if self._skip_general(clause):
                continue
            if _is_heading(clause):
                self._read_heading(clause)
                continue
            for item in _split_list(clause):
                part = self._read_clause(item) if _may_claim(item) else _Part(item.text, {})
                self._parts.append(part._replace(places=context.places))
                self._excuse(item)
                if part.polarities:
                    context.places = ()
            if clause.has_verb and not clause.ends_in_colon:
                context.listed = None
        if _is_place_note(plain):
            context.places = find_places(plain)
        elif self._parts:
            context.places = ()
        return self._parts

    def _note_list(self, clause: Clause) -> None:
        """Note what the items after a colon are evidence of, if it is said."""
        self._context.listed = None
        text = clause.text
        if grammar.is_generic(text):
            return
        verdict = _find_verdict(text) if grammar.EVIDENCE.search(text) else None
        for pattern, polarity in (
            (grammar.PROBLEMS, Polarity.ANOMALY), (grammar.STRENGTHS, Polarity.ABSENCE),
        ):  # fmt: skip
            match = pattern.search(text)
            if verdict is None and match and not grammar.is_negated(text, match.start()):
                verdict = polarity
        if verdict is None and not clause.has_verb and not _find_subjects(clause, None):
            verdict = _find_polarity(clause)
        self._context.listed = verdict

    def _skip_general(self, clause: Clause) -> bool:
        """Whether a clause is about images in general, or goes on about them."""
        goes_on = self._is_general and _begins_loosely(clause)
        is_name = clause.link in (Link.COMPARISON, Link.EXCEPTION, Link.ASIDE)
        self._is_general = (
            goes_on
            or grammar.is_generic(clause.text)
            or (is_name and grammar.GENERIC_NAME.search(clause.text) is not None)
        )
        if self._is_general and clause.link is Link.PLAIN:
            named = {**_find_subjects(clause, None), **_find_flaws(clause, ())}
            is_real = _find_verdict(clause.text) is Polarity.ABSENCE
            usual = Polarity.ABSENCE if is_real else Polarity.ANOMALY
            self._context.general = dict.fromkeys(named, usual)
            self._context.topic = tuple(named) or self._context.topic
        return self._is_general

    def _read_heading(self, clause: Clause) -> None:
        named = {**_find_subjects(clause, self._context.asked), **_find_flaws(clause, ())}
        self._context.topic = tuple(named) or self._context.topic
        self._context.is_heading = bool(named)
        self._context.places = find_places(clause.text) or self._context.places

    def _read_clause(self, clause: Clause) -> _Part:
        """What a clause claims, by itself or of what was named before it."""
        context = self._context
        text, is_inverted = grammar.strip_outer_negation(clause.text)
        if is_inverted:
            clause = Clause(text, link=clause.link)
        before = next((part for part in reversed(self._parts) if part.whole), None)
        if clause.link in (Link.EXCEPTION, Link.COMPARISON):
            return self._read_exception(clause, before)
        if grammar.NEITHER.match(text) and context.general:
            polarities = {name: p.invert() for name, p in context.general.items()}
            return _Part(text, polarities)
        named = _find_subjects(clause, context.asked)
        polarities = _assess(clause, context, self._sentence_topics())
        whole = _find_polarity(clause)
        if named and not polarities and context.before:
            if grammar.NEGATIVE_ELLIPSIS.search(text):
                polarities = dict.fromkeys(named, context.before.invert())
            elif grammar.ELLIPSIS.match(text):
                polarities = dict.fromkeys(named, context.before)
        if (topic := self._find_pronoun_topic(clause, named)) and whole:
            polarities = dict.fromkeys(topic, whole)
        if named and not polarities and context.listed and not clause.has_verb:
            polarities = dict.fromkeys(named, context.listed)
        if not named and not polarities:
            polarities = _assess_topic(clause, self._find_topic(clause))
        elif context.topic and (self._is_under_heading(clause) or (not named and _goes_on(clause))):
            polarities = {**_assess_topic(clause, context.topic), **polarities}
            _drop_unrealistic(polarities, clause, context)
        if is_inverted:
            polarities = {name: p.invert() for name, p in polarities.items()}
        if named or polarities:
            context.topic = tuple(dict.fromkeys([*named, *polarities]))
        whole = whole or next(iter(polarities.values()), None)
        context.before = whole or context.before
        return _Part(text, polarities, whole, clause.link)

    def _sentence_topics(self) -> tuple[str, ...]:
        """The criteria that were found anomalous in the sentence, or are its heading."""
        found = [
            name
            for part in self._parts
            for name, polarity in part.polarities.items()
            if polarity is Polarity.ANOMALY
        ]
        return (*found, *(self._context.topic if self._context.is_heading else ()))

    def _is_under_heading(self, clause: Clause) -> bool:
        return self._context.is_heading and not clause.has_verb and not self._parts

    def _find_pronoun_topic(
        self, clause: Clause, named: dict[str, re.Match[str]]
    ) -> tuple[str, ...]:
        """What a pronoun stands for that is compared with what a clause names."""
        context = self._context
        if not named or not grammar.PRONOUN.match(clause.text):
            return ()
        first = min(match.start() for match in named.values())
        if not grammar.COMPARED.search(clause.text[:first]):
            return ()
        return context.topic or (() if context.asked is None else (context.asked,))

    def _find_topic(self, clause: Clause) -> tuple[str, ...]:
        context = self._context
        if context.topic and (context.is_heading or _goes_on(clause)):
            return context.topic
        return () if context.asked is None else (context.asked,)

    def _read_exception(self, clause: Clause, before: _Part | None) -> _Part:
        """What is excepted is what the rest is not: "everything is natural except the hand"."""
        named = _find_subjects(clause, self._context.asked)
        polarities = _assess(clause, self._context, ())
        if before is not None and before.whole is not None and clause.link is not Link.ASIDE:
            is_contrary = before.whole is Polarity.ABSENCE or grammar.SWEEPING.search(before.text)
            other = before.whole.invert() if is_contrary else before.whole
            if clause.link is Link.COMPARISON and not clause.text:
                other = before.whole
            polarities = {**dict.fromkeys(named, other), **polarities}
        elif clause.link is Link.COMPARISON:
            polarities = {}
        topic = tuple(dict.fromkeys([*named, *polarities]))
        if topic or clause.link is Link.COMPARISON:
            self._context.topic = topic
        return _Part(clause.text, polarities, None, clause.link)

    def _excuse(self, clause: Clause) -> None:
        """Take back flaws that, by the clause or the next, real photographs have."""
        if all(Polarity.ANOMALY not in part.polarities.values() for part in self._parts[-2:]):
            return
        is_excused = grammar.find_excuse(clause.text) or grammar.SPEAKS_FOR_REAL.search(clause.text)
        if not is_excused:
            return
        count = 2 if _CONTINUING.match(clause.text) else 1
        for index in range(max(0, len(self._parts) - count), len(self._parts)):
            part = self._parts[index]
            excused = dict.fromkeys(part.polarities, Polarity.ABSENCE)
            self._parts[index] = part._replace(polarities=excused)


_CONTINUING = re.compile(
    r"^(?:(?:is|are|it|this|that|they|these|as|typical|normal|natural|expected|common|caused|due|due to) ?)"
)


def _begins_loosely(clause: Clause) -> bool:
    """Whether a clause has no subject of its own: "come out malformed", "they look odd"."""
    return re.match(
        r"^(?:which|they|these|them|that|those|such|and|or|because|in|[\w-]+(?:ly)? (?:with|in|at)|come|have|look|are|show|appear|often|usually|may|might|can|would|such as)\b",
        clause.text,
    ) is not None and not re.search(
        r"\b(?:here|this (?:image|picture|photo|one)|the (?:image|picture|photo))\b", clause.text
    )


def _is_heading(clause: Clause) -> bool:
    """Whether a clause names what the next one is about: "distortion: none"."""
    return (
        clause.ends_in_colon and len(clause.text.split()) <= _HEADING_WORDS and not clause.has_verb
    )


def _is_place_note(plain: str) -> bool:
    return grammar.HEADING_PLACE.match(plain) is not None and len(plain.split()) <= _HEADING_WORDS


_LIST_JOINT = re.compile(r",? and |, |,? but ")
_NEGATIVE = re.compile(
    r"\b(?:no|not|never|none|neither|nor|without|free|lack\w*|absence|absent|hardly|nothing|hard to|difficult to|unable|little|minimal)\b"
)


def _split_list(clause: Clause) -> list[Clause]:
    """The items of a list of claims without verbs: "texture unnatural, edges natural"."""
    text = clause.text
    if ", " not in text and " and " not in text or clause.link is not Link.PLAIN:
        return [clause]
    if len(clause.list_criteria("subjects", "flaws")) <= 1:
        return [clause]
    cuts: list[int] = []
    start = 0
    joints = list(_LIST_JOINT.finditer(text))
    for joint, following in zip(joints, [*joints[1:], None], strict=True):
        piece = text[joint.end() : following.start() if following else len(text)]
        before = text[start : joint.start()]
        if _is_item(piece, after="" if cuts and " or " not in text else before) and _is_complete(
            before
        ):
            cuts.append(joint.start())
            start = joint.end()
    if not cuts:
        return [clause]
    ends = [*cuts, len(text)]
    starts = [0, *cuts]
    pieces = [text[a:b].strip(" ,") for a, b in zip(starts, ends, strict=True)]
    pieces = [re.sub(r"^(?:and|but) ", "", piece) for piece in pieces]
    *first, last = pieces
    return [
        *(Clause(piece, link=clause.link) for piece in first),
        Clause(last, ends_in_colon=clause.ends_in_colon),
    ]


def _is_item(piece: str, after: str) -> bool:
    """Whether a piece of a list says something by itself, whatever is before it."""
    item = Clause(piece)
    if item.has_verb:
        return False
    if re.match(r"(?:no|without) ", piece):
        return _is_complete(piece) or bool(_find_subjects(item, None))
    return _NEGATIVE.search(after) is None and _is_complete(piece, needs_subject=True)


def _is_complete(piece: str, *, needs_subject: bool = False) -> bool:
    """Whether a piece of a list has a flaw, or a criterion and what it is like."""
    phrase = Phrase(piece)
    if not needs_subject and any(phrase.find(one.flaws) for one in phrase.list_criteria("flaws")):
        return True
    return bool(_find_subjects(phrase, None)) and any(
        phrase.find(words) for words in (NATURAL, UNNATURAL, ASSESSING)
    )


def _find_subjects(clause: Phrase, asked: str | None) -> dict[str, re.Match[str]]:
    """The criteria that a clause names, and where."""
    found = (
        (one.name, clause.find(one.subjects) or (one.name == asked and clause.find(one.asked)))
        for one in clause.list_criteria("subjects", "asked")
    )
    return {name: matches[0] for name, matches in found if matches}


class _Assessment(NamedTuple):
    """A word that assesses something, and how."""

    match: re.Match[str]
    words: Words
    polarity: Polarity


def _find_assessments(clause: Phrase, start: int = 0) -> list[_Assessment]:
    """The words that assess something, from a position on; found once."""
    if clause.assessments is None:
        clause.assessments = _search_assessments(clause)
    if not start:
        return clause.assessments
    return [one for one in clause.assessments if one.match.start() >= start]


def _search_assessments(clause: Phrase) -> list[_Assessment]:
    return [
        _Assessment(
            match,
            words,
            Polarity.ABSENCE
            if is_good != _is_turned(clause.text, match, is_good=is_good)
            else Polarity.ANOMALY,
        )
        for is_good, words in ((True, NATURAL), (False, UNNATURAL), (False, ASSESSING))
        for match in clause.find(words)
    ]


def _is_turned(text: str, match: re.Match[str], *, is_good: bool) -> bool:
    """Whether a clause says the contrary of a word: "not odd", "oddities are not to be found"."""
    if grammar.is_negated(text, match.start(), is_good=is_good):
        return True
    return not is_good and grammar.is_denied_after(text, match.end())


def _merge(assessments: Iterable[_Assessment]) -> Polarity | None:
    """An anomaly goes before praise; None is neither."""
    polarities = {one.polarity for one in assessments}
    if Polarity.ANOMALY in polarities:
        return Polarity.ANOMALY
    return Polarity.ABSENCE if polarities else None


def _find_polarity(clause: Phrase, start: int = 0) -> Polarity | None:
    """How a clause assesses what it is about."""
    return _merge(_find_assessments(clause, start))


def _assess(clause: Clause, context: _Context, topics: Sequence[str]) -> Polarities:
    """What a clause claims of the criteria that it names, or has the flaws of."""
    named = _find_subjects(clause, context.asked)
    flaws = _find_flaws(clause, (*named, *topics))
    if context.is_real:
        _drop_harmless(flaws, clause, (*named, *topics))
    if len({*named, *flaws}) >= _ENUMERATION and _is_enumeration(clause):
        return {}
    claimed = _assess_subjects(clause, named) if named else {}
    for name, subject in named.items():
        is_missing = grammar.is_deprived(clause.text, subject.start()) and name not in FLAW_NAMES
        if is_missing or flaws.get(name) is Polarity.ANOMALY:
            claimed[name] = Polarity.ANOMALY
    claimed |= {name: polarity for name, polarity in flaws.items() if name not in named}
    _drop_unrealistic(claimed, clause, context)
    return claimed


_ENUMERATION = 5
"""Criteria from which a clause that says nothing of them is a list of what there is to look at."""


def _is_enumeration(clause: Phrase) -> bool:
    return all(one.match[0].startswith("unrealis") for one in _find_assessments(clause)) and (
        _NEGATIVE.search(clause.text) is None
    )


def _drop_unrealistic(claimed: Polarities, clause: Clause, context: _Context) -> None:
    """Drop what other criteria are called in passing, unless it is what is spoken of."""
    is_meant = UNREALISTIC in (context.asked, *context.topic) or "unrealistic aspect" in clause.text
    if len(claimed) > 1 and not is_meant:
        claimed.pop(UNREALISTIC, None)


_ATTRIBUTED = re.compile(
    r"^[ -](?:and [\w-]+ )?(?:(?!and|or|in|of|on|with|the|a|an|at|is|are|as)[\w&-]+ ){0,2}$"
)
_COORDINATED = re.compile(r"^(?:,| and| or| &|, and|, or)+ (?:the |its |[\w-]+ )?$")


def _assess_subjects(clause: Clause, named: dict[str, re.Match[str]]) -> Polarities:
    """What a clause says of each: by words before it, or else by those that are about all."""
    text = clause.text
    assessments = [one for one in _find_assessments(clause) if not _is_of_scene(one, clause, named)]
    own: dict[str, list[_Assessment]] = {}
    used: set[int] = set()
    for name, subject in named.items():
        own[name] = [
            one
            for one in assessments
            if one.match.end() <= subject.start()
            and _ATTRIBUTED.match(text[one.match.end() : subject.start()])
        ]
        used |= {id(one) for one in own[name]}
    rest = [one for one in assessments if id(one) not in used]
    general = _merge(rest)
    if general is None and not used and (match := grammar.CALLED_FAKE.search(text)):
        is_denied = grammar.is_negated(text, match.start("word"))
        general = Polarity.ABSENCE if is_denied else Polarity.ANOMALY
    if general is None and not used and grammar.EVIDENCE.search(text):
        general = _find_verdict(text)
    claimed: Polarities = {}
    previous: tuple[int, Polarity] | None = None
    for name, subject in sorted(named.items(), key=lambda item: item[1].start()):
        if grammar.SUBJECT_DENIED.search(text[: subject.start()]):
            continue
        polarity = _merge([*own[name], *rest]) or general
        if (
            polarity is None
            and previous
            and _COORDINATED.match(text[previous[0] : subject.start()])
        ):
            polarity = previous[1]
        if polarity is not None:
            claimed[name] = polarity
            previous = (subject.end(), polarity)
    return claimed


_SCENE_NOUN = re.compile(
    r"^(?:[- ](?!(?:and|or|in|of|on|with|the|a|an|at|is|are|as|that|to|for|about|around|near|by|from|between|along)\b)[\w-]+)+? "
    r"(?!is\b|are\b|looks?\b|appears?\b|seems?\b)"
)
_PICTURE_NOUN = re.compile(
    r"^(?: [\w-]+){0,1} (?:patterns?|spots?|lines?|glow|areas?|marks?|shapes?|blobs?|look|appearance|quality|effects?|"
    r"transitions?|gradients?|artifacts?|details?|smudges?|regions?|patch(?:es)?|behaviou?rs?|variations?|shifts?|feel|"
    r"directions?|angles?|positions?|way|manner|elements?|aspects?|features?|parts?|relations?\w*|alignments?|"
    r"placements?|repetitions?|contrasts?|differences?|size|sizes|scale|sharpness|smoothness|softness|structure|object|things?)\b"
)
_NOUNS = re.compile(
    r"(?:artifact|artefact|flaw|defect|error|mistake|oddit|anomal|inconsisten|irregularit|imperfection|discontinu|discrepanc)"
)
_FIRST_NOUN = re.compile(
    r"^(?:(?:a|an|the|some|one|two|this|that|his|her|its|with|there is|there are) )?(?:[\w-]+ ){0,2}$"
)


def _is_of_scene(one: _Assessment, clause: Phrase, named: dict[str, re.Match[str]]) -> bool:
    """Whether a word is of something in the scene: "a strange statue stands in the shadow"."""
    text, end = clause.text, one.match.end()
    if (
        " " in one.match[0]
        or _NOUNS.match(one.match[0])
        or not _FIRST_NOUN.match(text[: one.match.start()])
    ):
        return False
    later = [subject.start() for subject in named.values() if subject.start() > end]
    if len(later) < len(named) or _ATTRIBUTED.match(text[end : min(later)]):
        return False
    after = text[end : min(later)]
    return _PICTURE_NOUN.match(after) is None and _SCENE_NOUN.match(after) is not None


def _find_verdict(text: str) -> Polarity | None:
    """The polarity of the verdict that a clause gives: fake is an anomaly, real is none."""
    polarities = {
        Polarity.ANOMALY
        if (match["fake"] is not None) != grammar.is_negated(text, match.start())
        else Polarity.ABSENCE
        for match in grammar.VERDICT.finditer(text)
    }
    return polarities.pop() if len(polarities) == 1 else None


def _find_flaws(clause: Phrase, topics: Sequence[str]) -> Polarities:
    """The criteria whose flaws a clause names, and whether it denies them.

    What may be in the scene, as a twisted trunk, is a flaw of ``topics``, of the picture itself, and
    in a complaint.
    """
    flaws: Polarities = {}
    for one in clause.list_criteria("flaws", "depicted"):
        matches = clause.find(one.flaws) + _find_depicted(clause, one, topics)
        if not matches or _is_of_camera(clause, one.name):
            continue
        denied = all(_is_denied(clause, match) for match in matches)
        flaws[one.name] = Polarity.ABSENCE if denied else Polarity.ANOMALY
    return flaws


_OPTICS = {"clarity": grammar.OPTICAL, "distortion": grammar.REFRACTED}
_OF_PHOTOGRAPHS = ("clarity", "edge", "symmetry", "perspective", "overall tone")
"""Criteria of which photographs have flaws, too: blur, halos, crooked horizons."""


def _is_of_camera(clause: Phrase, criterion: str) -> bool:
    """Whether a flaw is one that cameras make, and nothing unnatural is said of it."""
    optics = _OPTICS.get(criterion)
    if optics is None or not optics.search(clause.text):
        return False
    return not _is_complained(clause)


def _drop_harmless(flaws: Polarities, clause: Phrase, topics: Sequence[str]) -> None:
    """Drop flaws that a reply merely mentions of an image that it takes to be real."""
    for name in _OF_PHOTOGRAPHS:
        if (
            flaws.get(name) is Polarity.ANOMALY
            and name not in topics
            and not _is_complained(clause)
        ):
            del flaws[name]


def _is_complained(clause: Phrase) -> bool:
    return any(
        one.polarity is Polarity.ANOMALY and one.words is UNNATURAL
        for one in _find_assessments(clause)
    )


_HEAD, _TAIL = 200, 300
"""Characters at both ends of a reply in which its verdict stands."""


def _takes_as_real(plain: str) -> bool:
    ends = plain if len(plain) <= _HEAD + _TAIL else f"{plain[:_HEAD]} {plain[-_TAIL:]}"
    return _find_verdict(ends) is Polarity.ABSENCE


def _find_depicted(
    clause: Phrase, criterion: Criterion, topics: Sequence[str]
) -> list[re.Match[str]]:
    matches = clause.find(criterion.depicted)
    if not matches or criterion.name in topics:
        return matches
    text = clause.text
    return [
        match
        for match in matches
        if grammar.WRONGLY.search(text[: match.start()])
        or grammar.DEPICTION.search(text[: match.start()])
        or re.match(rf" {_PICTURED}\b", text[match.end() :])
        or _is_complaint(clause, match)
    ]


_PICTURED = r"(?:\w+ )?(?:patterns?|textures?|features|lines|edges|shapes?|text|letters|face|background|area|region|content)"


def _is_complaint(clause: Phrase, match: re.Match[str]) -> bool:
    """Whether what a clause says of a word is that it is wrong."""
    return any(
        one.polarity is Polarity.ANOMALY
        and one.words is UNNATURAL
        and (one.match.start() >= match.end() or one.match.end() + 1 == match.start())
        and " and " not in clause.text[match.end() : one.match.start()]
        and one.match[0] != match[0]
        for one in _find_assessments(clause)
    )


def _is_denied(clause: Phrase, flaw: re.Match[str]) -> bool:
    text = clause.text
    if grammar.is_negated(text, flaw.start()) or grammar.is_denied_after(text, flaw.end()):
        return True
    return _calls_natural(clause, flaw)


def _calls_natural(clause: Phrase, flaw: re.Match[str]) -> bool:
    """Whether what looks like a flaw is the subject of praise: "the distortion is natural"."""
    text = clause.text
    if not grammar.HAS_VERB.search(text, flaw.end()) or grammar.HAS_VERB.search(
        text[: flaw.start()]
    ):
        return False
    return _find_polarity(clause, flaw.end()) is Polarity.ABSENCE


def _assess_topic(clause: Clause, about: tuple[str, ...]) -> Polarities:
    """What a clause without a criterion claims of those that it goes on about."""
    if not about:
        return {}
    if grammar.NONE.match(clause.text):
        return dict.fromkeys(about, Polarity.ABSENCE)
    for pattern, polarity in ((grammar.LOW, Polarity.ANOMALY), (grammar.HIGH, Polarity.ABSENCE)):
        if pattern.match(clause.text):
            return {name: polarity.invert() if name in FLAW_NAMES else polarity for name in about}
    polarity = _find_polarity(clause)
    if polarity is None and grammar.PRESENT.match(clause.text):
        about = tuple(name for name in about if name in FLAW_NAMES)
        polarity = Polarity.ANOMALY
    return {} if polarity is None else dict.fromkeys(about, polarity)


_DEGREES = re.compile(r"^(?:very|quite|rather|somewhat|mostly|largely|highly|clearly|slightly) ")


def _goes_on(clause: Clause) -> bool:
    """Whether a clause goes on about what was named before it: "inconsistent in places"."""
    if any(
        pattern.match(clause.text) for pattern in (grammar.CARRIED, grammar.NONE, grammar.PRESENT)
    ):
        return True
    words = _DEGREES.sub("", clause.text)
    return any(one.pattern.match(words) for one in (NATURAL, UNNATURAL, ASSESSING))


def _find_places(part: _Part, criterion: str, parts: Sequence[_Part]) -> tuple[Place, ...]:
    """The places in a clause, or else in those of its sentence that claim nothing else."""
    if places := find_places(part.text) or part.places:
        return places
    excepted = parts[parts.index(part) + 1 :]  # "blurred except in the middle"
    others = {
        place.name: place
        for other in parts
        if (criterion in other.polarities or not other.polarities)
        and not (other.link is Link.EXCEPTION and other in excepted)
        for place in find_places(other.text)
    }
    return tuple(others.values())
