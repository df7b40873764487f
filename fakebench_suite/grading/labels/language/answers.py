"""Determine what "yes" and "no" in a reply assert, and find evidence for either label."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fakebench_suite.grading.labels.language.grammar import (
    CLAUSE_BOUND,
    CONDITIONAL,
    CONTRAST_BOUND,
    HEARSAY,
    SCOPE_BOUND,
)
from fakebench_suite.grading.labels.language.lexicon import (
    LETTER,
    Sentence,
    compile_parts,
    is_known,
)
from fakebench_suite.grading.labels.language.polarity import find_clause_start
from fakebench_suite.grading.labels.language.refusals import find_refusal
from fakebench_suite.grading.labels.language.sentences import SentenceFlags
from fakebench_suite.types import Authenticity, QuestionType

_ANSWER = compile_parts("""
    (?: (?:DET|I|IT)? WORD{0,2} HEADING (?:(?:OF|WITH) (?:DET|IT|WORD|IMAGE){1,3})?
        (?:COLON|BE|STOP)*
      | I WOULD | I (?=OPINION) | STATES | OPINION | LEAN | SO | HENCE | ADVERB | DEGREE | BUT | AND
      | IT (?: BE (?=STOP YES) | (?:BE|DO) NOT (?=STOP NO) )
      | STOP | COLON | FIRST_IMPRESSION | (?:IT|THAT) BE DET WORD? )*
    (?P<word>YES|NO) (?: STOP* YES (?=STOP|$|YES) | (?<=YES) YES )*
    (?= $ | STOP | COLON | BECAUSE | BUT | SO | HENCE | AND | ADVERB | DEGREE | ALTHOUGH | IT
      | THAT | OF (?:I|IT) | DET (?:IMAGE|WORD IMAGE) | I (?:OPINION|STATES) )
""")
""""Yes" or "no" as an answer, and not as a word before a noun."""
_ANNOUNCED = compile_parts("""
    (?: LEAN
      | HEADING ADVERB* (?:(?:OF|WITH) (?:DET|IT|I|WORD|IMAGE|UNDECIDED|ADVERB){1,3})? WORD?
        (?:COLON|BE)+ (?:ADVERB|DEGREE|STOP|HENCE|DET WORD?)*
      | I WOULD? ADVERB* (?:STATES|OPINION|HEADING) (?:THAT|WITH|OF)? COLON?
        (?:(?:IT|THAT) BE DET?)? )
    (?P<word>YES|NO)
    (?= $ | OF I | IMAGE_MODIFIER | STOP | COLON | BECAUSE | BUT | SO | HENCE | AND | AS )
