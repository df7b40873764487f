"""The grammar of claims: what is said of images in general, what is negated, what is excused.

The patterns are in ``grammar.toml``; what each is for stands here.
"""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files

from fakebench_suite.grading.claims.clauses import HAS_VERB, VERB
from fakebench_suite.grading.claims.prefilter import REQUIRED
from fakebench_suite.grading.claims.searched_text import PrefilteredPattern, SearchedText


class AnyOf:
    """Alternatives of a pattern; those that begin with "^" are tried at the beginning only.

    They require the words of the name with "_first", and the others those of the name itself.
    """

    def __init__(self, pattern: str, required: str) -> None:
        alternatives = list(_split_alternatives(pattern))
        anchored = [one.removeprefix("^") for one in alternatives if one.startswith("^")]
        others = [one for one in alternatives if not one.startswith("^")]
        self._anchored = PrefilteredPattern(
            REQUIRED[f"{required}_first"], re.compile(f"^(?:{'|'.join(anchored)})")
        )
        self._others = PrefilteredPattern(REQUIRED[required], re.compile("|".join(others)))

    def search(self, searched: SearchedText) -> re.Match[str] | None:
        """The first match of an alternative; None if there is none."""
        return self._anchored.match(searched) or self._others.search(searched)


def _split_alternatives(pattern: str) -> Iterator[str]:
    """Yield what stands between bars outside all brackets."""
    start = depth = 0
    for index, letter in enumerate(pattern):
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and not depth:
            yield pattern[start:index]
            start = index + 1
    yield pattern[start:]


_FILE: dict[str, dict[str, str]] = tomllib.loads(
    (files(__package__) / "grammar.toml").read_text(encoding="utf-8")
)
_PART = re.compile(r"(?<!\(\?P)<(\w+)>")


def _expand(pattern: str) -> str:
    """A pattern of the file in one line, with its parts put in."""

    def put_in(match: re.Match[str]) -> str:
        return VERB if match[1] == "verb" else _expand(_FILE["parts"][match[1]])

    return _PART.sub(put_in, pattern.replace("\n", ""))


def _compile(name: str) -> re.Pattern[str]:
    return re.compile(_expand(_FILE["patterns"][name]))


def _compile_any(name: str) -> AnyOf:
    return AnyOf(_expand(_FILE["patterns"][name]), name)


def _compile_prefiltered(name: str) -> PrefilteredPattern:
    return PrefilteredPattern(REQUIRED[name], _compile(name))


REACH = 100
"""Characters before a word in which a negation is searched for."""

_HERE = re.compile(r"\b(?:this|here|these|its)\b")

GENERIC_NAME = _compile("generic_name")
"""Images in general."""
_GENERIC_CLAUSE = _compile_any("generic_clause")
"""A condition, and what is said of generated or real images in general."""
_OPEN_SENTENCE = _compile_any("open_sentence")
"""What is left open, planned or advised: nothing in the sentence is claimed."""
_QUESTION = _compile("question")
"""A question, even without its mark, as where a prompt is repeated."""
_OUTER_NEGATION = _compile_prefiltered("outer_negation")
"""What turns a whole clause into its contrary: "I would not say that the light is odd"."""
_DENIED_OUTER = re.compile(r"be denied that $")
_EXCUSE = _compile_prefiltered("excuse")
"""What makes a flaw one that real photographs have: "as expected of a real person"."""
_NOT_EXCUSED = re.compile(
    r"\b(?:not|never|un\w+|hardly|rather than|nothing|cannot|neither|far from)\b[^,]{0,30}$"
)

_NEAR = _compile_prefiltered("near")
"""A negation of one of the next words."""
_FAR = _compile_prefiltered("far")
"""A negation of a list, as far as no verb ends it."""
_OPENING = _compile_prefiltered("opening")
"""A negative subject, whose verb it negates too."""
_CANCELLED = re.compile(r"\b(?:not|hardly|far from|never)(?: \w+)? $")
_DEPRIVED = _compile_prefiltered("deprived")
"""Before the name of a criterion: what is not there, and should be."""
_DENIED_AFTER = _compile_prefiltered("denied_after")
"""After the name of a flaw: that it is not there."""
_DENYING = REQUIRED["denying"].guard(_NEAR.pattern, _FAR.pattern, _DENIED_AFTER.pattern)
"""Words of which every negation and denial has one."""


def is_question(plain: str) -> bool:
    """Whether a sentence asks something, or repeats a question without its mark."""
    return plain.endswith("?") or _QUESTION.match(plain) is not None


def is_open(sentence: SearchedText) -> bool:
    """Whether a sentence leaves open, plans or advises what it is about."""
    return _OPEN_SENTENCE.search(sentence) is not None


def is_generic(clause: SearchedText) -> bool:
    """Whether a clause is about images in general, or a condition."""
    match = _GENERIC_CLAUSE.search(clause)
    return match is not None and not (
        match[0].startswith(("common", "typical", "possible", "potential", "some", "the", "a "))
        and _HERE.search(clause.text)
    )


def find_excuse(clause: SearchedText) -> re.Match[str] | None:
    """Where a clause says that real photographs are like that; None if it does not."""
    match = _EXCUSE.search(clause)
    if match is None or _NOT_EXCUSED.search(clause.text[: match.start()]):
        return None
    return match


def strip_outer_negation(clause: SearchedText) -> tuple[str, bool]:
    """A clause without what turns it into its contrary, and whether something did."""
    match = _OUTER_NEGATION.match(clause)
    if match is None:
        return clause.text, False
    return clause.text[match.end() :], _DENIED_OUTER.search(match[0]) is None


