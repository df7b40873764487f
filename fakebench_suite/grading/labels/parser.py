"""Reading a reply: from free text and the question's type to fake, real, refused or unparsed.

Nothing is guessed. A reply counts as an assertion only when its words assert one label about the
image; two labels asserted at once are unparsed, unless a conclusion settles them.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from fakebench_suite.grading.labels.language.answers import (
    YesNo,
    find_answers,
    find_cues,
    find_manipulation_claim,
    label_of_yes,
    opens_with_unrelated_yes_no,
)
from fakebench_suite.grading.labels.language.assertions import LabelClaim, find_claims
from fakebench_suite.grading.labels.language.corrections import find_correction
from fakebench_suite.grading.labels.language.indecision import (
    Doubt,
    find_indecision,
    is_left_open,
    is_upheld,
)
from fakebench_suite.grading.labels.language.lexicon import Sentence
from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.language.refusals import find_refusal
from fakebench_suite.grading.labels.language.sentences import split_sentences
from fakebench_suite.grading.labels.language.structured import find_marked_answers, is_structured
from fakebench_suite.grading.labels.language.thinking import remove_thoughts
from fakebench_suite.grading.labels.result import NoLabel, ParsedLabel
from fakebench_suite.text.thoughts import strip_marks
from fakebench_suite.types import Authenticity, QuestionType

_SPACES = re.compile(r" {2,}")
_MAX_LENGTH = 12_000
"""Letters at either end of a reply that are read: more is a model that does not stop."""


@lru_cache(maxsize=1024)  # models that are sure say the same few words over and over
def parse_label(text: str, question_type: QuestionType) -> ParsedLabel:
    """What a reply to a question of this type asserts about the image's authenticity.

    ``text`` is the whole reply: its thoughts are left out here, and its marks are read.
    """
    spoken = remove_thoughts(text)
    if len(spoken) > 2 * _MAX_LENGTH:
        spoken = f"{spoken[:_MAX_LENGTH]}\n{spoken[-_MAX_LENGTH:]}"
    if "  " in spoken:
        spoken = _SPACES.sub(" ", spoken)
    marked = [
        (
            words,
            _parse_text(_expand_letter_answers(clean_text(words), question_type), question_type),
        )
        for words in find_marked_answers(spoken)
    ]
    firm = {one.label: one for _, one in marked if isinstance(one.label, Authenticity)}
    if len(firm) == 1:
        return next(iter(firm.values()))
    if firm:
        return ParsedLabel(
            label=NoLabel.UNPARSED, reason="two marked answers contradict each other"
        )
    spoken = strip_marks(spoken)
    if is_structured(spoken):
        return _build_no_label(clean_text(spoken.replace('"', " ")), "no field holds a verdict")
    return _parse_text(_expand_letter_answers(clean_text(spoken), question_type), question_type)


_TRUTH_VALUE = re.compile(
    r"\A(?:(?P<yes>true|y|t)(?:[.!, ]+(?P=yes)\b)*|(?P<no>false|n)(?:[.!, ]+(?P=no)\b)*)"
    r"(?=[.!,;:\n]|\Z)"
)
_LABEL_LETTER = re.compile(r"\A(?:(?P<fake>f)|r)[.!]*\Z")


def _expand_letter_answers(plain: str, question_type: QuestionType) -> str:
    """The text with a letter or truth value that opens it spelt as the answer it is.

    "F" may mean false or fake, so it is an answer only where nobody asked for yes or no.
    """
    if label_of_yes(question_type) is None:
        kind = _LABEL_LETTER.match(plain)
        return plain if kind is None else "fake" if kind["fake"] else "real"
    truth = _TRUTH_VALUE.match(plain)
    return plain if truth is None else ("yes" if truth["yes"] else "no") + plain[truth.end() :]


def _parse_text(plain: str, question_type: QuestionType, *, behind: bool = False) -> ParsedLabel:
    """The reading of a clean text, or of what stands behind the correction of one."""
    if not plain:
        return ParsedLabel(label=NoLabel.UNPARSED, reason="the reply is empty")
    sentences = split_sentences(plain)
    corrected = None if behind else find_correction(plain, sentences)
    if corrected is not None:
        after = _parse_text(corrected, question_type, behind=True)
        if isinstance(after.label, Authenticity):
            return after
        return ParsedLabel(label=NoLabel.UNPARSED, reason="the reply takes back what it said")
    return _parse_sentences(plain, sentences, question_type)


def _parse_sentences(
    plain: str, sentences: Sequence[Sentence], question_type: QuestionType
) -> ParsedLabel:
    """The reading of what a reply asserts, answers and leaves open."""
    found = find_claims(sentences)
    answers = list(find_answers(sentences, question_type))
    indecision = find_indecision(sentences, _find_conclusion(found, answers))
    kept = [one for one in found if is_upheld(one, indecision, sentences)]
    if indecision.doubt is Doubt.OPEN:
        answers = [one for one in answers if one.place > indecision.place or one.firm]
    if found and not (kept or answers):
        return _build_no_label(plain, f"{found[-1].words!r} is left open by {indecision.words!r}")
    stated, weak, closing = _combine_claims(kept)
    if answers and weak and not closing and _is_final_answer(answers[-1], sentences):
        stated = None  # Evidence that was weighed on the way to the answer.
    if answers:
        return _combine_answers(answers, stated, sentences)
    if stated is None:
        return _build_no_label(plain, "the reply asserts neither fake nor real")
    doubted = weak and indecision.doubt < Doubt.LOOSE
    against = _find_contradiction(stated, sentences, closing=closing) if doubted else None
    against = against or _find_competing_statement(
        stated, plain, sentences, question_type, closing=closing
    )
    if against is not None:
        return ParsedLabel(label=NoLabel.UNPARSED, reason=f"{stated.reason} {against}")
    return stated


def _find_conclusion(found: Sequence[LabelClaim], answers: Sequence[YesNo]) -> int:
    """The number of the sentence where a reply that never wavers concludes; -1 where it does not.

    No doubt before it matters.
    """
    if len({one.said for one in found} | {one.said for one in answers}) != 1:
        return -1
    firm = [one.place for one in found if one.rank and not (one.weak or one.evidence)]
    firm += [one.place for one in answers if one.firm]
    return max(firm, default=-1)


def _find_competing_statement(
    stated: ParsedLabel,
    plain: str,
    sentences: Sequence[Sentence],
    question_type: QuestionType,
    *,
    closing: bool,
) -> str | None:
    """What else a reply says than what it states: of the whole, or in its opening."""
    if stated.label is Authenticity.REAL and not closing:
        composed = find_manipulation_claim(sentences)
        if composed is not None:
            return f"is a part of what {composed!r} says of the whole"
    asked = label_of_yes(question_type)
    if (
        asked
        and opens_with_unrelated_yes_no(plain)
        and (stated.label is asked) != plain.startswith("yes")
    ):
        return "is not how the reply opens"
    return None


def _find_contradiction(
    stated: ParsedLabel, sentences: Sequence[Sentence], *, closing: bool
) -> str | None:
    """What takes the force out of mere appearance; None where nothing does."""
    if is_left_open(sentences):
        return "is left open by what else it says"
    if not closing and _find_contradicting_labels({stated.label}, sentences):
        return "is all it asserts, and what follows speaks against it"
    return None


_MIN_LONG_REPLY, _CLOSING_SENTENCES = 8, 3
"""Sentences of a long reply, and those that end it."""


def _is_final_answer(answer: YesNo, sentences: Sequence[Sentence]) -> bool:
    """Whether a long reply comes to an answer at its end."""
    ends = answer.place >= len(sentences) - _CLOSING_SENTENCES
    return ends and answer.led and len(sentences) >= _MIN_LONG_REPLY


def _build_no_label(plain: str, why: str) -> ParsedLabel:
    refusal = find_refusal(plain)
    if refusal is not None:
        return ParsedLabel(label=NoLabel.REFUSED, reason=repr(refusal))
    return ParsedLabel(label=NoLabel.UNPARSED, reason=why)


def _combine_answers(
    answers: Sequence[YesNo], stated: ParsedLabel | None, sentences: Sequence[Sentence]
) -> ParsedLabel:
    """Yes and no with what else is said; signs count only where nothing firmer is."""
    firm = [one for one in answers if one.firm]
    answers = firm or answers
    said: set[Authenticity | NoLabel] = {one.said for one in answers}
    if stated is not None:
        said.add(stated.label)
    elif all(one.aside for one in answers):
        why = f"{answers[0].words!r} goes on to speak of a thing in the picture"
        return ParsedLabel(label=NoLabel.UNPARSED, reason=why)
    elif not firm:
        first = answers[0].place
        said |= _find_contradicting_labels(said, sentences[first : first + 2])
    if len(said) == 1:
        return ParsedLabel(label=said.pop(), reason=repr(answers[0].words))
    words = [*(repr(one.words) for one in answers), *([stated.reason] if stated else [])]
    found = " and ".join(words) if len(words) > 1 else f"{words[0]} and what follows it"
    return ParsedLabel(label=NoLabel.UNPARSED, reason=f"{found} contradict each other")


def _find_contradicting_labels(
    said: set[Authenticity | NoLabel], sentences: Sequence[Sentence]
) -> set[Authenticity]:
    """What the sentences mention against a verdict; mere signs count where none are for it."""
    labels, signs = find_cues(sentences)
    return {one for one in labels | (set() if signs & said else signs) if one not in said}


def _combine_claims(found: Sequence[LabelClaim]) -> tuple[ParsedLabel | None, bool, bool]:
    """One reading of all assertions, whether it rests on "looks" alone, and whether it closes.

    They agree, or a conclusion settles them, or "is" outweighs "looks".
    """
    firm = [one for one in found if not one.granted] or [one for one in found if not one.weak]
    if not firm:
        return None, False, False
    for weighty in (
        firm,
        [one for one in firm if one.rank > 1],
        [one for one in firm if one.rank > 0],
        [] if firm[-1].weak else [one for one in firm if not one.weak],
    ):
        if len({one.said for one in weighty}) != 1:
            continue
        # "The image is real. Final judgement: fake" contradicts itself and concludes nothing;
        # so does a conclusion behind the one that was called final.
        behind = firm[firm.index(weighty[-1]) :]
        plain = {one.said for one in firm if not (one.weak or one.rank)}
        plain |= {one.said for one in behind if one.rank}
        if plain <= {weighty[0].said}:
            reading = ParsedLabel(label=weighty[-1].said, reason=repr(weighty[-1].words))
            return reading, all(one.weak for one in weighty), weighty[-1].closing
    return (
        ParsedLabel(label=NoLabel.UNPARSED, reason="the reply asserts both fake and real"),
        False,
        False,
    )
