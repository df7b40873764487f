"""Whether a reply is in English, the one language that claims are read in.

A reply in another language is left unread: to count it as a reply without claims would be a score.
"""

import re
import unicodedata
from itertools import islice

_WORD = re.compile(r"[^\W\d_]+")


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ENGLISH = _split("""
    the is are was were of and this that these those it its with not no there has have from which
    be been by to as at image picture looks appears seems shows but does do any they or for
""")
_OTHERS = _split("""
    le les la des est sont une dans avec pas cette du et qui
    der das ist und sind nicht ein eine mit auf den dem
    el los las una con por está son del que es
    il gli della sono nella di che non
    os uma não com são em
    het een van niet zijn deze
    och det inte är att jest nie bir ve
    gambar ini yang tidak dan
""")
"""Common words of French, German, Spanish, Italian, Portuguese, Dutch, Swedish, Polish, Turkish
and Indonesian, none of which is a word of English."""
_MAX_WORDS = 400
_MAX_OTHER_LETTERS = 0.3
"""Share of letters of other scripts from which a reply is not English."""
_LONG = 8
"""Words from which a text without common English words is in another language."""
_MIN_ENGLISH = 0.04
"""Share of common words that English has at least; running text has 30 to 50 %."""


def is_english(text: str) -> bool:
    """Whether a text is in English; an empty one, or a few words of no language, count as it."""
    words = [match[0].lower() for match in islice(_WORD.finditer(text), _MAX_WORDS)]
    if not words:
        return True
    letters = "".join(words)
    if _count_other_letters(letters) > _MAX_OTHER_LETTERS * len(letters):
        return False
    english = sum(word in _ENGLISH for word in words)
    others = sum(word in _OTHERS for word in words)
    if others > english:
        return False
    return len(words) < _LONG or english >= _MIN_ENGLISH * len(words)


def _count_other_letters(letters: str) -> int:
    if letters.isascii():
        return 0
    return sum(
        not unicodedata.name(letter, "").startswith("LATIN")
        for letter in letters
        if letter > "\x7f"
    )
