"""Replies as rows of parts: each word by the part it can play in a verdict, one letter a token.

The parts and their words stand in ``lexicon.toml``. The grammar speaks of parts ("IMAGE BE NOT
FAKE") and never of spelling.
"""

import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

_FILE: dict[str, Any] = tomllib.loads(
    (files(__package__) / "lexicon.toml").read_text(encoding="utf-8")
)
_PHRASES = [(part["name"], phrase) for part in _FILE["part"] for phrase in part.get("phrases", ())]
_FIRST = 0x100
NAMES = (*(part["name"] for part in _FILE["part"]), "WORD", "NUMBER", "COLON", "STOP")
LETTER = {name: chr(_FIRST + place) for place, name in enumerate(NAMES)}
"""One letter a part, none of which means anything in a regular expression."""
_PART = {
    word: LETTER[part["name"]]
    for part in reversed(_FILE["part"])
    for word in part.get("words", "").split()
}


def _fill(phrase: str) -> str:
    for name, pattern in _FILE["terms"].items():
        phrase = phrase.replace(f"{{{name}}}", pattern)
    return phrase


_LEXER = re.compile(
    "|".join(
        rf"(?P<p{place}>\b(?:{_fill(words)})(?![\w-]))" for place, (_, words) in enumerate(_PHRASES)
    )
    + r"|(?P<word>[^\W\d_][\w-]*\b)|(?P<number>\d[\d.,]*%?)|(?P<colon>[:=]|[-=]+>)|(?P<mark>\S)"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as its words and, letter by letter, their parts."""

    words: tuple[str, ...]
    tags: str
    asks: bool
    """It is a question, and asserts nothing."""

    @property
    def text(self) -> str:
        """The words with single spaces."""
        return " ".join(self.words)

    def quote(self, start: int, end: int) -> str:
        """The words from one place to another, as a person would cite them."""
        return " ".join(self.words[start:end]).strip(" ,;:-.")


def tag_words(text: str) -> Sentence:
    """The sentence with the part of each word; a phrase is one word."""
    matches = list(_LEXER.finditer(text))
    return Sentence(
        words=tuple(match[0] for match in matches),
        tags="".join(_find_part(match.lastgroup or "", match[0]) for match in matches),
        asks=text.rstrip(" )\"'").endswith("?"),
    )


def _find_part(kind: str, word: str) -> str:
    match kind:
        case "word":
            return _PART.get(word, LETTER["WORD"])
        case "number":
            return _PART.get(word, LETTER["NUMBER"])
        case "colon":
            return LETTER["COLON"]
        case "mark":
            return _PART.get(word, LETTER["STOP"])
    return LETTER[_PHRASES[int(kind[1:])][0]]


_NAME = re.compile(r"\b[A-Z]{2,}\b|\bI\b")


def compile_parts(pattern: str) -> re.Pattern[str]:
    """A regular expression over parts: names in capitals stand for one token of that part."""
    return re.compile(_NAME.sub(lambda name: LETTER[name[0]], pattern), re.VERBOSE)
