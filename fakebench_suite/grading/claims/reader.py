"""Read a reply into claims: the criteria that it calls violated or intact, and where.

A clause claims something of a criterion if it names a flaw ("the detail is blurred"), or if it
names the criterion and assesses it ("the shadows are inconsistent"). Negations invert what they
precede, and exceptions what they are from: "everything is natural except for the reflection". A
criterion that is merely named, a question, a condition, an intention and what is said of images in
general claim nothing, and a flaw that real photographs have is none. Replies are read in English,
and left unread in other languages.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fakebench_suite.grading.claims import grammar
from fakebench_suite.grading.claims.assessment import (
    assess,
    drop_unrealistic,
    find_flaws,
    find_polarity,
    find_subjects,
    find_verdict,
    split_list,
)
from fakebench_suite.grading.claims.clauses import Clause, Link, split_clauses
from fakebench_suite.grading.claims.context import (
    FLAW_NAMES,
    Context,
    FrozenContext,
    Polarities,
    Polarity,
)
from fakebench_suite.grading.claims.languages import is_english
from fakebench_suite.grading.claims.lexicon import (
    ASSESSING,
    ASSESSMENTS,
    CLAIMING,
    NAMING,
    NATURAL,
    UNNATURAL,
)
from fakebench_suite.grading.claims.line_layout import lay_out
from fakebench_suite.grading.claims.places import Place, find_places
from fakebench_suite.grading.claims.searched_text import SearchedText
from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.language.sentences import find_sentences


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

_MAX_LENGTH = 12_000
"""Characters at both ends of a reply that are read; longer ones come from models that do not
stop."""
_HEADING_WORDS = 6


class _Part(NamedTuple):
    """A clause that has been assessed."""

    clause: Clause
    polarities: Polarities
    polarity: Polarity | None = None
    """How it assesses what it is about, whatever that is."""
    link: Link = Link.PLAIN
    places: tuple[Place, ...] = ()
    """Those of its heading."""


def measure_reading(text: str) -> int:
    """The characters of a text that are read, with which the time grows."""
    return min(len(text), 2 * _MAX_LENGTH)


def read_text(text: str, asked: str | None) -> ClaimReading:
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
    context = Context(asked=asked, is_real=_takes_as_real(plain))
    searched = SearchedText(plain)
    for words, start, opens in find_sentences(plain):
        sentence = searched.cut(start, start + len(words))
        if opens and not context.is_titled:
            context.topic, context.general, context.previous_polarity = (), {}, None
        context.is_heading = context.is_titled
        found: Sequence[Claim] = ()
        if _says_nothing(sentence, context):
            context.proposed_polarity = None
        else:
            found = _read_known(sentence, context)
            claims += found
        context.is_titled = not found and _is_title(sentence)
    return ClaimReading(claims=tuple(claims))


_SENTENCES: dict[tuple[str, FrozenContext], tuple[Sequence[Claim], FrozenContext]] = {}
"""The claims of the last sentences by what was before them, and what they left to the next one."""
_MAX_SENTENCES = 1 << 14


def forget_sentences() -> None:
    """Forget what was found in sentences."""
    _SENTENCES.clear()


def _read_known(sentence: SearchedText, context: Context) -> Sequence[Claim]:
    """The claims of a sentence; updates the context; models repeat sentences."""
    key = (sentence.text, context.freeze())
    known = _SENTENCES.get(key)
    if known is not None:
        context.restore(known[1])
        return known[0]
    claims = _read_sentence(sentence, context)
    if len(_SENTENCES) >= _MAX_SENTENCES:
        del _SENTENCES[next(iter(_SENTENCES))]
    _SENTENCES[key] = claims, context.freeze()
    return claims


def _read_sentence(sentence: SearchedText, context: Context) -> Sequence[Claim]:
    """The claims of a sentence; updates what the next one may go on about."""
    if grammar.is_question(sentence.text) or grammar.is_open(sentence):
        proposes = grammar.PROPOSAL.match(sentence.text) is not None
        flaws = find_flaws(sentence, ()) if proposes else ()
        context.topic = tuple({**find_subjects(sentence, None), **dict.fromkeys(flaws)}) or (
            context.topic
        )
        context.previous_polarity = find_polarity(sentence)
        context.proposed_polarity = context.previous_polarity if proposes else None
        context.list_polarity = None
        return []
    about = grammar.ABOUT.match(sentence.text)
    if about is not None:
        phrase = SearchedText(about["name"])
        context.topic = tuple({**find_subjects(phrase, None), **find_flaws(phrase, ())})
        context.is_heading = True
        sentence = SearchedText(sentence.text[about.end() :])
    parts = _Reader(context).read(sentence)
    context.is_heading = False
    return [
        Claim(
            criterion=name,
            polarity=polarity,
            text=part.clause.text,
            places=_find_places(part, name, parts) if polarity is Polarity.ANOMALY else (),
        )
        for part in parts
        for name, polarity in part.polarities.items()
    ]


def _drop_idle(clauses: Sequence[Clause]) -> Sequence[Clause]:
    """The clauses without the last ones that can claim nothing and name no place."""
    count = len(clauses)
    while count > 1:
        clause = clauses[count - 1]
        if clause.ends_in_colon or _may_claim(clause) or find_places(clause):
            break
        count -= 1
    return clauses[:count]


def _may_claim(clause: Clause) -> bool:
    return bool(clause.bits & CLAIMING) or grammar.BRIEF.match(clause.text) is not None


def _says_nothing(sentence: SearchedText, context: Context) -> bool:
    """Whether no word of a sentence can claim anything, which is quick to see."""
    plain, bits = sentence.text, sentence.bits & CLAIMING
    if bits & NAMING or (bits and (context.topic or context.asked)):
        return False
    if ":" in plain or grammar.BRIEF.match(plain) or grammar.HEADING_PLACE.match(plain):
        return False
    return not (bits and plain.endswith(";"))


class _Reader:
    """Reads the clauses of one sentence in order."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._parts: list[_Part] = []
        self._is_general = False

    def read(self, sentence: SearchedText) -> list[_Part]:
        """The parts of a sentence, with what they claim."""
        for clause in _drop_idle(split_clauses(sentence)):
            if clause.ends_in_colon:
                self._note_list(clause)
            if self._skip_general(clause):
                continue
            if _is_heading(clause):
                self._read_heading(clause)
            else:
                self._read_items(clause)
        if _is_place_note(sentence.text):
            self._context.places = find_places(sentence)
        elif self._parts:
            self._context.places = ()
        return self._parts

    def _read_items(self, clause: Clause) -> None:
        """Read a clause, or the claims of which it is a list."""
        context = self._context
        for item in split_list(clause):
            part = self._read_clause(item) if _may_claim(item) else _Part(item, {})
            context.proposed_polarity = None
            self._parts.append(part._replace(places=context.places) if context.places else part)
            self._excuse(item)
            if part.polarities:
                context.places = ()
        if clause.has_verb and not clause.ends_in_colon:
            context.list_polarity = None

    def _note_list(self, clause: Clause) -> None:
        """Note what the items after a colon are evidence of, if it is said."""
        self._context.list_polarity = None
        if grammar.is_generic(clause):
            return
        verdict = find_verdict(clause) if grammar.EVIDENCE.search(clause) else None
        for pattern, polarity in (
            (grammar.PROBLEMS, Polarity.ANOMALY), (grammar.STRENGTHS, Polarity.ABSENCE),
        ):  # fmt: skip
            match = pattern.search(clause.text)
            if verdict is None and match and not grammar.is_negated(clause, match.start()):
                verdict = polarity
        if verdict is None and not clause.has_verb and not find_subjects(clause, None):
            verdict = find_polarity(clause)
        self._context.list_polarity = verdict

    def _skip_general(self, clause: Clause) -> bool:
        """Whether a clause is about images in general, or goes on about them."""
        goes_on = self._is_general and (_begins_loosely(clause) or " would " in clause.text)
        is_name = clause.link in (Link.COMPARISON, Link.EXCEPTION)
        self._is_general = (
            goes_on
            or grammar.is_generic(_strip_outer_negation(clause)[0])
            or (is_name and grammar.GENERIC_NAME.search(clause.text) is not None)
        )
        if self._is_general and clause.link is Link.PLAIN:
            named = {**find_subjects(clause, None), **find_flaws(clause, ())}
            is_real = find_verdict(clause) is Polarity.ABSENCE
            usual = Polarity.ABSENCE if is_real else Polarity.ANOMALY
            self._context.general = dict.fromkeys(named, usual)
            self._context.topic = tuple(named) or self._context.topic
        return self._is_general

    def _read_heading(self, clause: Clause) -> None:
        named = {**find_subjects(clause, self._context.asked), **find_flaws(clause, ())}
        self._context.topic = tuple(named) or self._context.topic
        self._context.is_heading = bool(named)
        self._context.proposed_polarity = find_polarity(clause)
        self._context.places = find_places(clause) or self._context.places

    def _read_clause(self, clause: Clause) -> _Part:
        """What a clause claims, by itself or of what was named before it."""
        context = self._context
        stripped, is_inverted = _strip_outer_negation(clause)
        if is_inverted:
            clause = stripped
        if clause.link in (Link.EXCEPTION, Link.COMPARISON):
            return self._read_exception(clause)
        if context.general and grammar.NEITHER.match(stripped.text):
            return _Part(stripped, {name: p.invert() for name, p in context.general.items()})
        named = find_subjects(clause, context.asked)
        polarities = assess(clause, named, context, self._sentence_topics())
        polarity = find_polarity(clause)
        proposed = context.proposed_polarity
        if (answer := grammar.ANSWER.match(clause.text)) and proposed and not named:
            polarity = proposed.invert() if answer["no"] is not None else proposed
            polarities = dict.fromkeys(context.topic, polarity)
        elif not polarities:
            polarities = self._assess_by_context(clause, tuple(named))
        if (topic := self._find_pronoun_topic(clause, named)) and polarity:
            polarities = dict.fromkeys(topic, polarity)
        elif polarities and context.topic and self._is_about_topic(clause, named):
            polarities = {**_assess_topic(clause, context.topic), **polarities}
            drop_unrealistic(polarities, clause, context)
        if is_inverted:
            polarities = {name: p.invert() for name, p in polarities.items()}
        if named or polarities:
            context.topic = tuple(dict.fromkeys([*named, *polarities]))
        polarity = polarity or next(iter(polarities.values()), None)
        context.previous_polarity = polarity or context.previous_polarity
        return _Part(stripped, polarities, polarity, clause.link)

    def _assess_by_context(self, clause: Clause, named: tuple[str, ...]) -> Polarities:
        """What a clause claims that assesses nothing that it names."""
        context = self._context
        if not named:
            if context.previous_polarity and context.topic and grammar.DENIAL.match(clause.text):
                return dict.fromkeys(context.topic, context.previous_polarity.invert())
            return _assess_topic(clause, self._find_topic(clause))
        if context.previous_polarity and grammar.NEGATIVE_ELLIPSIS.search(clause.text):
            return dict.fromkeys(named, context.previous_polarity.invert())
        if context.previous_polarity and grammar.ELLIPSIS.match(clause.text):
            return dict.fromkeys(named, context.previous_polarity)
        if self._parts and grammar.SHOWN.match(clause.text):
            verdict = find_verdict(self._parts[-1].clause)
            return {} if verdict is None else dict.fromkeys(named, verdict)
        if context.list_polarity and not clause.has_verb:
            return dict.fromkeys(named, context.list_polarity)
        if self._is_under_heading(clause):
            return _assess_topic(clause, context.topic)
        return {}

    def _is_about_topic(self, clause: Clause, named: dict[str, re.Match[str]]) -> bool:
        return self._is_under_heading(clause) or (not named and _goes_on(clause))

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

    def _read_exception(self, clause: Clause) -> _Part:
        """What is excepted is what the rest is not: "everything is natural except the hand"."""
        rest = next((part for part in reversed(self._parts) if part.polarity), None)
        named = find_subjects(clause, self._context.asked)
        polarities = assess(clause, named, self._context, ())
        if rest is not None and rest.polarity is not None:
            is_contrary = rest.polarity is Polarity.ABSENCE or grammar.SWEEPING.search(
                rest.clause.text
            )
            other = rest.polarity.invert() if is_contrary else rest.polarity
            polarities = {**dict.fromkeys(named, other), **polarities}
        elif clause.link is Link.COMPARISON:
            polarities = {}
        topic = tuple(dict.fromkeys([*named, *polarities]))
        if topic or clause.link is Link.COMPARISON:
            self._context.topic = topic
        return _Part(clause, polarities, None, clause.link)

    def _excuse(self, clause: Clause) -> None:
        """Take back flaws that, by the clause or the next, real photographs have."""
        if not any(part.polarities for part in self._parts[-2:]):
            return
        if not (grammar.find_excuse(clause) or grammar.SPEAKS_FOR_REAL.search(clause)):
            return
        count = 2 if grammar.CONTINUING.match(clause.text) else 1
        for index in range(max(0, len(self._parts) - count), len(self._parts)):
            part = self._parts[index]
            excused = dict.fromkeys(part.polarities, Polarity.ABSENCE)
            self._parts[index] = part._replace(polarities=excused)


