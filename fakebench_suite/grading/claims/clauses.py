"""Split a sentence into clauses: each has a subject and a verb of its own, or stands apart."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache

from fakebench_suite.grading.claims.lexicon import SearchedText
from fakebench_suite.grading.claims.prefilter import REMEMBERED, REQUIRED, find_required

VERB = (
    r"(?:is|are|was|were|be|looks?|appears?|seems?|has|have|had|shows?|lacks?|does|do|exhibits?|"
    r"displays?|contains?|remains?|runs?|match(?:es)?|aligns?|stands?|falls?|feels?|suggests?|"
    r"makes?|reveals?|(?<!color )(?<!colour )casts?|blends?|bends?|breaks?|merges?|"
    r"points?|repeats?|fails?|leaves?|raises?|"
    r"follows?|corresponds?|converges?|fades?|holds?|could|would|can|may|might|should|indicates?|"
    r"bothers?|defy|defies|contradicts?|differs?|supports?|gives?|came|comes?|lines? up)"
)
HAS_VERB = re.compile(rf"\b{VERB}\b")
_SURE_VERB, _POSSIBLE_VERB = REQUIRED["verb"].bit, REQUIRED["possible_verb"].bit
_MAX_CLAUSE = 400
"""Characters of a clause that are read."""
_REACH = 100
"""Characters in which the subject and the verb of a clause are searched for."""


class Link(StrEnum):
    """How a clause is linked to what is before it."""

    PLAIN = "plain"
    EXCEPTION = "exception"
    """"... except for the hand": what holds for the rest does not hold for it."""
    COMPARISON = "comparison"
    """"... unlike the hand", "... compared with the hand"."""
    ASIDE = "aside"
    """"In addition to the hand, ...", "despite the hand, ..."."""


_EXCEPTION = (
    r"(?:except(?:ing)?(?: for| that)?|other than|apart from|aside from|save for|barring|but for|"
    r"with the (?:\w+ )?exception (?:of|being)|the (?:\w+ )?exception (?:is|being))"
)
_COMPARISON = (
    r"(?:unlike|in contrast (?:to|with)|contrary to|as opposed to|compared (?:to|with)|"
    r"in comparison (?:to|with))"
)
_ASIDE = (
    r"(?:despite|in spite of|notwithstanding|in addition to|along with|together with|besides|"
    r"although|though|even though|even if|while|whereas)"
)
_FIRST_WORDS = frozenset(
    ["except", "excepting", "other", "apart", "aside", "save", "barring", "but", "with", "the",
     "unlike", "in", "contrary", "as", "compared", "despite", "notwithstanding", "along",
     "together", "besides", "although", "though", "even", "while", "whereas"]
)  # fmt: skip
"""Words with which exceptions, comparisons and asides begin."""
_STARTS = (
    (Link.EXCEPTION, re.compile(rf"{_EXCEPTION} ")),
    (Link.COMPARISON, re.compile(rf"{_COMPARISON} ")),
    (Link.ASIDE, re.compile(rf"{_ASIDE} ")),
)
_FRONTED = re.compile(
    rf"^(?:(?:and|but|so|now|however|overall),? )?(?=(?:{_EXCEPTION}|{_COMPARISON}|{_ASIDE}) )"
    r"(?P<phrase>[^,;:]{1,200}(?:, (?:which|that|who|where) [^,;:]{1,100})?),"
    r"(?! (?:and|or|nor) [^,;:]*,) "
)
"""A phrase before the clause that it belongs to: "apart from the hand, everything is natural"."""
_INTERRUPTING = re.compile(
    r"^(?P<subject>[^,;:]{1,100}),"
    rf" (?P<phrase>(?:{_EXCEPTION}|{_COMPARISON}|{_ASIDE}) [^,;:]{{1,100}}),"
    rf" (?P<rest>{VERB}\b.*)$"
)
"""A phrase between subject and verb: "the shadows, unlike the reflections, are plausible"."""
_ALL_BUT = re.compile(
    r"^(?P<subject>everything|all(?: of)?(?: the)?(?: \w+)?|nothing|no \w+)"
    rf" (?:but(?! also)|{_EXCEPTION})"
    rf" (?P<phrase>(?:(?!\b{VERB}\b)[^,;:]){{1,100}}?) (?P<rest>{VERB}\b.*)$"
)
""""Everything but the perspective is natural"."""
_BOUND = re.compile(
    r"(?:[;:]|[, ](?: ?- |(?:(?<=,) )?(?:(?<!anything )(?<!nothing )(?<!everything )but (?!also\b)"
    r"|while |whereas |although |though |however\b|yet |which |where |because (?!of)|since "
    r"|(?<=, )with |(?<=, )so |(?=as (?:is|are) the )"
    rf"|(?=(?:{_EXCEPTION}|{_COMPARISON}|{_ASIDE}) ))))+"
)
"""What always ends a clause, unless nothing is said before a "but"."""
_LINK = REQUIRED["link"].guard(_INTERRUPTING, _ALL_BUT, _FRONTED)
_BOUND_WORD = REQUIRED["bound"].bit
_BOUND_SIGNS = (";", ":", "- ", ", with ", ", so ", "as is the ", "as are the ")
"""Texts of which, or of these required words, every bound has one."""
_JOINT = re.compile(r", and |, or |, | and ")
"""What ends a clause where a subject and a verb follow."""
_OWN_SUBJECT = re.compile(
    rf"^(?:in [\w ]{{1,40}},? )?(?!{VERB}\b)(?:\w[\w'-]* ){{1,8}}(?:\w+ly )?{VERB}\b"
)
_BARE_NOT = re.compile(rf"^(?!.*\b{VERB}\b).*\bnot\b")
"""Before a "but": that nothing is said yet."""
_SHORT_ASIDE = re.compile(r" \(((?:[\w'-]+ ?){1,4})\)")
"""A word or two in brackets: "shadows (inconsistent)"."""


class Clause(SearchedText):
    """A clause; a colon follows one with ``ends_in_colon``."""

    def __init__(self, text: str, *, link: Link = Link.PLAIN, ends_in_colon: bool = False) -> None:
        super().__init__(text[:_MAX_CLAUSE])
        self.link = link
        self.ends_in_colon = ends_in_colon
        self.has_verb = _has_verb(self.text)


@lru_cache(maxsize=REMEMBERED)
def make_clause(text: str, *, link: Link = Link.PLAIN, ends_in_colon: bool = False) -> Clause:
    """The clause of a text; that of one seen lately knows what was found in it."""
    return Clause(text, link=link, ends_in_colon=ends_in_colon)


def _has_verb(text: str) -> bool:
    present = find_required(text)
    if present & _SURE_VERB:
        return True
    return bool(present & _POSSIBLE_VERB) and HAS_VERB.search(text) is not None


def split_clauses(plain: str) -> Sequence[Clause]:
    """The clauses of a sentence; a fronted exception or comparison comes last."""
    if "(" in plain:
        plain = _SHORT_ASIDE.sub(r" \1", plain)
    if not find_required(plain) & _LINK:
        return list(_split(plain))
    if match := _INTERRUPTING.match(plain):
        return [*_split(f"{match['subject']} {match['rest']}"), *_split(match["phrase"])]
    if match := _ALL_BUT.match(plain):
        exception = f"except for {match['phrase']}"
        return [*_split(f"{match['subject']} {match['rest']}"), *_split(exception)]
    if match := _FRONTED.match(plain):
        main, phrase = list(_split(plain[match.end() :])), list(_split(match["phrase"]))
        is_aside = bool(phrase) and phrase[0].link is Link.ASIDE
        return [*phrase, *main] if is_aside else [*main, *phrase]
    return list(_split(plain))


def may_split(plain: str) -> bool:
    """Whether a bound may be in a text, which is quick to see."""
    return bool(find_required(plain) & (_LINK | _BOUND_WORD)) or any(
        sign in plain for sign in _BOUND_SIGNS
    )


def _split(plain: str) -> Iterator[Clause]:
    if not may_split(plain):
        yield from _split_piece(plain)
        return
    start = 0
    for match in _BOUND.finditer(plain):
        piece = plain[start : match.start()]
        if match[0].strip(" ,") == "but" and start == 0 and _BARE_NOT.search(piece):
            continue  # "not the light but the texture looks odd"
        yield from _split_piece(piece, ends_in_colon=":" in match[0])
        start = match.end()
    yield from _split_piece(plain[start:])


def _split_piece(piece: str, *, ends_in_colon: bool = False) -> Iterator[Clause]:
    link, piece = _find_link(piece.strip(" ,"))
    for part in _split_joints(piece):
        if part:
            yield make_clause(part, link=link, ends_in_colon=ends_in_colon)
            link = Link.PLAIN


def _find_link(piece: str) -> tuple[Link, str]:
    if piece.partition(" ")[0] not in _FIRST_WORDS:
        return Link.PLAIN, piece
    for link, pattern in _STARTS:
        if match := pattern.match(piece):
            return link, piece[match.end() :]
    return Link.PLAIN, piece


def _split_joints(plain: str) -> Iterator[str]:
    """Yield the parts that have a subject and a verb each, with the lists that belong to them."""
    if ", " not in plain and " and " not in plain:
        yield plain.strip(" ,.!")
        return
    start = end = 0
    has_verb = False
    for joint in [*_JOINT.finditer(plain), None]:
        piece = plain[end : len(plain) if joint is None else joint.start()]
        if has_verb and _OWN_SUBJECT.match(piece[:_REACH]):
            yield plain[start:end].strip(" ,.!")
            start, has_verb = end, False
        has_verb = has_verb or HAS_VERB.search(piece) is not None
        end = len(plain) if joint is None else joint.end()
    yield plain[start:].strip(" ,.!")
