"""Determine the label that a match of the grammar asserts, if any.

Words before a label in its clause may leave it open ("some say", "no sign that"), and so may words
after it ("real or fake", "a fake plant"). Both must be understood by :mod:`.grammar`; otherwise
nothing is asserted.
"""

import re

from fakebench_suite.grading.labels.language import grammar
from fakebench_suite.grading.labels.language.lexicon import LETTER, Sentence, compile_parts
from fakebench_suite.types import Authenticity

Match = re.Match[str]
"""A match of a grammar pattern on a sentence's tags."""
_NEGATION = compile_parts("NO|NONE|LACK|NOT|CANNOT_BE")
_FAKE, _REAL = compile_parts("FAKE|MADE"), compile_parts("REAL|TAKEN")
_NEGATION_GROUPS = ("nothing", "not1", "not2", "not3", "not4")
_MORE_LIKELY = re.compile(r"\b(?:more|rather) (?:likely|probably)\b|^rather\b|\bcloser to\b")


def resolve_label(sentence: Sentence, match: Match) -> Authenticity | None:
    """Return the label that a match asserts, with negations applied; None if it is left open."""
    tags = sentence.tags
    valued = grammar.TICKED_LABEL.match(tags, match.end())
    if not (valued or _is_complete(sentence, match)) or grammar.QUALIFIER.match(tags, match.end()):
        return None
    is_negated = _is_negated_by_context(sentence, match)
    if is_negated is None:
        return None
    groups = match.groupdict()
    negations = sum(bool(groups.get(name)) for name in _NEGATION_GROUPS)
    is_crossed = valued is not None and valued["no"] is not None
    if is_crossed and negations:
        return None  # "It is not fake: no" may mean either.
    is_fake = bool(match["fake"] or match["made"])
    is_inverted = (negations + is_negated + is_crossed) % 2 == 1
    if not _has_no_opposite_label(sentence, match, fake=is_fake, odd=is_inverted):
        return None
    return Authenticity.FAKE if is_fake != is_inverted else Authenticity.REAL


def _is_complete(sentence: Sentence, match: Match) -> bool:
    """Return whether the label describes the image itself, by what follows it."""
    tags, groups = sentence.tags, match.groupdict()
    adjective = (match["fake"] or match["real"]) and not match["noun"]
    noun = match["fake"] is not None and sentence.words[match.end() - 1] == "fake"
    if adjective and (
        (match["loose"] and not noun) or not grammar.AFTER_ADJECTIVE.match(tags, match.end())
    ):
        return False
    if match.re is grammar.ELLIPTICAL:
        opens = tags[match.start()] in (LETTER["I"], LETTER["AS"])
        generic = match["noun"] and grammar.GENERIC_PREDICATE.match(tags, match.end()) is not None
        return (
            not (opens or generic) and grammar.AFTER_ELLIPTICAL.match(tags, match.end()) is not None
        )
    if groups.get("evidence"):
        points = tags[match.start()] == LETTER["SUGGESTS"]
        if adjective and points:
            return False
        # "..., suggesting a fake image" goes on; "others, ..., suggest a real one" does not.
        split = points and tags[: match.start()].endswith(LETTER["STOP"])
        return not split or sentence.words[match.start()].endswith("ing")
    return True


def _is_in_negated_list(sentence: Sentence, match: Match) -> bool:
    """Return whether the evidence for a label is in a list of things that are absent.

    "No waxy skin, warped fingers or melted text that would suggest AI generation": the negation
    applies to the whole list. "There are no shadows, which suggests a fake" draws a conclusion.
    """
    tags, position = sentence.tags, match.start()
    clause = tags[find_clause_start(grammar.CONTRAST_BOUND, sentence, position) : position]
    if _NEGATION.search(clause) is None:
        return False
    link = grammar.EVIDENCE_LINK.search(clause)
    assert link is not None
    if (
        grammar.NEGATIVE_SUBJECT.match(clause)
        or LETTER["WOULD"] in link[0]
        or LETTER["MAY"] in link[0]
    ):
        return True
    return not link["apart"] and LETTER["LACK"] not in clause


def _is_negated_by_context(sentence: Sentence, match: Match) -> bool | None:
    """Return whether the words before an assertion negate it; None if they leave it open."""
    position = match.start()
    scope = sentence.tags[find_clause_start(grammar.SCOPE_BOUND, sentence, position) : position]
    if grammar.HEARSAY.search(scope):
        return None
    is_evidence = sentence.tags[position] == LETTER["SUGGESTS"]
    if is_evidence and _is_in_negated_list(sentence, match):
        return None
    before = sentence.tags[find_clause_start(grammar.CLAUSE_BOUND, sentence, position) : position]
    called = match.groupdict().get("called")
    if grammar.NEGATED_FRAME.fullmatch(before) or (
        called and grammar.NEGATED_CLASSIFICATION.fullmatch(before)
    ):
        return True
    if grammar.NEUTRAL_LEAD.fullmatch(before) or grammar.ASSERTING_LEAD.fullmatch(before):
        return False
    if grammar.REASON_FRAME.fullmatch(before):
        return False
    groups = match.groupdict()
    has_evidence = (
        groups.get("evidence") or groups.get("lean") or (called and LETTER["AS"] in match[0])
    )
    if has_evidence and grammar.EVIDENCE_FRAME.fullmatch(before):
        return False
    return None


def _has_no_opposite_label(sentence: Sentence, match: Match, *, fake: bool, odd: bool) -> bool:
    """Return whether a second label right after the first, if there is one, agrees with it."""
    groups = match.groupdict()
    if groups.get("score") and _names_both(sentence):
        return False  # A scale: "0/10 (certainly real) to 10/10 (certainly fake)".
    other = grammar.SECOND_LABEL.match(sentence.tags, match.end())
    if other is None or (other["end"] is not None and other["not"] is None):
        return grammar.ALTERNATIVE.match(sentence.tags, match.end()) is None
    if other["end"] is not None:
        return False
    link = other["link"]
    second, negated = other["fake"] is not None, other["not"] is not None
    if LETTER["THAN"] in link:
        return _MORE_LIKELY.search(sentence.quote(match.start(), match.end())) is not None
    if not negated and (LETTER["OR"] in link or LETTER["AND"] in link):
        return second == fake  # "not fake or AI-generated": one negation for both
    return (second != (negated or LETTER["INSTEAD"] in link)) == (fake != odd)


def _names_both(sentence: Sentence) -> bool:
    return all(label.search(sentence.tags) for label in (_FAKE, _REAL))


def find_clause_start(bound: re.Pattern[str], sentence: Sentence, position: int) -> int:
    """Return where the clause of a position begins, by the parts that bound it."""
    ends = [match.end() for match in bound.finditer(sentence.tags, 0, position)]
    return ends[-1] if ends else 0