def _strip_outer_negation(clause: Clause) -> tuple[Clause, bool]:
    """A clause without what turns it into its contrary, and whether something did."""
    text, is_inverted = grammar.strip_outer_negation(clause)
    return clause if text is clause.text else Clause(text, link=clause.link), is_inverted


def _begins_loosely(clause: Clause) -> bool:
    """Whether a clause has no subject of its own: "come out malformed", "they look odd"."""
    is_own = grammar.THIS_IMAGE.search(clause.text) is not None
    return not is_own and grammar.LOOSE.match(clause.text) is not None


def _is_heading(clause: Clause) -> bool:
    """Whether a clause names what the next one is about: "distortion: none"."""
    return (
        clause.ends_in_colon and len(clause.text.split()) <= _HEADING_WORDS and not clause.has_verb
    )


def _is_title(line: SearchedText) -> bool:
    """Whether a line is the title of the next one, by criteria: "light and shadow"."""
    if not line.bits & NAMING or line.text.endswith((".", "!", "?")):
        return False
    if len(line.text.split()) > _HEADING_WORDS:
        return False
    return bool(find_subjects(line, None) or find_flaws(line, ()))


def _is_place_note(plain: str) -> bool:
    return grammar.HEADING_PLACE.match(plain) is not None and len(plain.split()) <= _HEADING_WORDS


