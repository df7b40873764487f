"""Split a sentence into clauses: each has a subject and a verb of its own, or stands apart."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

from fakebench_suite.grading.claims.prefilter import REQUIRED
from fakebench_suite.grading.claims.searched_text import PlacedWord, SearchedText

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
_VERB = _SURE_VERB | _POSSIBLE_VERB
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
_BOUND_PART = (
    r"[;:, ](?:(?<=[;:])|(?=[ \-abcdehinostuwy])(?: ?- |(?:(?<=,) )?(?:"
    r"but (?!also\b)(?<!anything but )(?<!nothing but )(?<!everything but )"
    r"|while |whereas |although |though |however\b|yet |which |where |because (?!of)|since "
    r"|with (?<=, with )|so (?<=, so )|(?=as (?:is|are) the )"
    rf"|(?=(?:{_EXCEPTION}|{_COMPARISON}|{_ASIDE}) ))))"
)
_BOUND = re.compile(f"{_BOUND_PART}(?:{_BOUND_PART})*")
"""What always ends a clause, unless nothing is said before a "but". The pattern begins with a class
and its alternatives with literals where they can, for speed."""
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

    __slots__ = ("ends_in_colon", "has_verb", "link")

    def __init__(
        self,
        text: str,
        words: Sequence[PlacedWord] | None = None,
        offset: int = 0,
        *,
        link: Link = Link.PLAIN,
        ends_in_colon: bool = False,
    ) -> None:
        if len(text) > _MAX_CLAUSE:
            text, words, offset = text[:_MAX_CLAUSE], None, 0
        super().__init__(text, words, offset)
        self.link = link
        self.ends_in_colon = ends_in_colon
        self.has_verb = bool(self.bits & _SURE_VERB) or (
            bool(self.bits & _POSSIBLE_VERB) and HAS_VERB.search(self.text) is not None
        )


def split_clauses(sentence: SearchedText) -> Sequence[Clause]:
    """The clauses of a sentence; a fronted exception or comparison comes last."""
    if "(" in sentence.text:
        sentence = SearchedText(_SHORT_ASIDE.sub(r" \1", sentence.text))
    plain = sentence.text
    if not sentence.bits & _LINK:
        return list(_split(sentence))
    if match := _INTERRUPTING.match(plain):
        rest = SearchedText(f"{match['subject']} {match['rest']}")
        return [*_split(rest), *_split(SearchedText(match["phrase"]))]
    if match := _ALL_BUT.match(plain):
        rest = SearchedText(f"{match['subject']} {match['rest']}")
        return [*_split(rest), *_split(SearchedText(f"except for {match['phrase']}"))]
    if match := _FRONTED.match(plain):
        main = list(_split(SearchedText(plain[match.end() :])))
        phrase = list(_split(SearchedText(match["phrase"])))
        is_aside = bool(phrase) and phrase[0].link is Link.ASIDE
        return [*phrase, *main] if is_aside else [*main, *phrase]
    return list(_split(sentence))


def _split(searched: SearchedText) -> Iterator[Clause]:
    plain, start = searched.text, 0
    if searched.bits & (_LINK | _BOUND_WORD) or any(map(plain.__contains__, _BOUND_SIGNS)):
        for match in _BOUND.finditer(plain):
            is_but = match[0].strip(" ,") == "but"
            if is_but and start == 0 and _BARE_NOT.search(plain[: match.start()]):
                continue  # "not the light but the texture looks odd"
            end = match.start()
            yield from _split_piece(searched, start, end, ends_in_colon=":" in match[0])
            start = match.end()
    yield from _split_piece(searched, start, len(plain))


def _split_piece(
    searched: SearchedText, start: int, end: int, *, ends_in_colon: bool = False
) -> Iterator[Clause]:
    plain = searched.text
    start, end = _trim(plain, start, end, " ,")
    link = Link.PLAIN
    if searched.bits & _LINK:
        link, start = _find_link(plain, start, end)
    for part in _split_joints(searched, start, end):
        start, end = _trim(plain, *part, " ,.!")
        if start < end:
            words = searched.find_part(start, end)
            yield Clause(*words, link=link, ends_in_colon=ends_in_colon)
            link = Link.PLAIN


def _trim(plain: str, start: int, end: int, signs: str) -> tuple[int, int]:
    """Where a part of a text starts and ends without these signs at its ends."""
    while start < end and plain[start] in signs:
        start += 1
    while start < end and plain[end - 1] in signs:
        end -= 1
    return start, end


def _find_link(plain: str, start: int, end: int) -> tuple[Link, int]:
    """How a part of a text is linked to what is before it, and where it starts without the link."""
    piece = plain[start:end]
    if piece.partition(" ")[0] in _FIRST_WORDS:
        for link, pattern in _STARTS:
            if match := pattern.match(piece):
                return link, start + match.end()
    return Link.PLAIN, start


def _split_joints(searched: SearchedText, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the parts are that have a subject and a verb each, with what belongs to them."""
    piece = searched.text[start:end]
    first, has_verb = 0, False
    if searched.bits & _VERB and (", " in piece or " and " in piece):
        item = 0
        joints = [joint.span() for joint in _JOINT.finditer(piece)]
        for stop, following in (*joints, (len(piece), len(piece))):
            if _has_verb(searched, start + item, start + stop):
                if has_verb and _OWN_SUBJECT.match(piece[item:stop][:_REACH]):
                    yield start + first, start + item
                    first = item
                has_verb = True
            item = following
    yield start + first, end


def _has_verb(searched: SearchedText, start: int, end: int) -> bool:
    """Whether a part of a text has a verb."""
    return searched.holds(_SURE_VERB, start, end) or (
        searched.holds(_POSSIBLE_VERB, start, end)
        and HAS_VERB.search(searched.text[start:end]) is not None
    )
