"""What a match of the grammar asserts, if anything: what it says is only half of it.

What stands before a label in its clause may leave it open ("some say", "no sign that"), and so may
what follows it ("real or fake", "a fake plant"). Both are held against what :mod:`.grammar`
understands, and what is not understood is no assertion.
"""

import re

from fakebench_suite.grading.labels.language import grammar
from fakebench_suite.grading.labels.language.lexicon import LETTER, Sentence, compile_parts
from fakebench_suite.types import Authenticity

Match = re.Match[str]
_NEGATION = compile_parts("NO|NONE|LACK|NOT|CANNOT_BE")
_FAKE, _REAL = compile_parts("FAKE|MADE"), compile_parts("REAL|TAKEN")
_NEGATION_GROUPS = ("nothing", "not1", "not2", "not3", "not4")
_MORE_LIKELY = re.compile(r"\b(?:more|rather) (?:likely|probably)\b|^rather\b|\bcloser to\b")


def resolve_label(sentence: Sentence, match: Match) -> Authenticity | None:
    """The label a match asserts, its negations counted; None when it leaves the matter open."""
    tags = sentence.tags
    valued = grammar.TICKED_LABEL.match(tags, match.end())
    if not (valued or _is_complete(sentence, match)) or grammar.QUALIFIER.match(tags, match.end()):
        return None
    turned = _is_negated_by_context(sentence, match)
    if turned is None:
        return None
    groups = match.groupdict()
    negations = sum(bool(groups.get(name)) for name in _NEGATION_GROUPS)
    crossed = valued is not None and valued["no"] is not None
    fake = bool(match["fake"] or match["made"])
    odd = (negations + turned + crossed) % 2 == 1
    if not _has_no_opposite_label(sentence, match, fake=fake, odd=odd):
        return None
    return Authenticity.FAKE if fake != odd else Authenticity.REAL


def _is_complete(sentence: Sentence, match: Match) -> bool:
    """Whether the label is the image's own, by what follows it."""
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
    """Whether what points to a label stands in a list of things that are not there.

    "No waxy skin, warped fingers or melted text that would suggest AI generation": the negation
    reaches over the list. "There are no shadows, which suggests a fake" draws a conclusion.
    """
    tags, place = sentence.tags, match.start()
    clause = tags[find_clause_start(grammar.CONTRAST_BOUND, sentence, place) : place]
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
    """Whether the words before an assertion turn it round; None where they leave it open."""
    place = match.start()
    wide = sentence.tags[find_clause_start(grammar.SCOPE_BOUND, sentence, place) : place]
    if grammar.HEARSAY.search(wide):
        return None
    points = sentence.tags[place] == LETTER["SUGGESTS"]
    if points and _is_in_negated_list(sentence, match):
        return None
    before = sentence.tags[find_clause_start(grammar.CLAUSE_BOUND, sentence, place) : place]
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
    shows = groups.get("evidence") or groups.get("lean") or (called and LETTER["AS"] in match[0])
    if shows and grammar.EVIDENCE_FRAME.fullmatch(before):
        return False
    return None


def _has_no_opposite_label(sentence: Sentence, match: Match, *, fake: bool, odd: bool) -> bool:
    """Whether a second label right behind the first, if there is one, says the same."""
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


def find_clause_start(bound: re.Pattern[str], sentence: Sentence, place: int) -> int:
    """Where the clause that holds a place begins, by the parts that bound it."""
    ends = [match.end() for match in bound.finditer(sentence.tags, 0, place)]
    return ends[-1] if ends else 0
