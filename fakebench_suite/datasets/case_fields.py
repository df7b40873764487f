"""Parse what every data file words differently: the question type and the references."""

import re

from fakebench_suite.errors import DataError
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Clue, QuestionType

_WHAT = re.compile(r"\bfake or real\b|\breal or fake\b", re.IGNORECASE)
_YES_NO = re.compile(r"\b(fake|real)\b", re.IGNORECASE)
_CHOICE = re.compile(r"\byes\W+or\W+no\b|\bno\W+or\W+yes\b", re.IGNORECASE)
_ALTERED = re.compile(r"\bor\b|\bnot\b|n['\u2019]t\b|-free\b", re.IGNORECASE)
"""An alternative or a negation, which changes what "yes" asserts."""
_DENIED = re.compile(
    r"\b(?:(?:answer|say|reply) \W?no|non|none|nothing|neither|nor|never|without|lack\w*|devoid"
    r"|absen\w+|unlikely|impossible|false(?:ly)?|untrue|wrong(?:ly)?|incorrect(?:ly)?|doubt\w*"
    r"|deny|denies|refute\w*|opposite|(?:free|instead) of|anything but|far from|hard to"
    r"|difficult to|(?:rather|less) than|too \w+ to be|rule[sd]? out)\b"
    r"[^.,:;?!\n]*?\b(?:fake|real)\b",
    re.IGNORECASE,
)
"""A negation in other words before a label: "free of fake parts", "too good to be real"."""


def parse_question_type(question: str) -> QuestionType | None:
    """Return the question type of an authenticity question; None if it is none of FakeClass's."""
    if _WHAT.search(question):
        return QuestionType.WHAT
    labels = {word.lower() for word in _YES_NO.findall(question)}
    plain = _CHOICE.sub("", question)
    if len(labels) != 1 or _ALTERED.search(plain) or _DENIED.search(plain):
        return None
    return QuestionType.ISFAKE if labels == {"fake"} else QuestionType.ISREAL


def parse_clues(texts: object, categories: object, *, location: str) -> tuple[Clue, ...] | None:
    """Return a reference as clues.

    ``texts`` is one text or a list, and ``categories`` one per text, one for all, or none. Returns
    None if the reference is withheld (missing, empty or blank). Raises DataError if the numbers do
    not match or a value is not a text.
    """
    clues = [text.strip() for text in _as_list(texts, location)]
    if not any(clues):
        return None
    criteria = _as_list(categories, location)
    if isinstance(categories, str) and len(clues) > 1 and "," in categories:
        criteria = categories.split(",")
    if len(criteria) not in (0, 1, len(clues)):
        raise DataError(
            f"{location}: {count_of(len(clues), 'clue')} but {len(criteria)} categories. "
            "Give one category per clue, one for all, or none."
        )
    aligned = criteria if len(criteria) == len(clues) else (criteria or [""]) * len(clues)
    return tuple(
        Clue(text=text, criterion=name.strip().lower() or None)
        for text, name in zip(clues, aligned, strict=True)
        if text
    )


def _as_list(value: object, location: str) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise DataError(f"{location}: a reference must be a text or a list of texts, not {value!r}.")
