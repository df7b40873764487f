"""Reading two things every data file words its own way: the question's type, the references."""

import re

from fakebench_suite.errors import DataError
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Clue, QuestionType

_WHAT = re.compile(r"\bfake or real\b|\breal or fake\b", re.IGNORECASE)
_YES_NO = re.compile(r"\b(fake|real)\b", re.IGNORECASE)
_CHOICE = re.compile(r"\byes\W+or\W+no\b|\bno\W+or\W+yes\b", re.IGNORECASE)
_ALTERED = re.compile(r"\bor\b|\bnot\b|n['\u2019]t\b", re.IGNORECASE)
"""An alternative or a negation, under which "yes" no longer means the word asked about."""


def parse_question_type(question: str) -> QuestionType | None:
    """The type of an authenticity question; None when it is none of FakeClass's three."""
    if _WHAT.search(question):
        return QuestionType.WHAT
    asked = {word.lower() for word in _YES_NO.findall(question)}
    if len(asked) != 1 or _ALTERED.search(_CHOICE.sub("", question)):
        return None
    return QuestionType.ISFAKE if asked == {"fake"} else QuestionType.ISREAL


def parse_clues(texts: object, categories: object, *, where: str) -> tuple[Clue, ...] | None:
    """A reference as clues: one text or a list, with one category each, one for all, or none.

    None when the reference is withheld (missing, empty or blank). Raises DataError when the
    shapes do not fit.
    """
    clues = [text.strip() for text in _as_list(texts, where)]
    if not any(clues):
        return None
    names = _as_list(categories, where)
    if isinstance(categories, str) and len(clues) > 1 and "," in categories:
        names = categories.split(",")
    if len(names) not in (0, 1, len(clues)):
        raise DataError(
            f"{where}: {count_of(len(clues), 'clue')} but {len(names)} categories. "
            "Give one category per clue, one for all, or none."
        )
    spread = names if len(names) == len(clues) else (names or [""]) * len(clues)
    return tuple(
        Clue(text=text, criterion=name.strip().lower() or None)
        for text, name in zip(clues, spread, strict=True)
        if text
    )


def _as_list(value: object, where: str) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise DataError(f"{where}: a reference must be a text or a list of texts, not {value!r}.")
