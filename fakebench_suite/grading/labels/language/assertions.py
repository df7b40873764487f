"""Where a reply asserts what the image is, how strongly, and whether "it" is the image at all."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from fakebench_suite.grading.labels.language import grammar
from fakebench_suite.grading.labels.language.answers import find_cues
from fakebench_suite.grading.labels.language.lexicon import LETTER, Sentence, compile_parts
from fakebench_suite.grading.labels.language.likelihood import find_likelihood
from fakebench_suite.grading.labels.language.polarity import Match, find_clause_start, resolve_label
from fakebench_suite.grading.labels.language.sentences import Hint
from fakebench_suite.types import Authenticity


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelClaim:
    """One place where a reply says what the image is."""

    said: Authenticity
    words: str
    weak: bool
    """It "looks" so, which a plain "is" elsewhere outweighs."""
    granted: bool
    """It is conceded ("although", "at first glance"), which anything else outweighs."""
    closing: bool
    """It names the image at the end of a long reply, whatever signs were weighed before."""
    rank: int
    """1 in a conclusion and 2 where it is called final; both outweigh what was considered."""
    place: int = 0
    """The number of its sentence."""
    evidence: bool = False
    """It says what a detail speaks for, and not what the image is."""


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
"""Sentences behind "it looks real" that are searched for a turn."""
_OPENING_SENTENCES = 2
"""Sentences that open an analysis."""
_OF_WHICH = compile_parts("WITH DET? WORD")
_COMPONENT_WORDS = frozenset(
    {"base", "underlying", "background", "foreground", "source", "embedded"}
)
"""Words for an image that another is made of."""
_MAX_TITLE_LENGTH = 60
_INTRODUCED_OBJECT = re.compile(
    r"\b(?:see|there (?:is|was)|holds?|holding|wears?|wearing|contains?|shows?|showing|features?|"
    r"featuring|depicts?|depicting) an? [a-z]"
)
_EVIDENCE = re.compile(
    r"\b(?:supports?|supporting|suggest\w*|indicat\w+|consistent with|points? to\w*|pointing to\w*|"
    r"impl(?:y|ies|ying)|typical of|speaks? for|favou?rs?|signals?|(?:signs?|hallmarks?|features|"
    r"characteristics|traits) of)\b"
)
"""Words for what a detail speaks for."""
_LABEL_TAGS = tuple(LETTER[name] for name in ("FAKE", "REAL", "MADE", "TAKEN"))
_LABELS = re.compile("|".join(_LABEL_TAGS))
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
"""A tail that hedges a verdict and does not turn it round."""
_PLURAL_VERBS = frozenset({"are", "were"})
_IMAGE_GROUPS = ("image", "heading", "called", "lean", "evidence", "noun", "made", "taken")
"""Groups of a shape that say by themselves that the image is meant."""
_YES_NO = compile_parts("YES|NO")
_JUDGEMENT = compile_parts("OPINION|CONCLUDES|DISBELIEF|SO|HENCE")
_OWN_CONCLUSION = compile_parts("I|SO|HENCE")
_ON_TOPIC = compile_parts("SO|HENCE|STATES|SUGGESTS|OPINION|IMAGE")


def find_claims(sentences: Sequence[Sentence]) -> list[LabelClaim]:
    """Every assertion about the image, in order.

    "It" speaks of the image until something else is introduced or called fake ("a fake plant").
    """
    found: list[LabelClaim] = []
    titled, listed = len(sentences), False
    topic = _Topic(sentences)
    for index, sentence in enumerate(sentences):
        hints = sentence.hints
        if hints & Hint.TITLE and titled > index and _is_title(sentence):
            titled = index
        if not hints & Hint.LABEL or not _may_assert(sentence):
            continue
        last = index == len(sentences) - 1
        likely = find_likelihood(sentence)
        matches = () if likely else tuple(_match_shapes(sentence, last=last))
        if not (likely or matches):
            continue
        rank = _compute_rank(sentence, titled=titled <= index)
        mentioned = False
        closing = index >= len(sentences) - _CLOSING_SENTENCES and len(sentences) >= _MIN_LONG_REPLY
        if likely is not None:
            label, words = likely
            found.append(
                LabelClaim(
                    said=label,
                    words=words,
                    weak=False,
                    granted=False,
                    closing=False,
                    rank=rank,
                    place=index,
                )
            )
            topic.mention(index)
            continue
        for match in matches:
            pronoun = _is_pronoun(match)
            named = mentioned or sentence.tags.startswith(LETTER["IMAGE"] + LETTER["STOP"])
            this = closing and _refers_to_image(sentence, match)
            known = named or rank or this or not pronoun or topic.is_image(index)
            if not known or _is_about_other(sentence, match, pronoun=pronoun):
                continue
            mentioned = mentioned or _names_image(match)
            said = None if _heads_evidence(sentence, match) else resolve_label(sentence, match)
            if said is None:
                continue
            evidence = _is_evidence(sentence, match)
            mentioned = True
            closes = last and match.re is grammar.ELLIPTICAL and not listed
            after = islice(sentences, index + 1, index + 1 + _MAX_FOLLOWING_SENTENCES)
            settles = closing and (this or not pronoun)
            rank = max(rank, int(closes), int(settles))
            opens = index < _OPENING_SENTENCES and len(sentences) >= _MIN_LONG_REPLY
            one = _build_claim(sentence, match, said, after, rank, opens=opens)
            found.append(replace(one, closing=settles, place=index, evidence=evidence))
            listed = match.re is grammar.ELLIPTICAL
        if mentioned:
            topic.mention(index)
    return found


def _may_assert(sentence: Sentence) -> bool:
    """Whether a sentence with the word for a label names one and neither asks nor supposes."""
    if _LABELS.search(sentence.tags) is None:
        return False
    return not (sentence.asks or grammar.CONDITIONAL.match(sentence.tags))


class _Topic:
    """Whether "it" speaks of the image where a sentence begins; looked up backwards when asked."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self._sentences = sentences
        self._known: dict[int, bool] = {-1: True}

    def mention(self, index: int) -> None:
        """Note that a sentence speaks of the image."""
        self._known[index] = True

    def is_image(self, index: int) -> bool:
        """Whether "it" is the image in the sentence of this number."""
        place = index - 1
        while place not in self._known:
            kept = _keeps_topic(self._sentences[place])
            if kept is not None:
                self._known[place] = kept
                break
            place -= 1
        on_topic = self._known[place]
        self._known.update(dict.fromkeys(range(place, index), on_topic))
        return on_topic