def _search_before(
    negation: PrefilteredPattern, clause: SearchedText, position: int
) -> re.Match[str] | None:
    """The match in REACH before a position of a clause, at whose beginning a word may be cut."""
    if position <= REACH and not clause.holds(negation.bit, 0, position):
        return None
    return negation.pattern.search(clause.text[max(0, position - REACH) : position])


def is_negated(clause: SearchedText, position: int, *, is_good: bool = False) -> bool:
    """Whether the word at a position of a clause is negated by the words before it.

    Praise after a list of what is not there is no part of it: "no artifacts, natural lighting".
    """
    if not clause.bits & _DENYING:
        return False
    before = clause.text[max(0, position - REACH) : position]
    if _search_before(_NEAR, clause, position):
        return True
    if position <= REACH and clause.bits & _OPENING.bit and _OPENING.pattern.match(before):
        return True
    match = _search_before(_FAR, clause, position)
    if match is None or HAS_VERB.search(match["gap"]):
        return False
    if is_good and ("," in match["gap"] or " and " in match["gap"]):
        return False
    return _CANCELLED.search(before[: match.start()]) is None


def is_denied_after(clause: SearchedText, position: int) -> bool:
    """Whether what follows a flaw says that it is not there: "the distortion is minimal"."""
    return bool(clause.bits & _DENIED_AFTER.bit) and (
        _DENIED_AFTER.pattern.match(clause.text[position : position + REACH]) is not None
    )


def is_deprived(clause: SearchedText, position: int) -> bool:
    """Whether the words before the name of a criterion say that it is missing."""
    return _search_before(_DEPRIVED, clause, position) is not None


def is_subject_denied(clause: SearchedText, position: int) -> bool:
    """Whether the words before a criterion say that it is not the one: "not the light but ..."."""
    return bool(clause.bits & _SUBJECT_DENIED.bit) and (
        _SUBJECT_DENIED.pattern.search(clause.text[:position]) is not None
    )


CARRIED = _compile("carried")
"""A clause that goes on about the subject before it."""
PROPOSAL = _compile("proposal")
"""A question that supposes something of criteria, which "no" denies, and none of the image."""
ANSWER = _compile("answer")
"""A clause that answers the question, or the heading, before it."""
NONE = _compile("none")
PRESENT = _compile("present")
"""Below the name of a flaw: whether it is there."""
LOW = _compile("low")
HIGH = re.compile(r"^(?:very |quite |rather |extremely )?(?:high|excellent|great|perfect|strong)$")
"""Below the name of a criterion: how much of it there is."""
ELLIPSIS = re.compile(r"^(?:and |, )?(?:as|so) (?:is|are|do|does|was|were|did|has|have)\b")
"""A clause that says the same of another subject: "as are the reflections"."""
NEGATIVE_ELLIPSIS = _compile("negative_ellipsis")
"""A clause that says the contrary of another subject: "but the texture is not"."""
_SUBJECT_DENIED = _compile_prefiltered("subject_denied")
"""Before a criterion that is not the one: "not the light but the texture"."""
COMPARED = _compile("compared")
"""Before a criterion that another subject is compared with."""
PRONOUN = re.compile(r"^(?:and |also |but |yet )*(?:it|they|these|this|that|those|both)\b")
NEITHER = _compile("neither")
"""After what is said of images in general: that this one is otherwise."""
SPEAKS_FOR_REAL = _compile_prefiltered("speaks_for_real")
"""What turns flaws into what photographs have: "the noise points to a real camera"."""
CALLED_FAKE = _compile_prefiltered("called_fake")
"""A predicate that calls a subject what a verdict calls the image."""
EVIDENCE = _compile_prefiltered("evidence")
"""What links a criterion to a verdict: "the shadows suggest that it is fake"."""
PROBLEMS = _compile("problems")
"""The heading of a list of flaws."""
STRENGTHS = _compile("strengths")
"""The heading of a list of what is natural."""
HEADING_PLACE = re.compile(r"^(?:location|where|position|place|area|region|part|at)\b")
SWEEPING = _compile("sweeping")
"""A subject that an exception is from."""
OPTICAL = _compile_prefiltered("optical")
"""Blur that cameras make."""
REFRACTED = _compile_prefiltered("refracted")
"""Distortion that cameras, glass and water make."""
DEPICTION = _compile("depiction")
"""Before a word that is an anomaly of the picture, but not of what is in the scene."""
WRONGLY = _compile("wrongly")
SCENE_NOUN = _compile("scene_noun")
"""After an adjective, the noun that it belongs to, and what follows."""
PICTURE_NOUN = _compile("picture_noun")
"""After an adjective, a noun that is of the picture."""
FIRST_NOUN = _compile("first_noun")
"""Before an adjective of the first noun of a clause."""
NEGATIVE = _compile_prefiltered("negative")
"""A negation of whatever follows."""
NOUNS = _compile("nouns")
"""How nouns begin that are flaws."""
ABOUT = _compile("about")
"""A phrase that names what a sentence is about."""
BRIEF = _compile("brief")
"""How a sentence without words of the lexicon begins that says something of a topic."""
CONTINUING = _compile("continuing")
"""How a clause begins that goes on with the predicate before it."""
PICTURED = _compile("pictured")
"""After an adjective, a noun that is of the picture itself."""
LOOSE = _compile("loose")
"""How a clause without a subject of its own begins."""
THIS_IMAGE = _compile("this_image")
"""The image that is asked about."""
SHOWN = _compile("shown")
"""How a clause begins that gives evidence of the verdict before it: "can be seen from"."""
DENIAL = _compile("denial")
"""A clause that denies what was asked or said of a topic: "they do not"."""
