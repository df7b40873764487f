"""Parse a reply to a multiple-choice question: a letter or the text of an option, or neither.

Nothing is guessed. A reply that names two options, one that is not offered, or none, is unparsed:
LOKI's own parser draws a random option then (``lm_evaluate/tasks/loki.py``), which gives a model
that says nothing half of the points.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.language.refusals import find_refusal
from fakebench_suite.grading.labels.language.structured import find_marked_answers
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
_LEADING = re.compile(r"\W*(?P<letter>[A-Z])(?:[.):\]*]+(?=\s)|\s*(?:[-\u2013\u2014:]\s|\n))\W*")
"""A letter that a reply begins with, as options are listed: "A. The first one"."""
_ANNOUNCED = re.compile(
    r"\b(?i:answer|option|choice|choose|pick|select)(?i:\s+(?:is|would be))?(?P<negated>\s+not)?"
    r"(?i:\s+option)?[\s:*(\"'\u201c]*(?P<letter>[A-Z])\b(?!['\u2019])"
    r"(?!\s+(?!because|since|as|and|or|with|in|for|is|due)[a-z])"
)
"""A letter after a word that announces it: "The answer is (A)". "Option A real photo" has none."""
_ORDINALS = {"first": "1", "second": "2", "third": "3", "fourth": "4"}
_ORDINAL_OPTION = re.compile(rf"the ({'|'.join(_ORDINALS)}) one")
_NOUNS = r"(?:one|image|picture|photo|photograph)"
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n")
_UNDECIDED = re.compile(r"\b(?:not|neither|nor|both|either|cannot|can't|\w+n't|unless|whether)\b")
"""Words that may turn what a sentence says about an option around."""
_REASON = re.compile(r"\b(?:because|since|as)\b")
_PREDICATE = re.compile(r"\b(?:is|was|are|looks?|appears?|seems?)\b")
_WORDS = {
    QuestionType.WHICHFAKE: re.compile(r"\b(?:fake|generated|ai|synthetic|artificial)\b"),
    QuestionType.WHICHREAL: re.compile(r"\b(?:real|authentic|genuine|photograph(?:ed)?|camera)\b"),
}
_OPPOSITE = {
    QuestionType.WHICHFAKE: QuestionType.WHICHREAL,
    QuestionType.WHICHREAL: QuestionType.WHICHFAKE,
}


def parse_choice(
    text: str, choices: Sequence[str], question_type: QuestionType = QuestionType.WHICHFAKE
) -> ParsedChoice:
    """Return the option that a reply chooses.

    ``text`` is the whole reply, whose thoughts are ignored; ``choices`` are the texts of the
    options, the first of which is A. Of options such as "The first one." other nouns count as well,
    and so does "image 1". Where a sentence says of an option what was not asked for ("the first
    image is real", asked which is fake), the reply is unparsed.
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
    letters = dict(_find_letters(text))
    if len(letters) > 1:
        quoted = " and ".join(repr(words) for words in letters.values())
        return _unparsed(f"{quoted} contradict each other")
    if letters:
        ((letter, words),) = letters.items()
        return _check_letter(letter, words, text, choices)
    mentions = dict(_find_texts(text.lower(), choices, question_type))
    if len(mentions) == 1:
        ((letter, words),) = mentions.items()
        return ParsedChoice(choice=letter, reason=repr(words))
    if mentions:
        return _unparsed("the reply names more than one option")
    refusal = find_refusal(clean_text(text))
    if refusal is not None:
        return ParsedChoice(choice=NoLabel.REFUSED, reason=repr(refusal))
    return _unparsed("the reply chooses no option")


def _find_letters(text: str) -> Iterator[tuple[str, str]]:
    """Yield the letters that are the reply, begin it or are announced, and the words for it."""
    if (alone := _ALONE.fullmatch(text)) is not None:
        yield alone["letter"].upper(), text
        return
    if (leading := _LEADING.match(text)) is not None:
        yield leading["letter"], leading[0].strip()
    for announced in _ANNOUNCED.finditer(text):
        if announced["negated"] is None:
            yield announced["letter"], announced[0]


def _check_letter(letter: str, words: str, text: str, choices: Sequence[str]) -> ParsedChoice:
    """Return the option of a letter, if it is offered and its text is not another option's."""
    offered = ascii_uppercase[: len(choices)]
    if letter not in offered:
        return _unparsed(f"{words!r} is none of the options, {', '.join(offered)}")
    leading = _LEADING.match(text)
    if leading is not None:
        rest = text[leading.end() :].lower()
        for other, choice in zip(offered, choices, strict=True):
            if other != letter and (match := _compile_option(choice).match(rest)) is not None:
                return _unparsed(f"{words!r} and {match[0]!r} contradict each other")
    return ParsedChoice(choice=letter, reason=repr(words))


def _find_texts(
    text: str, choices: Sequence[str], question_type: QuestionType
) -> Iterator[tuple[str, str]]:
    """Yield the options that sentences in lower case name, and the words for it.

    A sentence that turns what it says around names every option, so that nothing is decided by it.
    """
    patterns = dict(zip(ascii_uppercase, map(_compile_option, choices), strict=False))
    for sentence in _SENTENCE_END.split(text):
        named = {
            letter: match[0]
            for letter, pattern in patterns.items()
            if (match := pattern.search(sentence)) is not None
        }
        if named and _is_turned(sentence, question_type):
            yield from ((letter, sentence) for letter in patterns)
        yield from named.items()


def _is_turned(sentence: str, question_type: QuestionType) -> bool:
    """Whether a sentence negates, or says of its option what was not asked for."""
    if _UNDECIDED.search(sentence) is not None:
        return True
    sentence = _REASON.split(sentence, maxsplit=1)[0]
    opposite = _WORDS[_OPPOSITE[question_type]].search(sentence) is not None
    asked = _WORDS[question_type].search(sentence) is not None
    return opposite and not asked and _PREDICATE.search(sentence) is not None


def _compile_option(choice: str) -> re.Pattern[str]:
    """Return the pattern of an option's text in lower case."""
    plain = choice.strip().rstrip(".!").lower()
    ordinal = _ORDINAL_OPTION.fullmatch(plain)
    if ordinal is None:
        return re.compile(rf"(?<!\w){re.escape(plain)}(?!\w)")
    number = _ORDINALS[ordinal[1]]
    return re.compile(
        rf"\b(?:the )?{ordinal[1]} {_NOUNS}\b|\b(?:image|picture|photo) #?{number}\b"
        rf"|\A\W*(?:the )?{ordinal[1]}\W*\Z"
    )


def _unparsed(reason: str) -> ParsedChoice:
    return ParsedChoice(choice=NoLabel.UNPARSED, reason=reason)