def _is_evidence(sentence: Sentence, match: Match) -> bool:
    """Whether what is asserted is what something speaks for: "this supports that it is real"."""
    start = find_clause_start(grammar.CLAUSE_BOUND, sentence, match.start())
    return _EVIDENCE.search(" ".join(sentence.words[start : match.end()])) is not None


def _is_title(sentence: Sentence) -> bool:
    if len(sentence.plain) > _MAX_TITLE_LENGTH:
        return False
    return _TITLE.fullmatch(sentence.plain) is not None


def _build_claim(
    sentence: Sentence,
    match: Match,
    said: Authenticity,
    after: Iterable[Sentence],
    rank: int,
    *,
    opens: bool,
) -> LabelClaim:
    """The assertion with its strength; ``after`` are the sentences behind its own.

    An analysis that opens with its verdict is turned only by what speaks against it.
    """
    words = sentence.quote(match.start(), match.end())
    weak = any(match.groupdict().get(name) for name in ("seem", "lean", "evidence"))
    weak = weak or grammar.APPEARANCE_LEAD.search(sentence.tags, 0, match.start()) is not None
    if weak and grammar.ELLIPTICAL_DENIAL.match(sentence.tags, match.end()):
        return LabelClaim(
            said=_turn(said), words=words, weak=False, granted=False, closing=False, rank=rank
        )
    rest = " ".join(sentence.words[match.end() :])
    if opens:
        after = (one for one in after if _may_contradict(said, one))
    turned = weak and _is_contradicted(rest, after, settled=rank > 0)
    start = find_clause_start(grammar.SCOPE_BOUND, sentence, match.start())
    clause = sentence.tags[start : match.end()]
    so_far = sentence.tags[: match.end()].rpartition(LETTER["BUT"])[2]
    granted = LETTER["ALTHOUGH"] in clause or LETTER["FIRST_IMPRESSION"] in so_far
    granted = granted or bool(turned)
    return LabelClaim(said=said, words=words, weak=weak, granted=granted, closing=False, rank=rank)


