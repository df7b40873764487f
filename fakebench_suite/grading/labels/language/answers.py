"""What "yes" and "no" in a reply answer, and whether its explanation speaks against them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
from fakebench_suite.grading.labels.language.sentences import Hint
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
"""Where "yes" or "no" is an answer, and not a word before a noun."""
_ANNOUNCED = compile_parts("""
    (?: LEAN
      | HEADING ADVERB* (?:(?:OF|WITH) (?:DET|IT|I|WORD|IMAGE|UNDECIDED|ADVERB){1,3})? WORD?
        (?:COLON|BE)+ (?:ADVERB|DEGREE|STOP|HENCE|DET WORD?)*
      | I WOULD? ADVERB* (?:STATES|OPINION|HEADING) (?:THAT|WITH|OF)? COLON?
        (?:(?:IT|THAT) BE DET?)? )
    (?P<word>YES|NO)
    (?= $ | OF I | IMAGE_MODIFIER | STOP | COLON | BECAUSE | BUT | SO | HENCE | AND | AS )
""")
"""Where a reply announces its answer, wherever in a sentence that is."""
_YES_NO_ALONE = compile_parts("(?:YES|NO) STOP*")
_CLOSING_WORD = compile_parts(
    "(?:STOP|SO|HENCE|BUT) (?:I WOULD|STATES|OPINION|SO|HENCE|ADVERB|DEGREE|STOP|COLON)*"
    " (?P<word>YES|NO) STOP* $"
)
"""The last word of a reply."""
_CONCLUSION = compile_parts(
    "(?:SO|HENCE) (?:STOP|COLON|ADVERB|DEGREE|AND|AS)* (?P<word>YES|NO) STOP* $"
)
"""An answer as the upshot of a sentence."""
_YES_AND_NO = compile_parts("(?:YES .* NO|NO .* YES) (?:STOP|NUMBER|$)")
_CONDITIONAL_ANSWER = compile_parts("(?:YES|NO) STOP* (?: DEGREE* IF | (?:IT|THAT) MAY )")
_LABELLED_OBJECT = compile_parts(
    "(?:FAKE|REAL) WORD (?!IMAGE|WORD IMAGE)"
    " | WORD (?:ADVERB|IMAGE_MODIFIER)* BE (?:ADVERB|NOT|DET)* (?:FAKE|REAL)"
)
_LABELLED_IMAGE = compile_parts(
    "(?:FAKE|REAL) (?:WORD (?:AND WORD)? )? IMAGE"
    " | IMAGE ADVERB* BE (?:ADVERB|NOT|DET)* (?:FAKE|REAL)"
)
_YES_WORDS = frozenset({"yes", "yep", "yeah", "yup", "affirmative", "✅", "✔", "☑", "✓", "√"})
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
"""What a consent begins with."""
_CLAUSE_END = re.compile(r" ?[.,!;:-]")
_UNRELATED = re.compile(
    r"^(?:yes|no)(?: ?[-,.!])* (?:i (?:can|could|see|will|do(?! not)|have|understand|would be)\b|"
    r"i am (?:an?|here|happy|afraid|not)\b|as an? |let me |here (?:is|are) |"
    r"(?:no problem|sure|of course|certainly)\b|not (?:sure|certain|necessarily))|"
    r"^(?:yes|no)[ /]*(?:or|and|/) ?(?:yes|no)\b|what would you like|\bcan help\b"
)
"""Replies that begin with yes or no and answer something else."""
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
"""What is said of a class of pictures: "faces often"."""
_CUES = compile_parts("(?P<sign>FAKE_CUE|REAL_CUE)|MADE|TAKEN|(?:FAKE|REAL)(?!WORD)")
_LABEL = compile_parts("FAKE|REAL|MADE|TAKEN")
_FAKE_CUE_LETTERS = tuple(LETTER[name] for name in ("FAKE_CUE", "MADE", "FAKE"))


@dataclass(frozen=True, slots=True, kw_only=True)
class YesNo:
    """A "yes" or "no" and what it asserts."""

    said: Authenticity
    words: str
    place: int
    """The number of its sentence."""
    firm: bool
    """It was announced ("final answer: no"), which outweighs one in passing."""
    led: bool
    """Something led up to it, or it stands alone, so that it counts wherever it stands."""
    aside: bool
    """What follows speaks of a thing in the picture that is fake or real, not of the image."""


def label_of_yes(question_type: QuestionType) -> Authenticity | None:
    """The label a "yes" asserts; None where the question is not a yes-or-no question."""
    return {QuestionType.ISFAKE: Authenticity.FAKE, QuestionType.ISREAL: Authenticity.REAL}.get(
        question_type
    )


def opens_with_unrelated_yes_no(plain: str) -> bool:
    """Whether a reply begins with a "yes" or "no" that answers nothing: "yes, I can see a man"."""
    return _UNRELATED.match(plain) is not None


def find_answers(sentences: Sequence[Sentence], question_type: QuestionType) -> Iterator[YesNo]:
    """What each "yes" and "no" asserts: of the question asked, or of one the reply asks itself."""
    end = len(sentences) - 1
    asking = {place for place, one in enumerate(sentences) if one.hints & Hint.QUESTION}
    answering = {place for place, one in enumerate(sentences) if one.hints & Hint.ANSWER}
    for index in sorted(answering.union((0, end), (place + 1 for place in asking))):
        if not 0 <= index <= end:
            continue
        sentence = sentences[index]
        before = sentences[index - 1] if index - 1 in asking else None
        question = before if before and before.asks else None
        last = index == end
        placed = not index or last or question is not None
        if index not in answering and not (placed and _PARAPHRASE_START.match(sentence.plain)):
            continue
        if not placed and not _may_answer(sentence.plain):
            continue
        if sentence.asks or CONDITIONAL.match(sentence.tags):
            continue
        asked = _find_label_of_yes(question, question_type)
        if asked is None or (not last and _HOW_TO.match(sentences[index + 1].text)):
            continue
        alone = len(sentences) == 1 or question is not None
        found = _find_answer(sentence, index, asked, last=last, alone=alone)
        if found is not None and (placed or found.led):
            yield found


def _may_answer(plain: str) -> bool:
    """Whether "no" is more than a determiner: "no artifacts" answers nothing."""
    found = _YES_NO_WORD.finditer(plain)
    return any(match["next"] is None or is_known(match["next"]) for match in found)


def _find_answer(
    sentence: Sentence, place: int, asked: Authenticity, *, last: bool, alone: bool
) -> YesNo | None:
    text, tags = sentence.text, sentence.tags
    firm = match = _ANNOUNCED.search(tags)
    if match is None:
        idle = _UNRELATED.search(text) or _UNSURE.search(text) or _YES_AND_NO.search(tags)
        if idle or find_refusal(text):
            return None
        match = (
            _ANSWER.match(tags)
            or _CONCLUSION.search(tags)
            or (_CLOSING_WORD.search(tags) if last else None)
        )
    if match is None:
        return _find_paraphrase(text, place, asked, alone=alone)
    start = match.start("word")
    ends = [bound.end() for bound in SCOPE_BOUND.finditer(tags, 0, start)]
    first = ends[-1] if ends else 0
    asking = firm is not None and "whether" in sentence.words[first:start]
    before = tags[first:start].replace(LETTER["IF"], "") if asking else tags[first:start]
    granted = LETTER["FIRST_IMPRESSION"] in before or LETTER["ALTHOUGH"] in before
    if granted or HEARSAY.search(before) or _CONDITIONAL_ANSWER.match(tags, start):
        return None
    word = sentence.words[start]
    thing = _LABELLED_OBJECT.search(tags) and not _LABELLED_IMAGE.search(tags)
    return YesNo(
        said=asked if word in _YES_WORDS else opposite_label(asked),
        words=word,
        place=place,
        firm=firm is not None,
        led=start > 0 or _YES_NO_ALONE.fullmatch(tags) is not None,
        aside=bool(thing),
    )


def _find_paraphrase(text: str, place: int, asked: Authenticity, *, alone: bool) -> YesNo | None:
    """Yes or no in other words: "absolutely not" anywhere, "certainly" where nothing follows."""
    consent = _PARAPHRASE.fullmatch(_CLAUSE_END.split(text)[0])
    if consent is None:
        return None
    whole = consent[0] == text.strip(" .,!-")
    if not (consent["no"] or (consent["yes"] and alone and whole)):
        return None
    said = opposite_label(asked) if consent["no"] else asked
    return YesNo(said=said, words=consent[0], place=place, firm=False, led=False, aside=False)


def _find_label_of_yes(
    question: Sentence | None, question_type: QuestionType
) -> Authenticity | None:
    """The label that a "yes" asserts, to a question the reply asks itself or to the one asked."""
    if question is None:
        return label_of_yes(question_type)
    tags = question.tags
    fake = any(LETTER[name] in tags for name in ("FAKE", "MADE"))
    real = any(LETTER[name] in tags for name in ("REAL", "TAKEN"))
    if _YES_OR_NO_PHRASE.search(question.text) and not (fake or real):
        return label_of_yes(question_type)
    if not (fake or real) and LETTER["FAKE_CUE"] in tags and _EVIDENCE_NOUN.search(question.text):
        return Authenticity.FAKE
    if fake == real or not (len(tags) <= 3 or _IMAGE_REFERENCE.search(tags)):
        return None
    return Authenticity.FAKE if fake else Authenticity.REAL


_MANIPULATION = re.compile(
    r"\b(?:is|was|were|been|being|an?|the|which|photo(?:graph)?) (?:\w+ly )?(?:edited )?"
    r"(?:composited?|pasted|spliced|inserted|photomontage|montage|collage|doctored|photoshopped|"
    r"manipulated)\b"
)
_NOT_ASSERTED = compile_parts("MAY|IF|WOULD|REPORTED|BECAUSE|FIRST_IMPRESSION")


def find_manipulation_claim(sentences: Sequence[Sentence]) -> str | None:
    """Where a reply says that the picture was put together or manipulated; None where nowhere."""
    for sentence in sentences:
        if not sentence.hints & Hint.COMPOSED:
            continue
        found = _MANIPULATION.search(sentence.plain)
        if found is None or sentence.asks:
            continue
        if not (_NOT_ASSERTED.search(sentence.tags) or _NEGATION.search(sentence.tags)):
            return found[0]
    return None


def opposite_label(said: Authenticity) -> Authenticity:
    """The other label."""
    return Authenticity.REAL if said is Authenticity.FAKE else Authenticity.FAKE


def find_cues(
    sentences: Sequence[Sentence],
) -> tuple[set[Authenticity], set[Authenticity]]:
    """Labels that are mentioned and not asserted, and what else speaks for either label.

    "Three arms" and "no artifacts" speak for one; what a real photograph would show for none.
    """
    labels: set[Authenticity] = set()
    signs: set[Authenticity] = set()
    for sentence in sentences:
        if sentence.asks or CONDITIONAL.match(sentence.tags):
            continue
        for sign in _CUES.finditer(sentence.tags):
            ends = [bound.end() for bound in CLAUSE_BOUND.finditer(sentence.tags, 0, sign.start())]
            clause = sentence.tags[ends[-1] if ends else 0 : sign.start()]
            clause = _LACK_AS_REASON.sub("", clause)
            so_far = sentence.tags[: sign.start()].rpartition(LETTER["BUT"])[2]
            if _NO_CUE.search(clause) or _CONCESSION.search(so_far):
                continue
            label = sign["sign"] is None
            if label and _GENERAL_STATEMENT.match(
                " ".join(sentence.words[sign.end() : sign.end() + 4])
            ):
                continue  # "AI-generated faces often lack such flaws."
            if LETTER["WOULD"] in clause and _LABEL.search(clause):
                continue  # "A generated image would have garbled text."
            if label and (
                LETTER["OF"] in clause or _GENERIC_IMAGE.match(sentence.tags, sign.end())
            ):
                continue
            negated = _NEGATION.search(clause) is not None
            start = find_clause_start(CONTRAST_BOUND, sentence, sign.start())
            if label and not negated and _NEGATED_LIST.search(sentence.tags, start, sign.start()):
                continue  # It may stand in a list of what is not there.
            fake = sign[0] in _FAKE_CUE_LETTERS
            (labels if label else signs).add(
                Authenticity.FAKE if fake != negated else Authenticity.REAL
            )
    return labels, signs
