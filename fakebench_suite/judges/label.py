"""Reading a reply: from free text and the question's form to fake, real, refused or unparsed.

Nothing is guessed. A reply counts as an assertion only when its words assert one label about the
image; two labels asserted at once are unparsed, unless a conclusion settles them.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from fakebench_suite.judges.assertions import Assertion, find_assertions
from fakebench_suite.judges.chinese import gloss_chinese
from fakebench_suite.judges.reading import Reading, Silence
from fakebench_suite.judges.wording import CORRECTED, HINTS_FAKE, HINTS_REAL, IDLE, IMAGE, TURN
from fakebench_suite.types import Authenticity, Form

_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_MARKED = re.compile(
    r"<answer>([^<]*)|\\boxed\{(?:\\text\{)?([^{}]*)\}|"
    r'"(?:final[_ ])?(?:answer|label|verdict|judge?ment|conclusion|authenticity|class\w*|result|'
    r'prediction)"\s*:\s*"([^"]*)"',
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"<\|[^|<>]*\|>|</?[a-z]\w*>|"
    r"(?:^\s*(?:[-•+]|\(?\w[.)]|a:)|(?<=[:=] )\(?[a-d][.)])\s+|[*_`#~>\"{}$\\]",
    re.M,
)
_STRUCK = re.compile(r"~~.*?~~", re.DOTALL)
_QUOTE = re.compile(r"(?<!\w)'|'(?!\w)")
_ASIDE = re.compile(
    r" ?, (?:in fact|in my (?:opinion|view)|indeed|therefore|thus|hence|most likely|likely|"
    r"probably|however|overall|i (?:think|believe)|without (?:a )?doubt),"
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\s*\n\s*|(?<=[.!?])(?=[a-z])")
_IMAGE = re.compile(rf"\b{IMAGE}\b")
_PRONOUN = re.compile(r"\b(?:it|this)\b")
_YES_NO = re.compile(
    r"(?:(?:well|(?:my |the )?(?:final )?answer ?(?:is|:)|i (?:would say|think|believe))[:,]? )*"
    r"(?P<word>yes|no|yep|yeah|nope)\b(?: (?P=word)\b)*"
    r"(?= ?$| ?[^\w\s/&-]| - | (?:it|this|that|the (?:image|picture|photo\w*)|because|i)\b)"
)
_REFUSAL = re.compile(
    r"\bi(?:'m| am) (?:sorry|unable|not able)\b|\bunable to (?:determine|tell|say|assist|help)\b|"
    r"\b(?:cannot|can not|can't|won't|could not|couldn't) (?:\w+ly )?(?:determine|tell|say|assist|"
    r"help|provide|answer|identify|verify|confirm|judge|comply|analy[sz]e|view|access|assess|"
    r"evaluate|comment|discuss|fulfil|see (?:the|this|any) (?:image|picture|photo))"
)
_UNSURE = re.compile(
    r"\b(?:not (?:\w+ )?(?:sure|certain)|unsure|(?:hard|difficult|impossible) to|don't know|"
    r"do not know|unclear|or (?:no|yes)|and (?:no|yes))\b"
)


def read_label(text: str, form: Form) -> Reading:
    """What a reply to a question of this form asserts about the image's authenticity."""
    spoken = _THOUGHT.sub("", _THINKING.sub("", text))
    marked = {
        reading.said: reading
        for groups in _MARKED.findall(spoken)
        if isinstance((reading := _read(clean_text("".join(groups)), form)).said, Authenticity)
    }
    if len(marked) == 1:
        return next(iter(marked.values()))
    if marked:
        return Reading(said=Silence.UNPARSED, why="two marked answers contradict each other")
    return _read(clean_text(spoken), form)


