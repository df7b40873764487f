"""What one clause says of the criteria that it names, and of those whose flaws it names."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fakebench_suite.grading.claims import grammar
from fakebench_suite.grading.claims.clauses import HAS_VERB, Clause, Link
from fakebench_suite.grading.claims.context import (
    FLAW_NAMES,
    UNREALISTIC,
    Context,
    Polarities,
    Polarity,
)
from fakebench_suite.grading.claims.lexicon import (
    ASKED,
    ASSESSING,
    ASSESSMENTS,
    DEPICTED,
    FLAWS,
    NATURAL,
    SUBJECTS,
    UNNATURAL,
    VERDICT,
    CriterionWords,
    WordPattern,
)
from fakebench_suite.grading.claims.searched_text import SearchedText

_LIST_JOINT = re.compile(r",? and |, |,? but ")


def split_list(clause: Clause) -> Sequence[Clause]:
    """The items of a list of claims without verbs: "texture unnatural, edges natural"."""
    text = clause.text
    if (", " not in text and " and " not in text) or clause.link is not Link.PLAIN:
        return [clause]
    count = len(clause.list_criteria(SUBJECTS | FLAWS))
    if count <= 1 or (count >= _ENUMERATION and _is_enumeration(clause)):
        return [clause]
    cuts: list[int] = []
    start = 0
    joints = list(_LIST_JOINT.finditer(text))
    ends = [*(joint.start() for joint in joints[1:]), len(text)]
    for joint, end in zip(joints, ends, strict=True):
        before = clause.cut(start, joint.start())
        item = Clause(*clause.find_part(joint.end(), end))
        after = None if cuts and " or " not in text else before
        if _is_item(item, after, needs_subject=clause.has_verb) and _is_complete(before):
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


def _is_item(item: Clause, after: SearchedText | None, *, needs_subject: bool) -> bool:
    """Whether a piece of a list says something by itself, whatever is before it."""
    if item.has_verb:
        return False
    if item.text.startswith(("no ", "without ")):
        return _is_complete(item) or bool(find_subjects(item, None))
    if after is not None and grammar.NEGATIVE.search(after):
        return False
    return _is_complete(item, needs_subject=needs_subject)


def _is_complete(item: SearchedText, *, needs_subject: bool = False) -> bool:
    """Whether a piece of a list has a flaw, or a criterion and what it is like."""
    if not needs_subject and any(item.find(one.flaws) for one in item.list_criteria(FLAWS)):
        return True
    return bool(find_subjects(item, None)) and any(
        item.find(words) for words in (NATURAL, UNNATURAL, ASSESSING)
    )


def find_subjects(clause: SearchedText, asked: str | None) -> dict[str, re.Match[str]]:
    """The criteria that a clause names, and where."""
    named: dict[str, re.Match[str]] = {}
    for one in clause.list_criteria(SUBJECTS | ASKED):
        matches = clause.find(one.subjects) or (one.name == asked and clause.find(one.asked))
        if matches:
            named[one.name] = matches[0]
    return named


class _Assessment(NamedTuple):
    """A word that assesses something, and how."""

    match: re.Match[str]
    words: WordPattern
    polarity: Polarity


def _find_assessments(clause: SearchedText, start: int = 0) -> list[_Assessment]:
    """The words that assess something, from a position on; found once."""
    if not clause.bits & ASSESSMENTS:
        return []
    if clause.assessments is None:
        clause.assessments = _search_assessments(clause)
    if not start:
        return clause.assessments
    return [one for one in clause.assessments if one.match.start() >= start]


def _search_assessments(clause: SearchedText) -> list[_Assessment]:
    """The words that assess something, without those that are part of others: "too sharp"."""
    found = _search_all(clause)
    if len(found) <= 1:
        return found
    spans = [one.match.span() for one in found]
    return [
        one
        for one, (start, end) in zip(found, spans, strict=True)
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in spans)
    ]


def _search_all(clause: SearchedText) -> list[_Assessment]:
    return [
        _Assessment(
            match,
            words,
            Polarity.ABSENCE
            if is_good != _is_turned(clause, match, is_good=is_good)
            else Polarity.ANOMALY,
        )
        for is_good, words in ((True, NATURAL), (False, UNNATURAL), (False, ASSESSING))
        for match in clause.find(words)
    ]


def _is_turned(clause: SearchedText, match: re.Match[str], *, is_good: bool) -> bool:
    """Whether a clause says the contrary of a word: "not odd", "oddities are not to be found"."""
    if grammar.is_negated(clause, match.start(), is_good=is_good):
        return True
    return not is_good and grammar.is_denied_after(clause, match.end())


def _merge(assessments: Iterable[_Assessment]) -> Polarity | None:
    """An anomaly goes before praise; None is neither."""
    polarity = None
    for one in assessments:
        if one.polarity is Polarity.ANOMALY:
            return Polarity.ANOMALY
        polarity = one.polarity
    return polarity


def find_polarity(clause: SearchedText, start: int = 0) -> Polarity | None:
    """How a clause assesses what it is about."""
    return _merge(_find_assessments(clause, start))


def assess(
    clause: Clause, named: dict[str, re.Match[str]], context: Context, topics: Sequence[str]
) -> Polarities:
    """What a clause claims of the criteria that it names, or has the flaws of."""
    flaws = find_flaws(clause, (*named, *topics))
    if context.is_real:
        _drop_harmless(flaws, clause, (*named, *topics))
    if len({*named, *flaws}) >= _ENUMERATION and _is_enumeration(clause):
        return {}
    claimed = _assess_subjects(clause, named) if named else {}
    for name, subject in named.items():
        is_missing = grammar.is_deprived(clause, subject.start()) and name not in FLAW_NAMES
        if is_missing or flaws.get(name) is Polarity.ANOMALY:
            claimed[name] = Polarity.ANOMALY
    claimed = {**flaws, **claimed}
    drop_unrealistic(claimed, clause, context)
    return claimed


_ENUMERATION = 5
"""Criteria from which a clause that says nothing of them is a list of what there is to look at."""


def _is_enumeration(clause: SearchedText) -> bool:
    return all(one.match[0].startswith("unrealis") for one in _find_assessments(clause)) and (
        grammar.NEGATIVE.search(clause) is None
    )


def drop_unrealistic(claimed: Polarities, clause: Clause, context: Context) -> None:
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
    if general is None and not used and (match := grammar.CALLED_FAKE.search(clause)):
        is_denied = grammar.is_negated(clause, match.start("word"))
        general = Polarity.ABSENCE if is_denied else Polarity.ANOMALY
    if general is None and not used and grammar.EVIDENCE.search(clause):
        general = find_verdict(clause)
    claimed: Polarities = {}
    previous: tuple[int, Polarity] | None = None
    for name, subject in sorted(named.items(), key=lambda item: item[1].start()):
        if grammar.is_subject_denied(clause, subject.start()):
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


def _is_of_scene(one: _Assessment, clause: SearchedText, named: dict[str, re.Match[str]]) -> bool:
    """Whether a word is of something in the scene: "a strange statue stands in the shadow"."""
    text, end = clause.text, one.match.end()
    if (
        " " in one.match[0]
        or grammar.NOUNS.match(one.match[0])
        or not grammar.FIRST_NOUN.match(text[: one.match.start()])
    ):
        return False
    later = [subject.start() for subject in named.values() if subject.start() > end]
    if len(later) < len(named) or _ATTRIBUTED.match(text[end : min(later)]):
        return False
    after = text[end : min(later)]
    return grammar.PICTURE_NOUN.match(after) is None and grammar.SCENE_NOUN.match(after) is not None


def find_verdict(clause: SearchedText) -> Polarity | None:
    """The polarity of the verdict that a clause gives: fake is an anomaly, real is none."""
    polarities = {
        Polarity.ANOMALY
        if (match[1] is not None) != grammar.is_negated(clause, match.start())
        else Polarity.ABSENCE
        for match in clause.find(VERDICT)
    }
    return polarities.pop() if len(polarities) == 1 else None


def find_flaws(clause: SearchedText, topics: Sequence[str]) -> Polarities:
    """The criteria whose flaws a clause names, and whether it denies them.

    What may be in the scene, as a twisted trunk, is a flaw of ``topics``, of the picture itself,
    and in a complaint.
    """
    flaws: Polarities = {}
    for one in clause.list_criteria(FLAWS | DEPICTED):
        matches = clause.find(one.flaws) + _find_depicted(clause, one, topics)
        if not matches or _is_of_camera(clause, one.name):
            continue
        denied = all(_is_denied(clause, match) for match in matches)
        flaws[one.name] = Polarity.ABSENCE if denied else Polarity.ANOMALY
    return flaws


_OPTICS = {"clarity": grammar.OPTICAL, "distortion": grammar.REFRACTED}


_OF_PHOTOGRAPHS = ("clarity", "edge", "symmetry", "perspective", "overall tone")
"""Criteria of which photographs have flaws, too: blur, halos, crooked horizons."""


def _is_of_camera(clause: SearchedText, criterion: str) -> bool:
    """Whether a flaw is one that cameras make, and nothing unnatural is said of it."""
    optics = _OPTICS.get(criterion)
    if optics is None or not optics.search(clause):
        return False
    return not _is_complained(clause)


def _drop_harmless(flaws: Polarities, clause: SearchedText, topics: Sequence[str]) -> None:
    """Drop flaws that a reply merely mentions of an image that it takes to be real."""
    for name in _OF_PHOTOGRAPHS:
        if (
            flaws.get(name) is Polarity.ANOMALY
            and name not in topics
            and not _is_complained(clause)
        ):
            del flaws[name]


def _is_complained(clause: SearchedText) -> bool:
    return any(
        one.polarity is Polarity.ANOMALY and one.words is UNNATURAL
        for one in _find_assessments(clause)
    )


def _find_depicted(
    clause: SearchedText, criterion: CriterionWords, topics: Sequence[str]
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
        or grammar.PICTURED.match(text[match.end() + 1 :])
        or _is_complaint(clause, match)
    ]


def _is_complaint(clause: SearchedText, match: re.Match[str]) -> bool:
    """Whether what a clause says of a word is that it is wrong."""
    return any(
        one.polarity is Polarity.ANOMALY
        and one.words is not ASSESSING
        and (one.match.start() >= match.end() or one.match.end() + 1 == match.start())
        and " and " not in clause.text[match.end() : one.match.start()]
        and one.match[0] != match[0]
        for one in _find_assessments(clause)
    )


def _is_denied(clause: SearchedText, flaw: re.Match[str]) -> bool:
    if grammar.is_negated(clause, flaw.start()) or grammar.is_denied_after(clause, flaw.end()):
        return True
    return _calls_natural(clause, flaw)


def _calls_natural(clause: SearchedText, flaw: re.Match[str]) -> bool:
    """Whether what looks like a flaw is the subject of praise: "the distortion is natural"."""
    text = clause.text
    if not HAS_VERB.search(text, flaw.end()) or HAS_VERB.search(text[: flaw.start()]):
        return False
    return find_polarity(clause, flaw.end()) is Polarity.ABSENCE