_HEAD, _TAIL = 200, 300
"""Characters at both ends of a reply in which its verdict stands."""


def _takes_as_real(plain: str) -> bool:
    ends = plain if len(plain) <= _HEAD + _TAIL else f"{plain[:_HEAD]} {plain[-_TAIL:]}"
    return find_verdict(SearchedText(ends)) is Polarity.ABSENCE


def _assess_topic(clause: Clause, about: tuple[str, ...]) -> Polarities:
    """What a clause without a criterion claims of those that it goes on about."""
    if not about:
        return {}
    if grammar.NONE.match(clause.text):
        return dict.fromkeys(about, Polarity.ABSENCE)
    for pattern, level in ((grammar.LOW, Polarity.ANOMALY), (grammar.HIGH, Polarity.ABSENCE)):
        if pattern.match(clause.text):
            return {name: level.invert() if name in FLAW_NAMES else level for name in about}
    polarity = find_polarity(clause)
    if polarity is None and grammar.PRESENT.match(clause.text):
        about = tuple(name for name in about if name in FLAW_NAMES)
        polarity = Polarity.ANOMALY
    return {} if polarity is None else dict.fromkeys(about, polarity)


_DEGREES = re.compile(r"^(?:very|quite|rather|somewhat|mostly|largely|highly|clearly|slightly) ")


def _goes_on(clause: Clause) -> bool:
    """Whether a clause goes on about what was named before it: "inconsistent in places"."""
    text = clause.text
    if grammar.CARRIED.match(text) or grammar.NONE.match(text) or grammar.PRESENT.match(text):
        return True
    if not clause.bits & ASSESSMENTS:
        return False
    words = _DEGREES.sub("", text)
    return any(one.pattern.match(words) for one in (NATURAL, UNNATURAL, ASSESSING))


def _find_places(part: _Part, criterion: str, parts: Sequence[_Part]) -> tuple[Place, ...]:
    """The places in a clause, or else in those of its sentence that claim nothing else."""
    if places := find_places(part.clause) or part.places:
        return places
    excepted = parts[parts.index(part) + 1 :]  # "blurred except in the middle"
    others = {
        place.name: place
        for other in parts
        if (criterion in other.polarities or not other.polarities)
        and not (other.link is Link.EXCEPTION and other in excepted)
        for place in find_places(other.clause)
    }
    return tuple(others.values())
