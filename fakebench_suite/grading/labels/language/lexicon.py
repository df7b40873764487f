"""Replies as sequences of parts: the role of each word in a verdict, one letter per token.

The parts and their words are listed in ``lexicon.toml``, with an example each. The grammar refers
to parts ("IMAGE BE NOT FAKE") and not to words. For speed, each word is looked up once, and phrases
are tried only at words that can begin them.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

from fakebench_suite.grading.labels.language.pattern_starts import find_openings

_FILE: dict[str, Any] = tomllib.loads(
    (files(__package__) / "lexicon.toml").read_text(encoding="utf-8")
)
_FIRST_CODE_POINT = 0x100
NAMES = (*(part["name"] for part in _FILE["part"]), "WORD", "NUMBER", "COLON", "STOP")
LETTER = {name: chr(_FIRST_CODE_POINT + place) for place, name in enumerate(NAMES)}
"""One letter per part, none of which is special in a regular expression."""
LABEL_TAGS = tuple(LETTER[name] for name in ("FAKE", "REAL", "MADE", "TAKEN"))
"""The parts that name a label."""
LABELS = re.compile("|".join(LABEL_TAGS))
_PART = {
    word: LETTER[part["name"]]
    for part in reversed(_FILE["part"])
    for word in part.get("words", "").split()
}


def _expand_terms(phrase: str) -> str:
    for name, pattern in _FILE["terms"].items():
        phrase = phrase.replace(f"{{{name}}}", pattern)
    return phrase


_PHRASES = [
    (LETTER[part["name"]], _expand_terms(phrase))
    for part in _FILE["part"]
    for phrase in part.get("phrases", ())
]
_OPENINGS = [find_openings(phrase) for _, phrase in _PHRASES]
_FIRSTS = [openings.find_first() for openings in _OPENINGS]
_SECONDS = [openings.find_second() for openings in _OPENINGS]
_TOKEN = re.compile(r"([^\W\d_][\w-]*\b)|(\d[\d.,]*%?)|([:=]|[-=]+>)|\S")
_WORDS = re.compile(_TOKEN.pattern.replace("(", "").replace(")", ""))
_WORD, _NUMBER, _COLON = 1, 2, 3
_MAX_TOKENS = 300
"""Tokens of a sentence that are read; longer ones come from models that repeat themselves."""
_MAX_WORD_LENGTH = 40


_PART_WITHOUT_ENTRY = {
    _WORD: LETTER["WORD"], _NUMBER: LETTER["NUMBER"], _COLON: LETTER["COLON"],
    None: LETTER["STOP"],
}  # fmt: skip
_Followers = frozenset[str] | None
"""Words one of which must follow; None if any word may, or none."""
_Entry = tuple[str, re.Pattern[str] | None, tuple[str, ...], _Followers]


class _Entries(dict[str, _Entry]):
    """Words seen so far: part, phrases that they can begin, their parts, and required followers."""

    def __missing__(self, word: str) -> _Entry:
        if len(self) > _MAX_REMEMBERED:
            self.clear()
        token = _TOKEN.match(word)
        assert token is not None
        part = _PART.get(word) or _PART_WITHOUT_ENTRY[token.lastindex]
        self[word] = entry = (part, *_find_phrases(word))
        return entry


_MAX_REMEMBERED = 1 << 16
_ENTRIES = _Entries()


def _find_phrases(word: str) -> tuple[re.Pattern[str] | None, tuple[str, ...], _Followers]:
    """Return the phrases that can begin with a word, as one pattern with a group each.

    The second result are the parts of the groups, and the third the words one of which must follow.
    """
    phrases: list[tuple[str, str]] = []
    followers: set[str] = set()
    anything = False
    for phrase, (words, stems), seconds in zip(_PHRASES, _FIRSTS, _SECONDS, strict=True):
        numbered = word[0].isdigit() and any(first[:1] == word[0] for first in words)
        stemmed = any(word.startswith(stem) for stem in stems)
        if not (word in words or stemmed or numbered):
            continue
        phrases.append(phrase)
        second = None if stemmed or numbered else seconds.get(word)
        anything = anything or second is None
        followers |= second or set()
    if not phrases or len(word) > _MAX_WORD_LENGTH:
        return None, (), None
    pattern = "|".join(rf"({_check_groups(words)})(?![\w-])" for _, words in phrases)
    parts = tuple(part for part, _ in phrases)
    return _compile(pattern), parts, None if anything else frozenset(followers)


@lru_cache(maxsize=1 << 12)
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _check_groups(words: str) -> str:
    assert re.search(r"(?<!\\)\((?!\?)", words) is None, f"{words!r} has a group that captures"
    return words


def is_known(word: str) -> bool:
    """Return whether a word has a part or can begin a phrase that has one."""
    part, phrases, _, _ = _ENTRIES[word]
    return part not in (LETTER["WORD"], LETTER["HAS"], LETTER["SCENE"]) or phrases is not None


_ASKING = frozenset("? )\"'")


class Sentence:
    """A sentence with its words and, letter by letter, their parts, which are computed lazily."""

    def __init__(self, plain: str, hints: int, start: int, *, opens: bool) -> None:
        self.plain = plain
        self.hints = hints
        """What the sentence may contain (see :class:`.sentences.SentenceFlags`)."""
        self.start = start
        """Position in the text."""
        self.opens = opens
        """Whether it is the first of its line."""

    @cached_property
    def _tagged(self) -> tuple[tuple[str, ...], str]:
        return _tag(self.plain)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Words, phrases and punctuation marks, in order."""
        return self._tagged[0]

    @cached_property
    def tags(self) -> str:
        """The part of each word, one letter each."""
        return self._tagged[1]

    @cached_property
    def asks(self) -> bool:
        """Whether it is a question, which asserts nothing."""
        return self.plain[-1:] in _ASKING and self.plain.rstrip(" )\"'").endswith("?")

    @property
    def text(self) -> str:
        """The words with single spaces."""
        return " ".join(self.words)

    def quote(self, start: int, end: int) -> str:
        """Return the words from ``start`` to ``end`` without punctuation around them."""
        return " ".join(self.words[start:end]).strip(" ,;:-.")