def clean_text(text: str) -> str:
    """The text in lower case, one line a paragraph, without markup and typographic variants."""
    plain = gloss_chinese(unicodedata.normalize("NFKC", text).translate(_LETTERS).lower())
    plain = _QUOTE.sub("", _MARKUP.sub("", _STRUCK.sub(" ", plain)))
    lines = (" ".join(line.split()) for line in plain.splitlines())
    return _ASIDE.sub("", "\n".join(line for line in lines if line))


_LETTERS = {
    ord(letter): plain
    for letters, plain in (("‘’ʼ´", "'"), ("“”", '"'), ("‐‑", "-"), ("–—―", ", "))
    for letter in letters
}


def _read(plain: str, form: Form) -> Reading:
    if not plain:
        return Reading(said=Silence.UNPARSED, why="the reply is empty")
    sentences = [sentence for sentence in _SENTENCE.split(plain) if sentence]
    found = find_assertions(sentences)
    if CORRECTED.search(plain) and not any(one.final for one in found):
        return Reading(said=Silence.UNPARSED, why="the reply takes back what it said")
    if (
        found
        and all(one.weak for one in found)
        and TURN.search(plain.rpartition(found[-1].words)[2])
    ):
        return Reading(said=Silence.UNPARSED, why="the reply turns against how the image looks")
    stated = _settle(found)
    answered: dict[Authenticity, str] = {}
    idle = stated is None and IDLE.search(plain) is not None
    if form in (Form.ISFAKE, Form.ISREAL) and not idle:
        answered = dict(_find_yes_no(sentences, form))
    if answered:
        said: set[Authenticity | Silence] = {*answered, *([stated.said] if stated else [])}
        if stated is None:
            said |= _find_hints(plain)
        if len(said) == 1:
            return Reading(said=said.pop(), why=repr(next(iter(answered.values()))))
        words = [*map(repr, answered.values()), *([stated.why] if stated else [])]
        why = f"{' and '.join(words)} contradict each other"
        return Reading(said=Silence.UNPARSED, why=why)
    if stated is not None:
        return stated
    refusal = _REFUSAL.search(plain)
    if refusal is not None:
        return Reading(said=Silence.REFUSED, why=repr(refusal[0]))
    return Reading(said=Silence.UNPARSED, why="the reply asserts neither fake nor real")


def _find_hints(plain: str) -> set[Authenticity]:
    """What speaks for either label without asserting it."""
    hints = ((Authenticity.FAKE, HINTS_FAKE), (Authenticity.REAL, HINTS_REAL))
    return {label for label, pattern in hints if pattern.search(plain)}


def _settle(found: Sequence[Assertion]) -> Reading | None:
    """One reading of all assertions: agreed, or concluded, or "is" after "looks"."""
    if not found:
        return None
    for weighty in (
        found,
        [one for one in found if one.final],
        [] if found[-1].weak else [one for one in found if not one.weak],
    ):
        if len({one.said for one in weighty}) == 1:
            return Reading(said=weighty[-1].said, why=repr(weighty[-1].words))
    return Reading(said=Silence.UNPARSED, why="the reply asserts both fake and real")


def _find_yes_no(sentences: Sequence[str], form: Form) -> Iterator[tuple[Authenticity, str]]:
    """Answers of the first sentence, after the question repeated, and of the last."""
    for index in sorted({0, 1, len(sentences) - 1}):
        match = _YES_NO.match(sentences[index]) if index < len(sentences) else None
        idle = (_UNSURE, _REFUSAL)
        if match is None or any(pattern.search(sentences[index]) for pattern in idle):
            continue
        before = sentences[index - 1] if index else ""
        asked = "fake" if form is Form.ISFAKE else "real"
        same = asked in before and (_IMAGE.search(before) or _PRONOUN.search(before))
        repeated = before.endswith("?") and (bool(same) or "yes or no" in before)
        if index and not repeated and (before.endswith("?") or index < len(sentences) - 1):
            continue
        yes = match["word"].startswith("y")
        said = Authenticity.FAKE if yes == (form is Form.ISFAKE) else Authenticity.REAL
        yield said, match["word"]
