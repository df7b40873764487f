"""Find where a reply asserts what the image is, and how strongly."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from fakebench_suite.grading.labels.language import grammar
from fakebench_suite.grading.labels.language.answers import find_unasserted, opposite_label
from fakebench_suite.grading.labels.language.lexicon import (
    LABEL_TAGS,
    LABELS,
    LETTER,
    Sentence,
    compile_parts,
)
from fakebench_suite.grading.labels.language.likelihood_statements import (
    LIKELIHOOD_PARTS,
    find_likelihood,
)
from fakebench_suite.grading.labels.language.polarity import Match, find_clause_start, resolve_label
from fakebench_suite.grading.labels.language.sentences import SentenceFlags
from fakebench_suite.grading.labels.language.topic import Topic, refers_elsewhere
from fakebench_suite.types import Authenticity


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelClaim:
    """One assertion of a label about the image."""

    label: Authenticity
    words: str
    weak: bool
    """It "looks" so, which a plain "is" elsewhere outweighs."""
    conceded: bool
    """It is conceded ("although", "at first glance"), which any other claim outweighs."""
    closing: bool
    """It names the image at the end of a long reply, whatever evidence was discussed before."""
    conclusion_rank: int
    """1 in a conclusion and 2 in a final one; both outweigh earlier considerations."""
    index: int = 0
    """Index of its sentence."""
    evidence: bool = False
    """It states what a detail suggests, and not what the image is."""


_CONCLUDING = re.compile(
    r"\b(?:conclu(?:sion|de|ding)|final(?:ly)?|verdict|judge?ment|answer|therefore|overall|thus|"
    r"in (?:summary|short|the end)|to (?:summari[sz]e|sum up)|hence|ultimately|consequently|"
    r"all in all|on balance|decision)\b|^so\b"
)
_FINAL = re.compile(r"\b(?:final|revised|updated|corrected|ultimately|in the end)\b")
_TITLE = re.compile(
    r"(?:[a-z]+ ){0,2}(?:conclusion|verdict|judge?ment|answer|summary|decision) ?:?"
)
_MIN_LONG_REPLY, _CLOSING_SENTENCES = 8, 2
"""Sentences of a long reply, and those at its end where "this" is the image."""
_MAX_FOLLOWING_SENTENCES = 100
"""Sentences after "it looks real" that are searched for a contrast."""
_OPENING_SENTENCES = 2
"""Sentences that open an analysis."""
_OF_WHICH = compile_parts("WITH DET? WORD")
_COMPONENT_WORDS = frozenset(
    {"base", "underlying", "background", "foreground", "source", "embedded"}
)
"""Words for an image that another one is composed of."""
_MAX_TITLE_LENGTH = 60
_EVIDENCE = re.compile(
    r"\b(?:supports?|supporting|suggest\w*|indicat\w+|consistent with|points? to\w*|pointing to\w*|"
    r"impl(?:y|ies|ying)|typical of|speaks? for|favou?rs?|signals?|(?:signs?|hallmarks?|features|"
    r"characteristics|traits) of)\b"
)
"""Words that relate a detail to a label."""
_CONTRAST_WORDS = re.compile(
    r"\b(?:but|however|yet|though|nevertheless|nonetheless|(?:clos|furth)er (?:look|inspection|"
    r"examination)|looking closer|"
    r"(?:prove|say|show|suggest|indicate|tell|argue)s? otherwise|"
    r"in the details?|on a wider view)\b|^still\b"
)
_CAUTION = re.compile(
    r"\b(?:can not|could not|not possible to|impossible to|hard to|difficult to)(?: \w+){0,3} "
    r"(?:ruled? out|exclude|verify|verified|certain|sure|confirm|confirmed|guarantee|prove|proven|"
    r"excluded|say|determine|swear|vouch)\b"
    r"|\b(?:not|never)(?: \w+){0,2} (?:certain|sure|guarantee|proof|definitive|conclusive)\b"
    r"|\b(?:without|absent)(?: \w+){0,4} (?:metadata|context|source|original|provenance)\b"
    r"|\b(?:would|will) (?:need|require|take|call for|help)\b|\b(?:only|without) (?:an? )?forensic"
    r"|\b(?:possible|possibility|minor|slight|some doubt|caution|caveat|uncertainty|may|might)\b"
)
"""A following caution, which does not contradict a verdict."""
_IMAGE_GROUPS = ("image", "heading", "called", "lean", "evidence", "noun", "made", "taken")
"""Groups of a claim that imply by themselves that it is about the image."""
_YES_NO = compile_parts("YES|NO")
_JUDGEMENT = compile_parts("OPINION|CONCLUDES|DISBELIEF|SO|HENCE")
_OWN_CONCLUSION = compile_parts("I|SO|HENCE")


def find_claims(sentences: Sequence[Sentence]) -> list[LabelClaim]:
    """Return every assertion about the image, in order.

    "It" is the image until something else is introduced or called fake ("a fake plant").
    """
    claims: list[LabelClaim] = []
    title_index, is_listed = len(sentences), False
    topic = Topic(sentences)
    for index, sentence in enumerate(sentences):
        hints = sentence.hints
        if hints & SentenceFlags.TITLE and title_index > index and _is_title(sentence):
            title_index = index
        if not hints & SentenceFlags.LABEL or not _may_assert(sentence):
            continue
        last = index == len(sentences) - 1
        likelihood = LIKELIHOOD_PARTS.search(sentence.tags) and find_likelihood(sentence)
        matches = () if likelihood else tuple(_match_shapes(sentence, last=last))
        if not (likelihood or matches):
            continue
        rank = _compute_rank(sentence, titled=title_index <= index)
        is_mentioned = False
        closing = index >= len(sentences) - _CLOSING_SENTENCES and len(sentences) >= _MIN_LONG_REPLY
        if likelihood is not None:
            likely_label, words = likelihood
            claims.append(
                LabelClaim(
                    label=likely_label,
                    words=words,
                    weak=False,
                    conceded=False,
                    closing=False,
                    conclusion_rank=rank,
                    index=index,
                )
            )
            topic.mention(index)
            continue
        for match in matches:
            pronoun = _is_pronoun(match)
            is_named = is_mentioned or sentence.tags.startswith(LETTER["IMAGE"] + LETTER["STOP"])
            has_this = closing and _refers_to_image(sentence, match)
            is_image = is_named or rank or has_this or not pronoun or topic.is_image(index)
            if not is_image or _is_about_other(sentence, match, pronoun=pronoun):
                continue
            is_mentioned = is_mentioned or _names_image(match)
            label = None if _heads_evidence(sentence, match) else resolve_label(sentence, match)
            if label is None:
                continue
            evidence = _is_evidence(sentence, match)
            is_mentioned = True
            ends_reply = last and match.re is grammar.ELLIPTICAL and not is_listed
            after = islice(sentences, index + 1, index + 1 + _MAX_FOLLOWING_SENTENCES)
            is_settled = closing and (has_this or not pronoun)
            rank = max(rank, int(ends_reply), int(is_settled))
            opens_reply = index < _OPENING_SENTENCES and len(sentences) >= _MIN_LONG_REPLY
            claim = _build_claim(sentence, match, label, after, rank, opens=opens_reply)
            claims.append(replace(claim, closing=is_settled, index=index, evidence=evidence))
            is_listed = match.re is grammar.ELLIPTICAL
        if is_mentioned:
            topic.mention(index)
    return claims


def _may_assert(sentence: Sentence) -> bool:
    """Return whether a sentence names a label and is neither a question nor a condition."""
    if LABELS.search(sentence.tags) is None:
        return False
    return not (sentence.asks or grammar.CONDITIONAL.match(sentence.tags))


def _is_evidence(sentence: Sentence, match: Match) -> bool:
    """Return whether a claim is what a detail suggests: "this supports that it is real"."""
    start = find_clause_start(grammar.CLAUSE_BOUND, sentence, match.start())
    return _EVIDENCE.search(" ".join(sentence.words[start : match.end()])) is not None


def _is_title(sentence: Sentence) -> bool:
    if len(sentence.plain) > _MAX_TITLE_LENGTH:
        return False
    return _TITLE.fullmatch(sentence.plain) is not None


def _build_claim(
    sentence: Sentence,
    match: Match,
    label: Authenticity,
    after: Iterable[Sentence],
    rank: int,
    *,
    opens: bool,
) -> LabelClaim:
    """Build the claim with its strength; ``after`` are the sentences after its own.

    If an analysis opens with its verdict, only contrary evidence contradicts it.
    """
    words = sentence.quote(match.start(), match.end())
    weak = any(match.groupdict().get(name) for name in ("seem", "lean", "evidence"))
    weak = weak or grammar.APPEARANCE_LEAD.search(sentence.tags, 0, match.start()) is not None
    if weak and grammar.ELLIPTICAL_DENIAL.match(sentence.tags, match.end()):
        return LabelClaim(
            label=opposite_label(label),
            words=words,
            weak=False,
            conceded=False,
            closing=False,
            conclusion_rank=rank,
        )
    remainder = " ".join(sentence.words[match.end() :])
    if opens:
        after = (
            sentence_after for sentence_after in after if _may_contradict(label, sentence_after)
        )
    is_contradicted = weak and _is_contradicted(remainder, after, settled=rank > 0)
    start = find_clause_start(grammar.SCOPE_BOUND, sentence, match.start())
    clause = sentence.tags[start : match.end()]
    before_match = sentence.tags[: match.end()].rpartition(LETTER["BUT"])[2]
    conceded = LETTER["ALTHOUGH"] in clause or LETTER["FIRST_IMPRESSION"] in before_match
    conceded = conceded or bool(is_contradicted)
    return LabelClaim(
        label=label, words=words, weak=weak, conceded=conceded, closing=False, conclusion_rank=rank
    )


def _is_contradicted(remainder: str, after: Iterable[Sentence], *, settled: bool) -> bool:
    """Return whether what follows "looks" contradicts it; cautious remarks do not.

    Only the same sentence can contradict a conclusion; later sentences are notes.
    """
    contrast = _CONTRAST_WORDS.search(remainder)
    if contrast is not None and _CAUTION.search(remainder, contrast.end()) is None:
        return True
    return not settled and any(
        (contrast := _find_contrast(sentence))
        and _CAUTION.search(sentence.plain, contrast.end()) is None
        for sentence in after
    )


def _may_contradict(label: Authenticity, sentence: Sentence) -> bool:
    """Return whether a sentence of an analysis can contradict the verdict at its start.

    "However" does unless what follows supports the verdict; "the railing is fine, but the pattern
    varies" only if it is contrary evidence.
    """
    contrast = _find_contrast(sentence)
    if contrast is None:
        return False
    labels, evidence = find_unasserted([sentence])
    supported = labels | evidence
    return supported != {label} if contrast.start() == 0 else opposite_label(label) in supported


def _find_contrast(sentence: Sentence) -> Match | None:
    return _CONTRAST_WORDS.search(sentence.plain) if sentence.hints & SentenceFlags.TURN else None


def _compute_rank(sentence: Sentence, *, titled: bool) -> int:
    """Return the rank of a sentence by its words, and by whether it has a title above."""
    concludes = sentence.hints & SentenceFlags.CONCLUSION
    if concludes and _FINAL.search(sentence.plain):
        return 2
    return int(titled or (concludes and _CONCLUDING.search(sentence.plain) is not None))


def _match_shapes(sentence: Sentence, *, last: bool) -> Iterator[Match]:
    """Yield full claims and, at the start of clauses, elliptical ones, in order.

    An elliptical claim counts if the words before it in the sentence allow for it: neutral words,
    an answer, an assertion, an image as subject, a conclusion, or the end of the reply.
    """
    tags = sentence.tags
    shapes = {match.start(): match for match in grammar.FULL_CLAIM.finditer(tags)}
    spans = [match.span() for match in shapes.values()]
    starts = [0, *(match.end() for match in grammar.CLAUSE_START.finditer(tags))]
    end = max(map(tags.rfind, LABEL_TAGS))
    for before, start in zip([0, *starts], starts, strict=False):
        if start > end:
            break
        if spans and any(low <= start < high for low, high in spans):
            continue
        elliptical = grammar.ELLIPTICAL.match(tags, start)
        if elliptical is None:
            continue
        previous, link = tags[before:start], tags[start - 1 : start]
        is_conclusion = link in (LETTER["SO"], LETTER["HENCE"])
        follows_answer = len(previous) <= 3 and _YES_NO.search(previous) is not None
        follows_label = LABELS.search(previous) is not None
        follows_claim = link != LETTER["COLON"] and any(high <= start for _, high in spans)
        is_linked = link in (LETTER["AND"], LETTER["BUT"])
        has_image_subject = is_linked and any(
            grammar.IMAGE_SUBJECT.match(tags, clause_start)
            for clause_start in starts
            if clause_start < start
        )
        verb = elliptical["be"] or elliptical["seem"]
        elided = (has_image_subject and (verb or (elliptical["not3"] and elliptical["noun"]))) or (
            is_conclusion and (verb or elliptical["not3"])
        )
        ends_sentence = not tags[elliptical.end() :].strip(LETTER["STOP"])
        ends_reply = (
            last
            and link == LETTER["STOP"]
            and not verb
            and ends_sentence
            and (elliptical["not3"] or not follows_label)
        )
        is_own_words = (
            ends_sentence
            and link == LETTER["COLON"]
            and grammar.OWN_WORDS.fullmatch(tags, 0, start)
        )
        elided = elided or bool(
            is_own_words or (is_conclusion and ends_sentence and tags[start - 2] == LETTER["STOP"])
        )
        has_neutral_lead = grammar.NEUTRAL_LEAD.fullmatch(tags, 0, start) is not None
        if (
            has_neutral_lead
            or follows_answer
            or (follows_claim and not follows_label)
            or elided
            or ends_reply
        ):
            shapes.setdefault(start, elliptical)
            spans.append(elliptical.span())
    yield from (shapes[position] for position in sorted(shapes))


def _is_pronoun(match: Match) -> bool:
    """Return whether only a pronoun refers to the image."""
    if match.re is grammar.ELLIPTICAL:
        return False
    if match.string[match.start()] == LETTER["COPULA_IDIOM"]:
        return False
    return not any(match.group(*_IMAGE_GROUPS))


def _refers_to_image(sentence: Sentence, match: Match) -> bool:
    """Return whether the claim has "this", or is the writer's judgement: "I think it is"."""
    if "this" in sentence.words[match.start() : match.end()]:
        return True
    before = sentence.tags[: match.start()]
    return _JUDGEMENT.search(before) is not None and _OWN_CONCLUSION.search(before) is not None


def _names_image(match: Match) -> bool:
    return match.re is grammar.FULL_CLAIM and bool(
        match["image"] or match["called"] or _is_pronoun(match)
    )


def _heads_evidence(sentence: Sentence, match: Match) -> bool:
    """Return whether a label is the heading of its evidence: "features of a real photograph:"."""
    if not sentence.plain.endswith(":") or _names_image(match):
        return False
    return _is_evidence(sentence, match)


def _is_about_other(sentence: Sentence, match: Match, *, pronoun: bool) -> bool:
    """Return whether the label is about something other than the image, or about a part of it."""
    return (pronoun and refers_elsewhere(sentence, match.start())) or _names_part(sentence, match)


def _names_part(sentence: Sentence, match: Match) -> bool:
    """Return whether the label is about a thing mentioned before: "a real picture of the moon"."""
    if match.re is grammar.ELLIPTICAL or match["heading"]:
        return False
    if match["image"]:
        return not _COMPONENT_WORDS.isdisjoint(
            sentence.words[match.start("image") : match.end("image")]
        )
    part = _OF_WHICH.match(sentence.tags, match.end())
    if part is None:
        return False
    return sentence.words[part.end() - 1] in sentence.words[: match.start()]