""")
"""An announced answer, anywhere in a sentence."""
_YES_NO_ALONE = compile_parts("(?:YES|NO) STOP*")
_CLOSING_WORD = compile_parts(
    "(?:STOP|SO|HENCE|BUT) (?:I WOULD|STATES|OPINION|SO|HENCE|ADVERB|DEGREE|STOP|COLON)*"
    " (?P<word>YES|NO) STOP* $"
)
""""Yes" or "no" as the last word of a reply."""
_CONCLUSION = compile_parts(
    "(?:SO|HENCE) (?:STOP|COLON|ADVERB|DEGREE|AND|AS)* (?P<word>YES|NO) STOP* $"
)
"""An answer as the conclusion of a sentence."""
_YES_AND_NO = compile_parts("(?:YES .* NO|NO .* YES) (?:STOP|NUMBER|$)")
_OPPOSED_ECHO = compile_parts(
    "(?: YES STOP* (?:IT|THAT) (?:BE|DO) NOT | NO STOP* (?:IT|THAT) (?:BE|DO) ) STOP* $"
)
"""An answer that what follows takes back: "no, it is"."""
_CONDITIONAL_ANSWER = compile_parts("(?:YES|NO) STOP* (?: DEGREE* IF | (?:IT|THAT) MAY )")
_LABELLED_OBJECT = compile_parts(
    "(?:FAKE|REAL) WORD (?!IMAGE|WORD IMAGE)"
    " | WORD (?:ADVERB|IMAGE_MODIFIER)* BE (?:ADVERB|NOT|DET)* (?:FAKE|REAL)"
)
_LABELLED_IMAGE = compile_parts(
    "(?:FAKE|REAL) (?:WORD (?:AND WORD)? )? IMAGE"
    " | IMAGE ADVERB* BE (?:ADVERB|NOT|DET)* (?:FAKE|REAL)"
)
_YES_WORDS = frozenset(
    {"yes", "yep", "yeah", "yup", "affirmative", "true", "y", "✅", "✔", "☑", "✓", "√"}
)
_PARAPHRASE = re.compile(
    r"(?:i am afraid )?"
    r"(?P<yes>absolutely|definitely|certainly|of course|surely|it (?:is|does)|i think so|"
    r"most likely|probably)?"
    r"(?P<no> ?(?:not(?: at all| really| likely| (?:that|as far as|so far as) i can (?:see|tell))?|"
    r"hardly|no way|far from it|never|unlikely|"
    r"it (?:is|does) not|i do not (?:think|believe) (?:so|it is)))?"
)
"""A sentence that says yes or no in other words."""
_PARAPHRASE_START = re.compile(
    r"(?:absolutely|definitely|certainly|of|surely|it|i|most|probably|not|hardly|no|far|never|"
    r"unlikely)\b"
)
"""The beginning of such a sentence."""
_CLAUSE_END = re.compile(r" ?[.,!;:-]")
_UNRELATED = re.compile(
    r"^(?:yes|no)(?: ?[-,.!])* (?:i (?:can|could|see|will|do(?! not)|have|understand|would be)\b|"
    r"i am (?:an?|here|happy|afraid|not)\b|as an? |let me |here (?:is|are) |"
    r"(?:no problem|sure|of course|certainly)\b|not (?:sure|certain|necessarily))|"
    r"^(?:yes|no)[ /]*(?:or|and|/) ?(?:yes|no)\b|what would you like|\bcan help\b"
)
"""Replies that begin with yes or no and do not answer the question."""
_HOW_TO = re.compile(
    r"(?:let me|here is|here are|i will|i can(?! not)) (?:\w+ )*(?:how|ways?|tips|steps)\b"
)
_UNSURE = re.compile(
    r"\b(?:not (?:\w+ )?(?:sure|certain)|unsure|hard to|difficult to|impossible to|do not know|"
    r"unclear|yes (?:or|and|nor) no)\b|\b(?:or|and|nor) (?:no|yes)(?= ?(?:[^\w ]|$))"
)
_YES_OR_NO_PHRASE = re.compile(r"\byes or no\b")
_YES_NO_WORD = re.compile(
    r"(?:\b(?:yes|yep|yeah|yup|affirmative|no|nope|nah|negative)\b|[^\w\s.,;:()?!'-])"
    r"(?: (?P<next>\w[\w-]*))?"
)
_EVIDENCE_NOUN = re.compile(r"\b(?:trace|sign|evidence|indication|hint|proof|reason)s?\b")
_IMAGE_REFERENCE = compile_parts("IT|IMAGE|THAT")
_NO_CUE = compile_parts("MAY|IF|UNDECIDED|REPORTED|OBJECT|INSTEAD|THAN")
_CONCESSION = compile_parts("ALTHOUGH|FIRST_IMPRESSION")
_NEGATION = compile_parts("NOT|NONE|NO|CANNOT_BE|LACK")
_LACK_AS_REASON = compile_parts("LACK .* (?=SUGGESTS)")
"""A lack that is itself a reason: "the lack of noise suggests"."""
_NEGATED_LIST = compile_parts("NONE | LACK | NO(?!STOP|COLON)")
_GENERIC_IMAGE = compile_parts(
    "IMAGE? (?: (?:OF|WITH) .{1,3}? )? (?: STOP (?:(?!STOP). )+ STOP )? (?:WOULD|MAY)"
)
_GENERAL_STATEMENT = re.compile(
    r"(?:\w+ )?\w+s (?:are |have become |can be )?"
    r"(?:increasingly|often|usually|typically|tend|frequently|sometimes|rarely|seldom|generally|"
    r"commonly|lack|struggle|may|might|can|would)\b"
)
"""Statements about a class of images: "faces often"."""
_CUES = compile_parts("(?P<sign>FAKE_CUE|REAL_CUE)|MADE|TAKEN|(?:FAKE|REAL)(?!WORD)")
_LABEL = compile_parts("FAKE|REAL|MADE|TAKEN")
_FAKE_CUE_LETTERS = tuple(LETTER[name] for name in ("FAKE_CUE", "MADE", "FAKE"))


@dataclass(frozen=True, slots=True, kw_only=True)
class YesNo:
    """A "yes" or "no" and the label that it asserts."""

    label: Authenticity
    words: str
    index: int
    """Index of its sentence."""
    announced: bool
    """It was announced ("final answer: no"), which outweighs one in passing."""
    has_lead_in: bool
    """Words lead to it, or it is alone, so that it counts anywhere in the reply."""
    about_object: bool
    """What follows is about an object in the image that is fake or real, not about the image."""


LABEL_OF_YES = {QuestionType.ISFAKE: Authenticity.FAKE, QuestionType.ISREAL: Authenticity.REAL}
"""The label that "yes" asserts, by type of a yes-or-no question."""


def opens_with_unrelated_yes_no(plain: str) -> bool:
    """Return whether a reply begins with a "yes" that does not answer: "yes, I can see a man"."""
    return _UNRELATED.match(plain) is not None


def find_answers(sentences: Sequence[Sentence], question_type: QuestionType) -> Iterator[YesNo]:
    """Yield what each "yes" and "no" asserts, in answer to the question or to one in the reply."""
    last_index = len(sentences) - 1
    questions = {
        index for index, sentence in enumerate(sentences) if sentence.hints & SentenceFlags.QUESTION
    }
    candidates = {
        index for index, sentence in enumerate(sentences) if sentence.hints & SentenceFlags.ANSWER
    }
    for index in sorted(candidates.union((0, last_index), (index + 1 for index in questions))):
        if not 0 <= index <= last_index:
            continue
        sentence = sentences[index]
        before = sentences[index - 1] if index - 1 in questions else None
        question = before if before and before.asks else None
        last = index == last_index
        is_expected = not index or last or question is not None
        if index not in candidates and not (
            is_expected and _PARAPHRASE_START.match(sentence.plain)
        ):
            continue
        if not is_expected and not _may_answer(sentence.plain):
            continue
        if sentence.asks or CONDITIONAL.match(sentence.tags):
            continue
        yes_label = _find_label_of_yes(question, question_type)
        if yes_label is None or (not last and _HOW_TO.match(sentences[index + 1].text)):
            continue
        alone = len(sentences) == 1 or question is not None
        answer = _find_answer(sentence, index, yes_label, last=last, alone=alone)
        if answer is not None and (is_expected or answer.has_lead_in):
            yield answer


def _may_answer(plain: str) -> bool:
    """Return whether "no" may be an answer and not a determiner, as in "no artifacts"."""
    matches = _YES_NO_WORD.finditer(plain)
    return any(match["next"] is None or is_known(match["next"]) for match in matches)


def _find_answer(
    sentence: Sentence, index: int, yes_label: Authenticity, *, last: bool, alone: bool
) -> YesNo | None:
    """Return what "yes" or "no" in a sentence asserts; None if neither is an answer.

    ``yes_label`` is the label that "yes" asserts, ``last`` whether the sentence is the last of the
    reply, and ``alone`` whether it is the only one or the answer to a question in the reply.
    """
    text, tags = sentence.text, sentence.tags
    announced = match = _ANNOUNCED.search(tags)
    if match is None:
        is_unrelated = _UNRELATED.search(text) or _UNSURE.search(text) or _YES_AND_NO.search(tags)
        if is_unrelated or find_refusal(text):
            return None
        match = (
            _ANSWER.match(tags)
            or _CONCLUSION.search(tags)
            or (_CLOSING_WORD.search(tags) if last else None)
        )
    if match is None:
        return _find_paraphrase(text, index, yes_label, alone=alone)
    start = match.start("word")
    if _OPPOSED_ECHO.match(tags, start):
        return None
    ends = [bound.end() for bound in SCOPE_BOUND.finditer(tags, 0, start)]
    first = ends[-1] if ends else 0
    asks_whether = announced is not None and "whether" in sentence.words[first:start]
    before = tags[first:start].replace(LETTER["IF"], "") if asks_whether else tags[first:start]
    is_conceded = LETTER["FIRST_IMPRESSION"] in before or LETTER["ALTHOUGH"] in before
    if is_conceded or HEARSAY.search(before) or _CONDITIONAL_ANSWER.match(tags, start):
        return None
    word = sentence.words[start]
    is_about_object = _LABELLED_OBJECT.search(tags) and not _LABELLED_IMAGE.search(tags)
    return YesNo(
        label=yes_label if word in _YES_WORDS else opposite_label(yes_label),
        words=word,
        index=index,
        announced=announced is not None,
        has_lead_in=start > 0 or _YES_NO_ALONE.fullmatch(tags) is not None,
        about_object=bool(is_about_object),
    )


def _find_paraphrase(
    text: str, index: int, yes_label: Authenticity, *, alone: bool
) -> YesNo | None:
    """Return yes or no in other words: "absolutely not", or "certainly" if nothing follows."""
    match = _PARAPHRASE.fullmatch(_CLAUSE_END.split(text)[0])
    if match is None:
        return None
    is_whole = match[0] == text.strip(" .,!-")
    if not (match["no"] or (match["yes"] and alone and is_whole)):
        return None
    label = opposite_label(yes_label) if match["no"] else yes_label
    return YesNo(
        label=label,
        words=match[0],
        index=index,
        announced=False,
        has_lead_in=False,
        about_object=False,
    )


def _find_label_of_yes(
    question: Sentence | None, question_type: QuestionType
) -> Authenticity | None:
    """Return the label that "yes" asserts, to a question in the reply or to the prompt."""
    if question is None:
        return LABEL_OF_YES.get(question_type)
    tags = question.tags
    fake = any(LETTER[name] in tags for name in ("FAKE", "MADE"))
    real = any(LETTER[name] in tags for name in ("REAL", "TAKEN"))
    if _YES_OR_NO_PHRASE.search(question.text) and not (fake or real):
        return LABEL_OF_YES.get(question_type)
    if not (fake or real) and LETTER["FAKE_CUE"] in tags and _EVIDENCE_NOUN.search(question.text):
        return Authenticity.FAKE
    if fake == real or not (len(tags) <= 3 or _IMAGE_REFERENCE.search(tags)):
        return None
    return Authenticity.FAKE if fake else Authenticity.REAL


_MANIPULATION = re.compile(
    r"\b(?:is|was|were|been|being|an?|the|which|photo(?:graph)?) (?:\w+ly )?(?:edited )?"
    r"(?:composited?|pasted|spliced|inserted|photomontage|montage|collage|doctored|photoshopped|"
    r"manipulated|(?:edited|altered|modified|retouched) (?:with|by|using) (?:generative )?ai)\b"
)
_NOT_ASSERTED = compile_parts("MAY|IF|WOULD|REPORTED|BECAUSE|FIRST_IMPRESSION")


def find_manipulation_claim(sentences: Sequence[Sentence]) -> str | None:
    """Return the words that call the image composited or manipulated; None if there are none."""
    for sentence in sentences:
        if not sentence.hints & SentenceFlags.COMPOSED:
            continue
        match = _MANIPULATION.search(sentence.plain)
        if match is None or sentence.asks:
            continue
        if not (_NOT_ASSERTED.search(sentence.tags) or _NEGATION.search(sentence.tags)):
            return match[0]
    return None


def opposite_label(label: Authenticity) -> Authenticity:
    """Return the other label."""
    return Authenticity.REAL if label is Authenticity.FAKE else Authenticity.FAKE


class UnassertedLabels(NamedTuple):
    """Labels that are mentioned without being asserted, and labels with other evidence."""

    labels: set[Authenticity]
    evidence: set[Authenticity]


def find_unasserted(
    sentences: Sequence[Sentence],
) -> UnassertedLabels:
    """Return the labels that are mentioned without being asserted, and those with other evidence.

    "Three arms" is evidence for fake and "no artifacts" for real; what a real photograph would show
    is evidence for neither.
    """
    labels: set[Authenticity] = set()
    evidence: set[Authenticity] = set()
    for sentence in sentences:
        if sentence.asks or CONDITIONAL.match(sentence.tags):
            continue
        for cue in _CUES.finditer(sentence.tags):
            ends = [bound.end() for bound in CLAUSE_BOUND.finditer(sentence.tags, 0, cue.start())]
            clause = sentence.tags[ends[-1] if ends else 0 : cue.start()]
            clause = _LACK_AS_REASON.sub("", clause)
            before_cue = sentence.tags[: cue.start()].rpartition(LETTER["BUT"])[2]
            if _NO_CUE.search(clause) or _CONCESSION.search(before_cue):
                continue
            is_label = cue["sign"] is None
            if is_label and _GENERAL_STATEMENT.match(
                " ".join(sentence.words[cue.end() : cue.end() + 4])
            ):
                continue  # "AI-generated faces often lack such flaws."
            if LETTER["WOULD"] in clause and _LABEL.search(clause):
                continue  # "A generated image would have garbled text."
            if is_label and (
                LETTER["OF"] in clause or _GENERIC_IMAGE.match(sentence.tags, cue.end())
            ):
                continue
            is_negated = _NEGATION.search(clause) is not None
            start = find_clause_start(CONTRAST_BOUND, sentence, cue.start())
            if (
                is_label
                and not is_negated
                and _NEGATED_LIST.search(sentence.tags, start, cue.start())
            ):
                continue  # It may be in a list of absent things.
            is_fake = cue[0] in _FAKE_CUE_LETTERS
            (labels if is_label else evidence).add(
                Authenticity.FAKE if is_fake != is_negated else Authenticity.REAL
            )
    return UnassertedLabels(labels=labels, evidence=evidence)