def _tag(text: str) -> tuple[tuple[str, ...], str]:
    """Return the words and phrases of a sentence, and their parts."""
    tokens = list(_WORDS.finditer(text))
    words = [token[0] for token in tokens]
    entries = [_ENTRIES[word] for word in words]
    tags = [entry[0] for entry in entries]
    candidates: list[int] = []
    for next_position, (_, phrases, _, followers) in enumerate(
        entries, start=1
    ):  # The position of the next word.
        if phrases is not None and (
            followers is None
            or (
                next_position < len(words)
                and (words[next_position] in followers or words[next_position][0].isdigit())
            )
        ):
            candidates.append(next_position - 1)
    if candidates:
        _join_phrases(tokens, words, tags, entries, candidates)
    return tuple(words[:_MAX_TOKENS]), "".join(tags[:_MAX_TOKENS])


def _join_phrases(
    tokens: Sequence[re.Match[str]],
    words: list[str],
    tags: list[str],
    entries: Sequence[_Entry],
    candidates: Sequence[int],
) -> None:
    """Replace the words of each phrase by the phrase; of two that overlap, the first is used."""
    text = tokens[0].string
    joined: list[tuple[int, int, str, str]] = []
    end = 0
    for index in candidates:
        start = tokens[index].start()
        _, phrases, parts, _ = entries[index]
        if start < end or phrases is None or (phrase := phrases.match(text, start)) is None:
            continue
        end = phrase.end()
        next_index = index + 1
        while next_index < len(tokens) and tokens[next_index].start() < end:
            next_index += 1
        joined.append((index, next_index, phrase[0], parts[(phrase.lastindex or 1) - 1]))
    for index, next_index, phrase_words, part in reversed(joined):
        words[index:next_index] = [phrase_words]
        tags[index:next_index] = [part]


def begins_part(text: str, position: int, letters: frozenset[str]) -> bool:
    """Return whether a phrase of one of the parts ``letters`` begins at ``position`` of a text."""
    token = _WORDS.match(text, position)
    assert token is not None
    _, phrases, parts, _ = _ENTRIES[token[0]]
    phrase = None if phrases is None else phrases.match(text, position)
    if phrase is None:
        return False
    return parts[(phrase.lastindex or 1) - 1] in letters


def find_words(names: Iterable[str]) -> frozenset[str]:
    """Return every word that has one of these parts by itself."""
    letters = {LETTER[name] for name in names}
    return frozenset(word for word, letter in _PART.items() if letter in letters)


def find_first_words(names: Iterable[str]) -> frozenset[str]:
    """Return every word that a word or phrase of these parts can begin with, without stems."""
    letters = {LETTER[name] for name in names}
    words = set(find_words(names))
    for (letter, _), (firsts, _) in zip(_PHRASES, _FIRSTS, strict=True):
        if letter in letters:
            words |= firsts
    return frozenset(words)


def find_stems(names: Iterable[str]) -> frozenset[str]:
    """Return the prefixes of words that may begin a phrase of these parts."""
    letters = {LETTER[name] for name in names}
    pairs = zip(_PHRASES, _FIRSTS, strict=True)
    return frozenset(stem for (part, _), (_, stems) in pairs if part in letters for stem in stems)


_CLASS = {
    name: f"[{''.join(LETTER[part] for part in parts.split())}]"
    for name, parts in {
        "WORD": "WORD SCENE HAS LIKELIHOOD CONFIDENCE HIGH LOW",
        "NUMBER": "NUMBER HIGH LOW",
    }.items()
}
"""Parts that include others."""
_NAME = re.compile(r"\b[A-Z][A-Z_]+\b|\bI\b")


def compile_parts(pattern: str) -> re.Pattern[str]:
    """Compile a regular expression over parts; names in capitals are one token of that part."""
    return re.compile(_NAME.sub(lambda name: _CLASS.get(name[0]) or LETTER[name[0]], pattern), re.X)
