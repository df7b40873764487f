"""Parse a reply to a multiple-choice question: a letter or the text of an option, or neither.

Nothing is guessed. A reply that names two options, one that is not offered, or none, is unparsed:
LOKI's own parser draws a random option then (``lm_evaluate/tasks/loki.py``), which gives a model
that says nothing half of the points.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.language.refusals import find_refusal
from fakebench_suite.grading.labels.language.structured import find_marked_answers
from fakebench_suite.grading.labels.option_statements import (
    Statements,
    find_options,
    read_statements,
    starts_with_opposite,
)
from fakebench_suite.grading.labels.result import NoLabel
from fakebench_suite.text.reasoning_tags import strip_marks
from fakebench_suite.text.thoughts import remove_thoughts
from fakebench_suite.types import QuestionType


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedChoice:
    """The letter of the option that a reply chooses, and the words that decided it."""

    choice: str | NoLabel
    reason: str


_ALONE = re.compile(
    r"\W*(?:(?:the )?(?:option|answer|choice)\W+)?(?P<letter>[a-z])\W*", re.IGNORECASE
)
"""A letter that is the whole reply."""
_LEADING = re.compile(
    r"\W*(?P<letter>[A-Z])(?:[.):\]*]+(?=\s)|\s*(?:[-\u2013\u2014:]\s|\n)"
    r"|,(?=\s(?:because|since|as|its?)\b))\W*"
)
"""A letter that a reply begins with, as options are listed: "A. The first one"."""
_ANNOUNCED = re.compile(
    r"\b(?i:answer|choice|choose|pick|select)(?i:\s+(?:is|would be))?(?P<negated>\s+not)?"
    r"(?i:\s+option)?[\s:*(\"'\u201c]*(?P<letter>[A-Z])\b(?!['\u2019])"
    r"(?!\s+(?!because|since|as|and|or|with|in|for|is|due)[a-z])"
)
"""A letter after a word that announces it: "The answer is (A)". "Choice A real photo" has none."""
_LISTED = re.compile(r"^[^\w\n]*(?P<letter>[A-Z])[.):*]+(?=\s)", re.MULTILINE)
"""A letter that begins a line; if several do, each line is about its option."""


_SHARE = re.compile(
    r"\b(?P<letter>[A-Z])\b\W{0,3}(?:(?P<percent>\d{1,3}(?:\.\d+)?)\s*%|(?P<part>[01]?\.\d+))"
)
"""A letter with a share of belief. "A: 10%, B: 90%" does not begin with its choice."""


def parse_choice(
    text: str, choices: Sequence[str], question_type: QuestionType = QuestionType.WHICHFAKE
) -> ParsedChoice:
    """Return the option that a reply chooses.

    ``text`` is the whole reply, whose thoughts are ignored; ``choices`` are the texts of the
    options, the first of which is A. Of options such as "The first one." other nouns count, too,
    and so do "image 1", "image A" and "the other one". Exactly one option is what was asked for,
    and nothing is concluded from what is said of the other alone: "the first image is real", asked
    which is fake, is unparsed. So are replies whose clauses contradict each other.
    """
    visible = remove_thoughts(text)
    marked = {
        parsed.choice: parsed
        for words in find_marked_answers(visible)
        if isinstance((parsed := _parse_text(words, choices, question_type)).choice, str)
        and not isinstance(parsed.choice, NoLabel)
    }
    if len(marked) == 1:
        return next(iter(marked.values()))
    if marked:
        return _unparsed("two marked answers contradict each other")
    return _parse_text(strip_marks(visible), choices, question_type)


def _parse_text(text: str, choices: Sequence[str], question_type: QuestionType) -> ParsedChoice:
    text = text.strip()
    if not text:
        return _unparsed("the reply is empty")
    if _lists_options(text):
        text = _LISTED.sub(r"\g<letter>:", text)
    letters = dict(_find_letters(text))
    if len(letters) > 1:
        return _contradict(letters.values())
    if letters:
        ((letter, words),) = letters.items()
        return _check_letter(letter, words, text, choices, question_type)
    parsed = _choose(read_statements(text, choices, question_type))
    if parsed.choice is NoLabel.UNPARSED:
        refusal = find_refusal(clean_text(text))
        if refusal is not None and not find_options(text, choices):
            return ParsedChoice(choice=NoLabel.REFUSED, reason=repr(refusal))
    return parsed


def _find_letters(text: str) -> Iterator[tuple[str, str]]:
    """Yield the letters that are the reply, begin it or are announced, and the words for it."""
    if (alone := _ALONE.fullmatch(text)) is not None:
        yield alone["letter"].upper(), text
        return
    if (leading := _find_leading(text)) is not None:
        yield leading["letter"], leading[0].strip()
    for announced in _ANNOUNCED.finditer(text):
        if announced["negated"] is None:
            yield announced["letter"], announced[0]


def _find_leading(text: str) -> re.Match[str] | None:
    """Return the letter that a reply begins with, unless it begins a list of options.

    Nor if another one has a larger share.
    """
    leading = None if _lists_options(text) else _LEADING.match(text)
    shares = {
        share["letter"]: float(share["percent"] or 100 * float(share["part"]))
        for share in _SHARE.finditer(text)
    }
    if leading is None or shares.get(leading["letter"], 0.0) >= max(shares.values(), default=0.0):
        return leading
    return None


def _lists_options(text: str) -> bool:
    """Whether several letters begin a line."""
    return len({listed["letter"] for listed in _LISTED.finditer(text)}) > 1


def _check_letter(
    letter: str, words: str, text: str, choices: Sequence[str], question_type: QuestionType
) -> ParsedChoice:
    """Return the option of a letter, if it is offered and nothing said of options contradicts."""
    offered = ascii_uppercase[: len(choices)]
    if letter not in offered:
        return _unparsed(f"{words!r} is none of the options, {', '.join(offered)}")
    leading = _find_leading(text)
    rest, about = (text, None) if leading is None else (text[leading.end() :], letter)
    said = read_statements(rest, choices, question_type, about)
    against = {**said.stated, **said.named, **said.hinted}
    against.pop(letter, None)
    if letter in said.denied:
        against[letter] = said.denied[letter]
    elif leading is not None and starts_with_opposite(rest, question_type):
        against[letter] = rest
    if against:
        return _contradict([words, next(iter(against.values()))])
    return ParsedChoice(choice=letter, reason=repr(words))


def _choose(said: Statements) -> ParsedChoice:
    """Return the option that all statements of a reply agree on."""
    if said.doubt is not None:
        return _unparsed(f"{said.doubt!r} leaves the option open")
    chosen = {**said.named, **said.stated}
    if len(chosen) > 1:
        return _contradict(chosen.values())
    if not chosen:
        return _unparsed("the reply chooses no option")
    ((letter, words),) = chosen.items()
    against = {other: hint for other, hint in said.hinted.items() if other != letter}
    if letter in said.denied:
        against[letter] = said.denied[letter]
    if letter not in said.stated:
        if letter in said.resembling:
            against[letter] = said.resembling[letter]
        if said.remark is not None:
            return _unparsed(f"{said.remark!r} leaves the option open")
    if against:
        return _contradict([words, next(iter(against.values()))])
    return ParsedChoice(choice=letter, reason=repr(words))


def _contradict(words: Iterable[str]) -> ParsedChoice:
    return _unparsed(f"{' and '.join(map(repr, words))} contradict each other")


def _unparsed(reason: str) -> ParsedChoice:
    return ParsedChoice(choice=NoLabel.UNPARSED, reason=reason)
