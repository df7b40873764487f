"""What the clauses of a reply say of the options of a choice: that one is fake, real or the answer.

Options are replaced by marks first, so that "the first image", "image 1", "A" and "the other one"
are the same to all that follows. A clause states something if it names one option beside words
for one of fake and real. A clause in doubt states nothing, and says so.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

from fakebench_suite.types import QuestionType

_ORDINALS = {
    "first": r"(?:first|1st)",
    "second": r"(?:second|2nd)",
    "third": r"(?:third|3rd)",
    "fourth": r"(?:fourth|4th)",
}
_CARDINALS = ("one", "two", "three", "four")
_ORDINAL_OPTION = re.compile(rf"(?:the )?({'|'.join(_ORDINALS)})(?: (?:one|image|picture|photo))?")
_NOUNS = r"(?:one|image|picture|photograph|photo|option)"
_FAKE = (
    r"(?:deep)?faked?|fakes|\w*generated|ai|synthetic|artificial(?:ly)?|forged|forgery|manipulated"
    r"|cgi"
)
_REAL = (
    r"real(?!-)|authentic|genuine|actual|photographed|camera|unedited|unaltered"
    r"|an? photo(?:graph)?(?! (?:generated|made|created))"
)
_VERB = r"(?:is|was|are|were|looks?|appears?|seems?)"
_BEFORE = (
    rf"(?=\W*(?:\Z|\n)|\s*[.,;:!?)(*\u2013\u2014-]|\s+(?:{_VERB}|isn't|and|or|but|while|whereas|not"
    r"|because|since|as|due|shows?|has|does|doesn't|that|which|being|must)\b"
)
"""What follows an option that is named without a noun; more may be added before it is closed."""
_LETTER = r"(?<![\w'\u2019&.-])(?-i:{letter})(?!\.\w|['\u2019-]\w)" + _BEFORE + ")"
_OTHER = (
    rf"\bthe other(?: {_NOUNS}\b|{_BEFORE}|\s+(?:{_FAKE}|{_REAL})\b))"
    r"|\bthe (?:former|latter)\b"
)
_UNKNOWN = re.compile(rf"\bone (?:{_VERB}|of)\b", re.IGNORECASE)
"""One of them, which is not said; "the other" after it is not known either."""

_MARK = re.compile("\ue000(.)\ue001")
_MARKUP = re.compile('[*_`"\u201c\u201d\ue000\ue001]')
_CLAUSE_END = re.compile(
    r"(?<=[.!?])\s+|[,;\n]|\b(?=(?:while|whereas|but|because|since|however|yet|although|though)\b)"
)
_AND = re.compile(r"\band\b")
_PREDICATES = {
    QuestionType.WHICHFAKE: re.compile(rf"\b(?:{_FAKE})\b"),
    QuestionType.WHICHREAL: re.compile(rf"\b(?:{_REAL})\b"),
}
_OPPOSITE = {
    QuestionType.WHICHFAKE: QuestionType.WHICHREAL,
    QuestionType.WHICHREAL: QuestionType.WHICHFAKE,
}
_NOT = re.compile(r"\bnot\b|n't\b|n\u2019t\b")
_ENDS_IN_NOT = re.compile(r"(?:\bnot|n't|n\u2019t)\W*\Z")
_OPENING = re.compile(r"\W*(?:(?:it )?(?:is|looks|appears|seems) )?(?:(?:an?|likely|probably) )*")
_DOUBT = re.compile(
    r"\b(?:neither|nor|both|either|or|each|all|any|cannot|can't|unless|whether|if|although|though"
    r"|no|non|none|never|nothing|hardly|barely|rarely|without|unlikely|impossible|doubt\w*|less"
    r"|than|too|also|likewise|same|equally|similarly|alike|as well|so (?:is|are|does)|may|might"
    r"|could|would be|at first|far from|free|lack\w*|devoid|rather|instead|unlike|false|wrong"
    r"|incorrect|untrue|supposed\w*|pretend\w*|fail\w*|imitat\w+|mimic\w*|tr(?:y|ies|ying) to"
    r"|attempt\w*|almost|nearly|(?<!the )only|merely|former|latter)\b|\?|(?<!\d)[0-4]?\d ?%"
)
_RETRACTION = re.compile(r"\b(?:at first|wait|i mean|correction|on second thoughts?)\b")
_TURN = re.compile(r"\W*(?:but|however|yet|though|although)\b")
_REASON = re.compile(r"\W*(?:because|since|as|due|given)\b")
_GOES_ON = re.compile(
    rf"\W*(?:(?:and|so|but|because|since|as|however)\W+)*(?:(?:it|this|that|which)\b(?: one)?"
    rf"(?:\W+{_VERB}\b|['\u2019]s\b)|{_VERB}\b)"
)
"""The beginning of a clause about the option named last: "it is", "which looks"."""
_GOES_ON_BARE = re.compile(rf"\W*{_VERB}\b")
"""A clause that goes on after an aside, which may have named another option."""
_FILLER = re.compile(
    r"\b(?:and|so|the|it(?:['\u2019]s)?|is|i(?:['\u2019]d)?|that|this|think|believe|guess|choose|pick"
    r"|select|say|go|with|would|my|final|correct|answer|choice|option|be|probably|likely|clearly"
    r"|definitely|most|one|image|picture|photo|for)\b|\W"
)


@dataclass(slots=True)
class Statements:
    """What a reply says of its options, as letters with the words for it."""

    stated: dict[str, str] = field(default_factory=dict)
    """Options of which it is said that they are what was asked for."""
    named: dict[str, str] = field(default_factory=dict)
    """Options that a clause names and says nothing else: "it is the second one"."""
    denied: dict[str, str] = field(default_factory=dict)
    """Options of which it is said that they are not."""
    hinted: dict[str, str] = field(default_factory=dict)
    """Options of which it is denied that they are the opposite; too little to choose by."""
    resembling: dict[str, str] = field(default_factory=dict)
    """Options after which a clause without one says the opposite of what was asked for."""
    doubt: str | None = None
    """Words that leave open what is said of an option."""
    remark: str | None = None
    """The same in a clause that names no option."""


def read_statements(
    text: str, choices: Sequence[str], question_type: QuestionType, about: str | None = None
) -> Statements:
    """Return what a reply says; its first clause is about the option ``about`` if it names none."""
    said = Statements()
    last = about
    last_predicate: QuestionType | None = None
    unclaimed: set[QuestionType] = set()
    if (retraction := _RETRACTION.search(text.lower())) is not None:
        said.doubt = retraction[0]
    for clause in _split_clauses(_mark_options(text, choices)):
        options = set(_MARK.findall(clause))
        rest = _MARK.sub(" ", clause).lower()
        predicates = {kind for kind, words in _PREDICATES.items() if words.search(rest)}
        words = _MARK.sub(r"\1", clause).strip().lower()
        if not options:
            _read_remark(said, last, rest, predicates, question_type)
        elif _DOUBT.search(rest) or (predicates and len(options) + len(predicates) > 2):
            said.doubt = words
        elif not predicates and not _NOT.search(rest) and not _FILLER.sub("", rest):
            said.named |= dict.fromkeys(options, words)
            if _OPPOSITE[question_type] in unclaimed:  # "The real one, image 1"
                said.resembling |= dict.fromkeys(options, words)
        elif len(options) == 1:
            if last_predicate and not predicates and _ENDS_IN_NOT.search(rest):
                predicates = {last_predicate}
            _read_pair(said, (*options,)[0], rest, predicates, question_type)
        last_predicate = next(iter(predicates)) if len(predicates) == 1 else last_predicate
        unclaimed = set() if options else predicates
        if options and (predicates or not rest.lstrip().startswith("not ")):
            last = (*options,)[0] if len(options) == 1 else None
    return said


def starts_with_opposite(text: str, question_type: QuestionType) -> bool:
    """Return whether a text begins with a word for what was not asked for: "a real photo"."""
    start = _OPENING.match(text.lower())
    opposite = _PREDICATES[_OPPOSITE[question_type]]
    return start is not None and opposite.match(text.lower(), start.end()) is not None


def find_options(text: str, choices: Sequence[str]) -> list[str]:
    """Return the letters of the options that a text names, in order."""
    return _MARK.findall(_mark_options(text, choices))


def _read_pair(
    said: Statements,
    option: str,
    rest: str,
    predicates: set[QuestionType],
    question_type: QuestionType,
) -> None:
    """Note what a clause says of its one option."""
    negated = _NOT.search(rest) is not None
    words = f"{option} {rest.strip()}"
    if question_type in predicates:
        (said.denied if negated else said.stated)[option] = words
    elif _OPPOSITE[question_type] in predicates:
        (said.hinted if negated else said.denied)[option] = words


def _read_remark(
    said: Statements,
    last: str | None,
    rest: str,
    predicates: set[QuestionType],
    question_type: QuestionType,
) -> None:
    """Note what a clause without an option says of the one named last."""
    goes_on = _GOES_ON.match(rest) is not None
    turned = _DOUBT.search(rest) is not None or _NOT.search(rest) is not None
    words = rest.strip()
    if last is None:
        if predicates and turned and "?" not in rest:
            said.doubt = words
    elif _leaves_doubt(rest, predicates):
        said.doubt = words
    elif goes_on and turned and predicates:
        _read_pair(said, last, rest, predicates, question_type)
    elif goes_on and _OPPOSITE[question_type] in predicates:
        said.denied[last] = words
        if _GOES_ON_BARE.match(rest):
            said.resembling |= dict.fromkeys(said.named, words)
    elif predicates and _REASON.match(rest) is None and turned:
        said.remark = words
    elif _REASON.match(rest) is None and _OPPOSITE[question_type] in predicates:
        said.resembling[last] = words


def _leaves_doubt(rest: str, predicates: set[QuestionType]) -> bool:
    """Whether a clause without an option takes back what was said of the one named last."""
    if _TURN.match(rest) is not None:
        return rest.strip(" .,\n") not in {"but", "however", "yet"}
    goes_on = bool(predicates) and _GOES_ON.match(rest) is not None
    return goes_on and (len(predicates) > 1 or _DOUBT.search(rest) is not None)


def _split_clauses(text: str) -> Iterator[str]:
    """Yield clauses; "and" ends one only between a predicate and an option."""
    for part in _CLAUSE_END.split(text):
        pieces: list[str] = []
        has_predicate = False
        for piece in _AND.split(part):
            if has_predicate and _MARK.search(piece):
                yield " and ".join(pieces)
                pieces, has_predicate = [], False
            pieces.append(piece)
            has_predicate = has_predicate or _has_predicate(piece)
        if part.strip():
            yield " and ".join(pieces)


def _has_predicate(piece: str) -> bool:
    plain = _MARK.sub(" ", piece).lower()
    return any(words.search(plain) for words in _PREDICATES.values())


def _mark_options(text: str, choices: Sequence[str]) -> str:
    """Return the text with a mark for each option; "the other" is one if there are two."""
    patterns = _compile_options(choices)
    both = re.compile(
        "|".join(
            [f"(?P<unknown>{_UNKNOWN.pattern})", f"(?P<other>{_OTHER})"]
            + [f"(?P<{letter}>{pattern})" for letter, pattern in patterns.items()]
        ),
        re.IGNORECASE,
    )
    last: str | None = None

    def mark(match: re.Match[str]) -> str:
        nonlocal last
        kind = match.lastgroup
        if kind == "unknown":
            last = None
            return match[0]
        if kind == "other":
            others = [letter for letter in patterns if letter != last]
            if last is None or len(others) != 1 or "other" not in match[0].lower():
                return match[0]
            kind = others[0]
        last = kind
        return f" \ue000{kind}\ue001 "

    return both.sub(mark, _MARKUP.sub("", text))


def _compile_options(choices: Sequence[str]) -> Mapping[str, str]:
    """Return the patterns of options by letter, those with long texts first."""
    offered = sorted(
        zip(ascii_uppercase, choices, strict=False), key=lambda item: len(item[1]), reverse=True
    )
    return {letter: _compile_option(letter, choice) for letter, choice in offered}


def _compile_option(letter: str, choice: str) -> str:
    plain = choice.strip().rstrip(".!").lower()
    patterns = [
        rf"\b(?:the )?(?:image|picture|photo|photograph|option) \(?(?-i:{letter})\b\)?"
        rf"(?!['\u2019])(?=\W|\Z)(?!\s+(?:{_FAKE}|{_REAL})\s+[a-z])",
        _LETTER.format(letter=letter),
    ]
    ordinal = _ORDINAL_OPTION.fullmatch(plain)
    if ordinal is None:
        if not plain:
            return "|".join(patterns)
        return "|".join([rf"(?<!\w){re.escape(plain)}(?!\w)", *patterns])
    word = _ORDINALS[ordinal[1]]
    number = list(_ORDINALS).index(ordinal[1])
    return "|".join(
        [
            rf"\b(?:the )?{word} {_NOUNS}s?\b",
            rf"\bthe {word}{_BEFORE}|\s+(?:{_FAKE}|{_REAL})\b)",
            rf"\A\W*(?:the )?{word}(?=\W*\Z)",
            rf"\b(?:image|picture|photo|photograph) ?(?:#|number )?(?:{number + 1}|"
            rf"{_CARDINALS[number]})\b",
            *patterns,
        ]
    )