def _is_contradicted(rest: str, after: Iterable[Sentence], *, settled: bool) -> bool:
    """Whether what follows "looks" turns against it; a cautious tail does not.

    Only the rest of the sentence can turn against a conclusion: notes follow it.
    """
    turn = _CONTRAST_WORDS.search(rest)
    if turn is not None and _CAUTION.search(rest, turn.end()) is None:
        return True
    return not settled and any(
        (turn := _find_contrast(one)) and _CAUTION.search(one.plain, turn.end()) is None
        for one in after
    )


def _may_contradict(said: Authenticity, sentence: Sentence) -> bool:
    """Whether a sentence of an analysis can turn against the verdict that opens it.

    "However" does unless what follows speaks for the verdict; "the railing is fine, but the pattern
    varies" only where it speaks against it.
    """
    turn = _find_contrast(sentence)
    if turn is None:
        return False
    labels, signs = find_cues([sentence])
    heard = labels | signs
    return heard != {said} if turn.start() == 0 else _turn(said) in heard


def _find_contrast(sentence: Sentence) -> Match | None:
    return _CONTRAST_WORDS.search(sentence.plain) if sentence.hints & Hint.TURN else None


def _turn(said: Authenticity) -> Authenticity:
    return Authenticity.REAL if said is Authenticity.FAKE else Authenticity.FAKE


def _compute_rank(sentence: Sentence, *, titled: bool) -> int:
    """How much a sentence concludes, by its words and by whether a title stands before it."""
    concludes = sentence.hints & Hint.CONCLUSION
    if concludes and _FINAL.search(sentence.plain):
        return 2
    return int(titled or (concludes and _CONCLUDING.search(sentence.plain) is not None))


def _match_shapes(sentence: Sentence, *, last: bool) -> Iterator[Match]:
    """Whole shapes and, where a clause begins with one, labels that stand for a sentence."""
    tags = sentence.tags
    shapes = {match.start(): match for match in grammar.FULL_CLAIM.finditer(tags)}
    spans = [match.span() for match in shapes.values()]
    starts = [0, *(match.end() for match in grammar.CLAUSE_START.finditer(tags))]
    end = max(map(tags.rfind, _LABEL_TAGS))
    for before, start in zip([0, *starts], starts, strict=False):
        if start > end:
            break
        if spans and any(low <= start < high for low, high in spans):
            continue
        bare = grammar.ELLIPTICAL.match(tags, start)
        if bare is None:
            continue
        previous, link = tags[before:start], tags[start - 1 : start]
        drawn = link in (LETTER["SO"], LETTER["HENCE"])
        answered = len(previous) <= 3 and _YES_NO.search(previous) is not None
        labelled = _LABELS.search(previous) is not None
        asserted = link != LETTER["COLON"] and any(high <= start for _, high in spans)
        linked = link in (LETTER["AND"], LETTER["BUT"])
        spoken = linked and any(
            grammar.IMAGE_SUBJECT.match(tags, one) for one in starts if one < start
        )
        verb = bare["be"] or bare["seem"]
        elided = (spoken and (verb or (bare["not3"] and bare["noun"]))) or (
            drawn and (verb or bare["not3"])
        )
        ends = not tags[bare.end() :].strip(LETTER["STOP"])
        closes = (
            last and link == LETTER["STOP"] and not verb and ends and (bare["not3"] or not labelled)
        )
        voiced = ends and link == LETTER["COLON"] and grammar.OWN_WORDS.fullmatch(tags, 0, start)
        elided = elided or bool(voiced or (drawn and ends and tags[start - 2] == LETTER["STOP"]))
        led = grammar.NEUTRAL_LEAD.fullmatch(tags, 0, start) is not None
        if led or answered or (asserted and not labelled) or elided or closes:
            shapes.setdefault(start, bare)
            spans.append(bare.span())
    yield from (shapes[place] for place in sorted(shapes))


