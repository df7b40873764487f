"""Whether a reply is in English, the one language that claims are read in.

A reply in another language is left unread: to count it as a reply without claims would be a score.
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+")


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ENGLISH = _split("""
    the is are was were of and this that these those it its with not no there has have from which
    be been by to as at image picture looks appears seems shows but does do any they or for
    texture edge edges shadow shadows light lighting reflection perspective shape clarity good bad
    natural unnatural real fake consistent inconsistent blurred blurry distorted none
""")
"""Common words of English, and those that terse replies about images consist of."""
_OTHERS = _split("""
    le les la des est sont une dans avec pas cette du et qui aux sur
    der das ist und sind nicht ein eine mit auf dem keine wirkt
    el los las una por está son del que es muy
    il gli della nella di che è sono
    os uma não são em muito
    het een niet zijn deze
    och det inte är att jest nie bir
    gambar ini yang tidak
""")
"""Function words of French, German, Spanish, Italian, Portuguese, Dutch, Swedish, Polish, Turkish
and Indonesian, none of which is a word of English."""
_MAX_WORDS = 400
_MAX_OTHER_LETTERS = 0.3
"""Share of letters of other scripts from which a reply is not English."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_PLAIN_WORD = re.compile("[a-z]+")


def is_english(text: str) -> bool:
    """Whether a text is in English: by its script, and by function words of other languages.

    Telegraphic English has no function words, so that it lacks them says nothing. An empty text,
    or one of words of no language, counts as English.
    """
    has_other_letters = any(map(str.isalnum, _NOT_ASCII.findall(text)))
    if not has_other_letters and _OTHERS.isdisjoint(_PLAIN_WORD.findall(text.lower())):
        return True
    words = [word.lower() for word in _WORD.findall(text)[:_MAX_WORDS]]
    letters = "".join(words)
    if _count_other_letters(letters) > _MAX_OTHER_LETTERS * len(letters):
        return False
    return sum((word in _ENGLISH) - (word in _OTHERS) for word in words) >= 0


def _count_other_letters(letters: str) -> int:
    return sum(
        not unicodedata.name(letter, "").startswith("LATIN")
        for letter in letters
        if letter > "\x7f"
    )
