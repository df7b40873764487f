"""Parse a reply: from free text and the question type to fake, real, refused or unparsed.

Nothing is guessed. A reply has a label only if its words assert exactly one label of the image; two
labels are unparsed, unless a conclusion decides between them.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from fakebench_suite.grading.labels.language.answers import (
    LABEL_OF_YES,
    YesNo,
    find_answers,
    find_manipulation_claim,
    find_unasserted,
    opens_with_unrelated_yes_no,
)
from fakebench_suite.grading.labels.language.assertions import LabelClaim, find_claims
from fakebench_suite.grading.labels.language.indecision import (
    DoubtLevel,
    find_indecision,
    is_left_open,
    is_upheld,
)
from fakebench_suite.grading.labels.language.lexicon import Sentence
from fakebench_suite.grading.labels.language.normalize import clean_text
from fakebench_suite.grading.labels.language.refusals import find_refusal
from fakebench_suite.grading.labels.language.sentences import find_correction, split_sentences
from fakebench_suite.grading.labels.language.structured import (
    find_marked_answers,
    is_structured,
    strip_brackets,
)
from fakebench_suite.grading.labels.result import NoLabel, ParsedLabel
from fakebench_suite.text.reasoning_tags import strip_marks
from fakebench_suite.text.thoughts import remove_thoughts
from fakebench_suite.types import Authenticity, QuestionType

_SPACES = re.compile(r" {2,}")
_MARKUP = "\\<{[&`"
"""In ASCII, every marked answer, structure or mark around an answer has one of these."""
_MAX_LENGTH = 12_000
"""Characters at both ends of a reply that are read; longer ones come from models that do not
stop."""


@lru_cache(maxsize=1024)  # confident models repeat the same short replies
def parse_label(text: str, question_type: QuestionType) -> ParsedLabel:
    """Return the label that a reply to a question of this type asserts about the image.

    ``text`` is the whole reply: its thoughts are ignored here, and marked answers go first.
    """
    visible = remove_thoughts(text)
    if len(visible) > 2 * _MAX_LENGTH:
        visible = f"{visible[:_MAX_LENGTH]}\n{visible[-_MAX_LENGTH:]}"
    if "  " in visible:
        visible = _SPACES.sub(" ", visible)
    if not _may_hold_markup(visible):
        plain = clean_text(visible.strip())
        return _parse_text(_expand_letter_answers(plain, question_type), question_type)
    marked_labels = [
        (
            words,
            _parse_text(_expand_letter_answers(clean_text(words), question_type), question_type),
        )
        for words in find_marked_answers(visible)
    ]
    labels = {
        parsed.label: parsed
        for _, parsed in marked_labels
        if isinstance(parsed.label, Authenticity)
    }
    if len(labels) == 1:
        return next(iter(labels.values()))
    if labels:
        return ParsedLabel(
            label=NoLabel.UNPARSED, reason="two marked answers contradict each other"
        )
    visible = strip_brackets(strip_marks(visible))
    if is_structured(visible):
        return _build_no_label(clean_text(visible.replace('"', " ")), "no field contains a verdict")
    return _parse_text(_expand_letter_answers(clean_text(visible), question_type), question_type)


def _may_hold_markup(text: str) -> bool:
    return not text.isascii() or any(map(text.__contains__, _MARKUP))


_TRUTH_VALUE = re.compile(
    r"\A(?:(?P<yes>true|y|t)(?:[.!, ]+(?P=yes)\b)*|(?P<no>false|n)(?:[.!, ]+(?P=no)\b)*)"
    r"(?=[.!,;:\n]|\Z)"
)
_LABEL_LETTER = re.compile(r"\A(?:(?P<fake>f)|r)[.!]*\Z")


def _expand_letter_answers(plain: str, question_type: QuestionType) -> str:
    """Return the text with a letter or truth value at its start replaced by the word it stands for.

    "F" may mean false or fake, so it is an answer only if the question is not a yes-or-no question.
    """
    if question_type not in LABEL_OF_YES:
        letter = _LABEL_LETTER.match(plain)
        return plain if letter is None else "fake" if letter["fake"] else "real"
    truth = _TRUTH_VALUE.match(plain)
    return plain if truth is None else ("yes" if truth["yes"] else "no") + plain[truth.end() :]


def _parse_text(plain: str, question_type: QuestionType, *, corrected: bool = False) -> ParsedLabel:
    """Parse a normalized text or, with ``corrected``, what follows a correction in one."""
    if not plain:
        return ParsedLabel(label=NoLabel.UNPARSED, reason="the reply is empty")
    sentences = split_sentences(plain)
    correction = None if corrected else find_correction(plain, sentences)
    if correction is not None:
        parsed = _parse_text(correction, question_type, corrected=True)
        if isinstance(parsed.label, Authenticity):
            return parsed
        return ParsedLabel(label=NoLabel.UNPARSED, reason="the reply retracts its answer")
    return _parse_sentences(plain, sentences, question_type)


def _parse_sentences(
    plain: str, sentences: Sequence[Sentence], question_type: QuestionType
) -> ParsedLabel:
    """Combine what the sentences assert, answer and leave open."""
    claims = find_claims(sentences)
    answers = list(find_answers(sentences, question_type))
    indecision = find_indecision(sentences, _find_conclusion(claims, answers))
    upheld = claims
    if indecision.doubt is not DoubtLevel.NONE:
        upheld = [claim for claim in claims if is_upheld(claim, indecision, sentences)]
    if indecision.doubt is DoubtLevel.OPEN:
        answers = [
            answer for answer in answers if answer.index > indecision.index or answer.announced
        ]
    if claims and not (upheld or answers):
        return _build_no_label(plain, f"{claims[-1].words!r} is left open by {indecision.words!r}")
    stated, weak, closing = _combine_claims(upheld)
    if answers and weak and not closing and _is_final_answer(answers[-1], sentences):
        stated = None  # Evidence that was discussed before the answer.
    if answers:
        return _combine_answers(answers, stated, sentences)
    if stated is None:
        return _build_no_label(plain, "the reply asserts neither fake nor real")
    is_doubtful = weak and indecision.doubt < DoubtLevel.LOOSE
    objection = _find_contradiction(stated, sentences, closing=closing) if is_doubtful else None
    objection = objection or _find_competing_statement(
        stated, plain, sentences, question_type, closing=closing
    )
    if objection is not None:
        return ParsedLabel(label=NoLabel.UNPARSED, reason=f"{stated.reason} {objection}")
    return stated


def _find_conclusion(claims: Sequence[LabelClaim], answers: Sequence[YesNo]) -> int:
    """Return the index of the sentence where a consistent reply concludes; -1 if there is none.

    Doubts before it are ignored.
    """
    if len({claim.label for claim in claims} | {answer.label for answer in answers}) != 1:
        return -1
    indices = [
        claim.index
        for claim in claims
        if claim.conclusion_rank and not (claim.weak or claim.evidence)
    ]
    indices += [answer.index for answer in answers if answer.announced]
    return max(indices, default=-1)


def _find_competing_statement(
    stated: ParsedLabel,
    plain: str,
    sentences: Sequence[Sentence],
    question_type: QuestionType,
    *,
    closing: bool,
) -> str | None:
    """Return what else a reply states: about the whole image, or at its start; None if nothing."""
    if stated.label is Authenticity.REAL and not closing:
        manipulation = find_manipulation_claim(sentences)
        if manipulation is not None:
            return f"is about a part, and {manipulation!r} is about the whole image"
    yes_label = LABEL_OF_YES.get(question_type)
    if (
        yes_label
        and opens_with_unrelated_yes_no(plain)
        and (stated.label is yes_label) != plain.startswith("yes")
    ):
        return "contradicts the first word of the reply"
    return None


def _find_contradiction(
    stated: ParsedLabel, sentences: Sequence[Sentence], *, closing: bool
) -> str | None:
    """Return what invalidates a mere appearance; None if nothing does."""
    if is_left_open(sentences):
        return "is left open elsewhere in the reply"
    if not closing and _find_contradicting_labels({stated.label}, sentences):
        return "is only an appearance, and other evidence contradicts it"
    return None


_MIN_LONG_REPLY, _CLOSING_SENTENCES = 8, 3
"""Sentences of a long reply, and number of sentences that end it."""


def _is_final_answer(answer: YesNo, sentences: Sequence[Sentence]) -> bool:
    """Return whether a long reply ends with this answer."""
    is_at_end = answer.index >= len(sentences) - _CLOSING_SENTENCES
    return is_at_end and answer.has_lead_in and len(sentences) >= _MIN_LONG_REPLY


def _build_no_label(plain: str, reason: str) -> ParsedLabel:
    """Return ``refused`` if the text declines, otherwise ``unparsed`` for the given reason."""
    refusal = find_refusal(plain)
    if refusal is not None:
        return ParsedLabel(label=NoLabel.REFUSED, reason=repr(refusal))
    return ParsedLabel(label=NoLabel.UNPARSED, reason=reason)


def _combine_answers(
    answers: Sequence[YesNo], stated: ParsedLabel | None, sentences: Sequence[Sentence]
) -> ParsedLabel:
    """Combine "yes" and "no" with claims; mere evidence counts only without anything stronger."""
    announced = [answer for answer in answers if answer.announced]
    answers = announced or answers
    labels: set[Authenticity | NoLabel] = {answer.label for answer in answers}
    if stated is not None:
        labels.add(stated.label)
    elif all(answer.about_object for answer in answers):
        reason = f"{answers[0].words!r} is followed by a statement about an object in the image"
        return ParsedLabel(label=NoLabel.UNPARSED, reason=reason)
    elif not announced:
        index = answers[0].index
        labels |= _find_contradicting_labels(labels, sentences[index : index + 2])
    if len(labels) == 1:
        return ParsedLabel(label=labels.pop(), reason=repr(answers[0].words))
    quotations = [*(repr(answer.words) for answer in answers), *([stated.reason] if stated else [])]
    statements = (
        " and ".join(quotations) if len(quotations) > 1 else f"{quotations[0]} and what follows it"
    )
    return ParsedLabel(label=NoLabel.UNPARSED, reason=f"{statements} contradict each other")


def _find_contradicting_labels(
    asserted: set[Authenticity | NoLabel], sentences: Sequence[Sentence]
) -> set[Authenticity]:
    """Return the labels that sentences mention or suggest and that are not among ``asserted``.

    Mere evidence is ignored if some of it supports ``asserted``.
    """
    labels, evidence = find_unasserted(sentences)
    return {
        label
        for label in labels | (set() if evidence & asserted else evidence)
        if label not in asserted
    }


class _CombinedClaims(NamedTuple):
    """The label of all claims, if any, and how firm it is."""

    parsed: ParsedLabel | None
    weak: bool
    """It is only an appearance."""
    closing: bool
    """It names the image at the end of a long reply."""


def _combine_claims(claims: Sequence[LabelClaim]) -> _CombinedClaims:
    """Return the label of all claims.

    Either all claims agree, or a conclusion decides, or "is" outweighs "looks".
    """
    valid = [claim for claim in claims if not claim.conceded] or [
        claim for claim in claims if not claim.weak
    ]
    if not valid:
        return _CombinedClaims(parsed=None, weak=False, closing=False)
    for decisive in (
        valid,
        [claim for claim in valid if claim.conclusion_rank > 1],
        [claim for claim in valid if claim.conclusion_rank > 0],
        [] if valid[-1].weak else [claim for claim in valid if not claim.weak],
    ):
        if len({claim.label for claim in decisive}) != 1:
            continue
        # "The image is real. Final judgement: fake" contradicts itself and concludes nothing;
        # so does a conclusion after the one that was called final.
        later = valid[valid.index(decisive[-1]) :]
        plain_labels = {claim.label for claim in valid if not (claim.weak or claim.conclusion_rank)}
        plain_labels |= {claim.label for claim in later if claim.conclusion_rank}
        if plain_labels <= {decisive[0].label}:
            parsed = ParsedLabel(label=decisive[-1].label, reason=repr(decisive[-1].words))
            weak = all(claim.weak for claim in decisive)
            return _CombinedClaims(parsed=parsed, weak=weak, closing=decisive[-1].closing)
    contradiction = ParsedLabel(
        label=NoLabel.UNPARSED, reason="the reply asserts both fake and real"
    )
    return _CombinedClaims(parsed=contradiction, weak=False, closing=False)