def _is_pronoun(match: Match) -> bool:
    """Whether all that says the image is meant is "it"."""
    if match.re is grammar.ELLIPTICAL:
        return False
    if match.string[match.start()] == LETTER["COPULA_IDIOM"]:
        return False
    return not any(match.group(*_IMAGE_GROUPS))


def _refers_to_image(sentence: Sentence, match: Match) -> bool:
    """Whether "this" is said, or the writer's own judgement: "I think it is", "so it is"."""
    if "this" in sentence.words[match.start() : match.end()]:
        return True
    before = sentence.tags[: match.start()]
    return _JUDGEMENT.search(before) is not None and _OWN_CONCLUSION.search(before) is not None


def _names_image(match: Match) -> bool:
    return match.re is grammar.FULL_CLAIM and bool(
        match["image"] or match["called"] or _is_pronoun(match)
    )


def _heads_evidence(sentence: Sentence, match: Match) -> bool:
    """Whether a label heads a list of what speaks for it: "features of a real photograph:"."""
    if not sentence.plain.endswith(":") or _names_image(match):
        return False
    return _is_evidence(sentence, match)


def _is_about_other(sentence: Sentence, match: Match, *, pronoun: bool) -> bool:
    """Whether what is called real or fake is something else than the image, or a part of it."""
    return (pronoun and _refers_elsewhere(sentence, match.start())) or _names_part(sentence, match)


def _names_part(sentence: Sentence, match: Match) -> bool:
    """Whether a label is a thing's that the sentence spoke of: "a real picture of the moon"."""
    if match.re is grammar.ELLIPTICAL or match["heading"]:
        return False
    if match["image"]:
        return not _COMPONENT_WORDS.isdisjoint(
            sentence.words[match.start("image") : match.end("image")]
        )
    behind = _OF_WHICH.match(sentence.tags, match.end())
    if behind is None:
        return False
    return sentence.words[behind.end() - 1] in sentence.words[: match.start()]


def _refers_elsewhere(sentence: Sentence, place: int) -> bool:
    """Whether "it" may speak of something else that the sentence is about."""
    tags = sentence.tags[:place]
    if _ON_TOPIC.search(tags):
        return False
    starts = [0, *(match.end() for match in grammar.CLAUSE_START.finditer(tags))]
    others = (grammar.OTHER_SUBJECT.match(tags, start) for start in starts)
    return any(other and sentence.words[other.end() - 1] not in _PLURAL_VERBS for other in others)


def _keeps_topic(sentence: Sentence) -> bool | None:
    """Whether "it" speaks of the image in the next sentence; None where it depends on the last."""
    if sentence.asks or grammar.CONDITIONAL.match(sentence.tags):
        return None
    other = grammar.OTHER_SUBJECT.match(sentence.tags)
    if other is not None and sentence.words[other.end() - 1] not in _PLURAL_VERBS:
        return False
    tags = (
        grammar.IMAGE_CLASS.sub("", sentence.tags)
        if grammar.IMAGE_SUBJECT.match(sentence.tags)
        else (sentence.tags)
    )
    if _LABELS.search(tags) or _INTRODUCED_OBJECT.search(sentence.text):
        return False
    return True if LETTER["IMAGE"] in sentence.tags else None
