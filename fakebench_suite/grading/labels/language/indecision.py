"""Replies that do not decide, and which of their assertions remain valid.

"It could be either" at the start or end of a reply invalidates its statements about details. A
later verdict counts if the reply draws it ("if I had to choose: real"). A qualified doubt ("cannot
be determined with certainty", "without metadata") is caution: it invalidates mere evidence but not
a verdict.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from fakebench_suite.grading.labels.language.assertions import LabelClaim
from fakebench_suite.grading.labels.language.lexicon import Sentence
from fakebench_suite.grading.labels.language.sentences import SentenceFlags

_VERDICT = (
    r"(?:verdicts?|judge?ments?|determinations?|conclusions?|classifications?|decisions?|answers?|"
    r"call|assessment|reply|label|choice)"
)
_SIDE = (
    r"(?:possibilit(?:y|ies)|explanations?|readings?|options?|hypothes[ei]s|answers?|sides?|"
    r"conclusions?|labels?|interpretations?|alternatives?|scenarios?|cases?|origins?|verdicts?|"
    r"directions?|outcomes?)"
)
_LABEL = (
    r"(?:real|fake|genuine|authentic|synthetic|artificial|ai|ai-generated|generated|rendered|"
    r"photo(?:graph)?|photographed|camera|render|synthesized|true|false)"
)
_WHOLE = (
    r"(?:it|this|that|one|either|(?:the|this|that) (?:\w+ )?(?:image|picture|photo(?:graph)?|shot|"
    r"scene|frame|file|screenshot|snapshot|one)(?: here| itself)?|(?:a|the) camera)"
)
_WHETHER = rf"(?:whether|if) {_WHOLE}\b[^.;!?\n]{{0,60}}?\b{_LABEL}\b"
_PAIR = (
    rf"(?:yes or (?:a )?no|no or (?:a )?yes|{_LABEL} or (?:an? )?(?:\w+ )?{_LABEL}|"
    rf"{_LABEL} and (?:an? )?{_LABEL}|either way|one way or (?:the other|another)|"
    rf"which (?:of the two|it is|one it is|is the case)|either (?:\w+ )?(?:{_SIDE}|direction|one|"
    rf"of)|"
    rf"between (?:the two|them|these|those|both|either|(?:an? )?{_LABEL})|"
    rf"(?:as |for |to |of |on )either|one (?:\w+ )?over the other)"
)
_STATUS = (
    r"(?:uncertain|unknown|unclear|open|neutral|can not|do not know|unverified|suspended|withheld|"
    r"reserved|undetermined|unsure|not possible|inconclusive|indeterminate|undecided|undecidable|"
    r"unresolved|ambiguous|not determinable|indeterminable|n/a)"
)
_NOT = (
    r"(?:(?:can|could|will|would|do|does|did|am|is|are) not|unable|impossible|hard|difficult|tough|"
    r"tricky|challenging|hesita\w+|reluctant|declin\w+|rather not|prefer not|irresponsible|"
    r"no (?:\w+ )?(?:way|means)|no one can|nobody can|nothing|none|no feature|without being able)"
)
_DECIDE = (
    r"(?:tell(?:ing)?|say(?:ing)?|determin\w+|decid\w+|judg\w+|know(?:ing)?|settl\w+|establish\w*|"
    r"conclu\w+|ascertain|discern|distinguish\w*|differentiat\w+|separat\w+|answer\w*|call|"
    r"choos\w+|pick|commit|"
    r"giv\w+|mak\w+|offer|render|provid\w+|reach|com\w+ down|classif\w+|label|declar\w+|side|lean"
    r"|favou?r|rule|exclud\w+|allow|permit|support|land|bet|draw|resolve)"
)
_MORE = r"(?:further|additional|more|the|any|its|access|that|this|other|such|seeing|knowing|a|an)"
_QUALIFIED = re.compile(
    r"\b(?:certainty|definitive(?:ly)?|conclusively|for (?:sure|certain)|100%|absolute(?:ly)?|"
    r"categorically|beyond (?:\w+ )?doubt|reliably|entirely|completely|fully|be (?:sure|certain)|"
    r"guarantee\w*|prove[ns]?|proof|confirm\w*|verif\w+"
    rf"|(?:without|absent|lacking) {_MORE})\b"
)
"""Words that make a doubt mere caution."""
_NOT_A_DETAIL = r"(?! (?:you )?(?:exactly )?(?:where|who|when|how|what|which (?!of|it|one)))"
_EXPLICIT = re.compile(
    "|".join(
        (
            rf"\b{_NOT} [^.;!?\n]{{0,60}}?\b{_DECIDE}\b[^.;!?\n]{{0,60}}?"
            rf"\b(?:{_PAIR}|{_WHETHER}|authenticity)\b",
            rf"\b(?:can not|could not|unable to|not able to|not (?:going|willing|ready|"
            rf"prepared) to|"
            rf"impossible to|not possible to|hard to|difficult to|reluctant to|will not|would not)"
            rf" (?:\w+ ){{0,4}}?(?:make|give|reach|offer|provide|render|draw|commit to|settle on|"
            rf"come to|issue|form|bet on)"
            rf" (?:you )?(?:(?:an?|any|the|my) )?(?:[\w/-]+ ){{0,3}}?(?:{_VERDICT}|either)\b"
            rf"(?! (?:about|on|regarding|as to) (?:who|where|when|how|(?:the|this) (?:person|"
            rf"man|woman"
            rf"|model|location|camera|source|tool)))"
            rf"|(?:can|could|will|would) not (?:supply|give|offer|provide|make|reach|name) "
            rf"(?:you )?(?:one|any|either)\b"
            rf"|(?<=\bi )do not have (?:an? |any )?(?:\w+ )?"
            rf"(?:{_VERDICT}|opinion|view)\b",
            rf"\bno (?:\w+ ){{0,2}}?{_VERDICT} (?:can|could|is|was|will|would|seems)\b",
            rf"\b{_VERDICT} (?:one way or another |in either direction |here |on this )*"
            rf"(?:is|are|seems|would|remains) (?:\w+ )?(?:not (?:\w+ )?|im)(?:be )?"
            rf"(?:possible|available|supported|warranted|justified|feasible)",
            rf"\b{_VERDICT} ?(?:\w+ ){{0,3}}?(?:is|remains|at|would be|stays|:) ?(?:that )?"
            rf"(?:it is |i )?(?:left )?{_STATUS}\b",
            r"(?:(?<=\bi )|(?<=\blly )|(?<=\bsay )|(?<=answer )|(?<=verdict )|(?<=\bis ))can not "
            r"(?:\w+ )?(?:say|tell|decide|answer)(?= ?(?:[.,;!:]|$|from|based|for))"
            r"|left undecided",
            rf"\b(?:withh(?:o|e)ld|reserv|suspend)\w* (?:\w+ )?{_VERDICT}\b"
            rf"|\b{_VERDICT} (?:is |must be )?(?:withheld|suspended|reserved)\b",
            rf"(?<=\bi )do not know(?: (?:{_WHETHER}|which (?:of|it|one))|[.,;!]|$)"
            rf"|\b(?:unsure|uncertain|unclear|not (?:\w+ )?(?:sure|certain|clear))"
            rf"(?: as to| of| about)? (?:{_WHETHER}|which (?:of|it|one))",
            rf"(?:yes or (?:a )?no|binary|forced (?:choice|answer)|{_LABEL} or {_LABEL})"
            r"\b[^.;!?\n]{0,40}\bwould\b[^.;!?\n]{0,30}(?:misle\w+|overstate|speculat\w+|guess|"
            r"irresponsible|arbitrary|dishonest|coin)",
            rf"\bwhether {_WHOLE}\b[^.;!?\n]{{0,60}}?\b{_LABEL}\b[^.;!?\n]{{0,60}}?"
            rf"\b(?:is impossible|is hard|is difficult|remains|can not|"
            rf"is not something|is an open|is unclear|"
            rf"is uncertain|i can not)",
            rf"\b(?:does|do|did) not (?:allow|permit|support) (?:an?|any) (?:\w+ )?{_VERDICT}\b",
            rf"\bauthenticity [^.;!?\n]{{0,30}}?\b(?:can not be|remains|stays|is) (?:\w+ )?"
            rf"(?:{_STATUS}|determined|established|settled|decided|judged)\b",
        )
    )
)
"""Statements that the verdict itself is left open."""
_LOOSE = re.compile(
    "|".join(
        (
            rf"\b(?:can not|could not|may not) (?:\w+ )?be (?:\w+ )?(?:determined|decided|settled|"
            rf"established|answered|judged|resolved|concluded|ascertained|reached|given|told){_NOT_A_DETAIL}",
            r"\b(?:inconclusive|indeterminate|undetermined|undecided|undecidable|unresolved|"
            r"ambiguous|"
            r"too close to call|open question|coin (?:toss|flip)|coin-?flip|flip(?:ping)? a coin|"
            r"toss(?:ing)? a coin|toss-?up|50 ?[/-] ?50|fifty-fifty|even odds|jury is (?:\w+ )?out|"
            r"(?:anyone|anybody)(?: is)? guess|on the fence|abstain|guesswork|not determinable|"
            r"agnostic|no idea|no clue|call(?:ing)? (?:it|this|this one) a (?:draw|tie)|"
            r"(?:does|do) not (?:contain|hold|offer|carry|have) "
            r"(?:\w+ ){0,2}(?:information|evidence|details?|clues)(?: \w+)? to "
            r"(?:tell|decide|say|judge|determine)(?! (?:where|who|when|how|what|which)))\b",
            r"\b(?:odds|chances|probabilities|likelihoods) (?:\w+ ){0,2}(?:even|equal)\b",
            r"\b(?:would|could|can) (?:only |just |merely |still )*be "
            r"(?:(?:an?|no more than|no better than|nothing but|little more than|mere|pure|sheer|"
            r"blind)"
            r" )*(?:guess(?:ing)?|speculation|misleading|speculative|arbitrary|premature)\b",
            rf"(?:(?:not|never|neither)(?: \w+){{0,2}}? (?:enough|sufficient)|insufficient)"
            rf"(?: \w+){{0,6}}? (?:to|for) (?:\w+ ){{0,2}}?(?:{_DECIDE}{_NOT_A_DETAIL}|"
            rf"an? (?:\w+ )?{_VERDICT})",
            r"\b(?:no|any|little|without|lacks?) (?:\w+ ){0,2}(?:basis|grounds?|reasons?)"
            rf" (?:for|to|on which to) (?:\w+ )?(?:{_DECIDE}|prefer\w*|an? )\b(?=.*\b(?:either|one|"
            rf"over|both|two|{_PAIR}))",
            rf"\b(?:both|either|all|the two|neither) (?:of (?:these|them|the two) )?(?:{_SIDE} )?"
            r"(?:(?:is|are|was|were|remains?|seems?|fits?|stays?|holds?|can|could|would|wins?|"
            r"may) )+"
            r"(?:\w+ ){0,3}?(?:possible|plausible|open|likely|well|excluded|ruled|true|"
            r"favou?red|preferred|wins|separated|warranted|confirmed|defensible|pixels|equally)\b",
            rf"\b(?:neither|either) (?:of (?:these|them|the two) )?{_SIDE} (?:fits|wins|works|"
            rf"prevails"
            r"|stands out|is|can|could)\b",
            r"\b(?:could|might|may|can) (?:be )?(?:either|go either way)\b",
            r"\b(?:could|might|may) (?:be|have been) [^.;!?\n]{1,50}?\b(?:or|and|,) "
            r"[^.;!?\n]{0,20}?\b(?:could|might|may) (?:\w+ )?(?:be|have been)\b",
            r"\b(?:could|might|may) (?:just as (?:easily|well)|equally)(?: well)? be\b",
            r"\b(?:cancel|offset|balance|neutrali[sz]e)s? (?:each other|one another|out)\b"
            r"|\b(?:evenly|equally) (?:split|divided|balanced|matched)\b"
            r"|\bevidence (?:is|remains) (?:\w+ )?(?:balanced|split|divided|mixed)\b",
            r"\btips? the (?:balance|scales?)\b|\b(?:both|opposite) (?:ways|directions)\b"
            r"|(?:either|neither) (?:direction|side|conclusion|label)\b"
            r"|(?<=support )neither\b|(?<=supports )neither\b|\bno (?:\w+ )?(?:preference|opinion|"
            r"lean)\b"
            r"|\b(?:either|neither|one) way\b",
            r"\bhold(?:ing)? off\b|\bstop(?:ping)? short of\b|\bverdict open\b"
            r"|\b(?:leav(?:e|ing)|left|remains?|stays?) (?:\w+ ){0,3}?(?:open|undecided|"
            r"unanswered)\b",
            r"\bno way of (?:knowing|telling)\b|(?:back and forth|torn)\b",
            r"\b(?:impossible|no way) to (?:know|say|tell)\b"
            r"(?= ?(?:[.,;!]|$|without|from|on|with|at|based|by|for|just)\b| ?$)",
            r"\b(?:nothing|none|no (?:feature|detail|clue|evidence))\b[^.;!?\n]{0,40}?\b"
            r"(?:decide|decisive|decides|settles?|conclusive)\b(?! (?:where|when|who|how|against|"
            r"for))",
        )
    )
)
"""Statements that leave something open, possibly the verdict."""
_LEFT_OPEN = re.compile(
    r"\b(?:(?:hard|difficult|impossible|not possible|tough) to (?:tell|say|determine|know|judge)"
    r"|could be either|might be either|may be either|inconclusive|undetermined|undecided"
    r"|can not be (?:determined|settled|decided|established)|coin toss|one way or the other)\b"
    r"(?! (?:the )?(?:exact |precise )?(?:location|place|date|time|model|source of|identity|where|"
    r"who))"
)
"""Statements that leave something open, anywhere in a reply."""
_CUES = re.compile(
    r"\b(?:(?:do|does|did|am|is|are|will) (?=not\b)"
    r"|(?:can|could|would|may|might) (?=(?:not|only|just|still|merely|be|have|either|go|equally)\b)"
    rf"|no (?=(?:\w+ ){{0,3}}?(?:{_VERDICT}|basis|grounds?|reasons?|way|means|preference|opinion|"
    rf"lean|"
    r"feature|detail|clue|evidence|can)\b)"
    rf"|{_VERDICT} ?(?=(?:\w+ ){{0,6}}?(?:is|are|seems|would|remains|at|stays|must|withheld|"
    rf"reserved|"
    r"suspended|open|:))"
    rf"|{_LABEL} or\b|(?:not|never|nothing|none|nobody|neither|either|both|all|the two|unable|"
    r"impossible|hard|difficult|tough|tricky|challenging|reluctant|rather not|prefer not|"
    r"insufficient|"
    r"irresponsible|withh(?:o|e)ld|reserv\w*|suspend\w*|unsure|uncertain|unclear|yes or|binary|"
    r"forced|"
    r"whether|authenticity|odds|chances|probabilities|likelihoods|any|little|without|lacks?|"
    r"cancels?|"
    r"offsets?|balances?|tips?|opposite|one way|evidence (?:is|remains)|holding|hold off|stop|"
    r"stopping|"
    r"leav(?:e|ing)|left|remains?|stays?|back|torn|abstain|guesswork|ambiguous|on the fence|"
    r"too close|"
    r"open question|even odds|evenly|equally|jury|any(?:one|body)|fifty|50|coin|flip|flipping|"
    r"toss|tossing|toss-?up|hesita\w+|declin\w+)\b"
    r"|agnostic|no (?:idea|clue)|call(?:ing)? (?:it|this)|inconclus|indetermin"
    r"|undetermin|undecid|unresolv|neutrali)"
)
"""Beginnings of the statements above."""
_GENERAL_STATEMENT = re.compile(
    r"\b(?:increasingly|nowadays|these days|sometimes|often|people|humans|in general|generators|"
    r"models|human eye|at first|for (?:a|the) (?:human|casual)|harder|can be (?:very |quite )?"
    r"(?:hard|difficult)|without (?:any )?(?:doubt|hesitation))\b"
)
"""Words of statements about such images in general."""
_STATED_OPINION = re.compile(
    r"\b(?:i|me|my|we)\b[^.;!?\n]{0,40}\b(?:think|believe|lean\w*|say|suspect|guess|bet|choose|"
    r"pick|"
    r"go|answer|verdict|call|judge|conclude|incline\w*|tend|opt|side|view|opinion|conclusion)\b"
    r"|^(?:but|however|still|nevertheless|nonetheless|that (?:being )?said|yet|even so|on balance|"
    r"overall|all in all|taken together|if (?:i|you|forced|pressed|pushed|made)|if i had|therefore|"
    r"so|more likely|most likely|gun to)\b|\b(?:more|most) likely\b"
)
"""Words by which a reply states a verdict despite its doubts."""
_APPEARANCE_VERBS = ("appear", "seem", "look", "sound", "feel")
_OPENING_SENTENCES, _MIN_CLOSING_SENTENCES, _MAX_CLOSING_SENTENCES = 2, 3, 7
"""Sentences at a reply's start that may hold its result; at its end, the least and the most."""


class DoubtLevel(IntEnum):
    """How far a reply leaves the matter open."""

    NONE = 0
    CAUTION = 1
    """It is not certain; a verdict remains valid."""
    LOOSE = 2
    """Something is left open, possibly the verdict; direct statements remain valid."""
    OPEN = 3
    """The verdict is explicitly left open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indecision:
    """The strongest doubt of a reply."""

    doubt: DoubtLevel
    index: int
    """Index of its last sentence."""
    words: str


def find_indecision(sentences: Sequence[Sentence], settled: int = -1) -> Indecision:
    """Return the strongest doubt at the start and end of a reply; the last of equal ones.

    Sentences up to index ``settled``, at which the reply concludes, are ignored.
    """
    indecision = Indecision(doubt=DoubtLevel.NONE, index=-1, words="")
    for index in (*range(min(_OPENING_SENTENCES, len(sentences))), *_find_ending(sentences)):
        if index <= settled:
            continue
        sentence = sentences[index]
        if not sentence.hints & SentenceFlags.DOUBT:
            continue
        plain = sentence.plain
        starts = [cue.start() for cue in _CUES.finditer(plain)]
        if not starts or sentence.asks:
            continue
        stated = explicit = _match_first(_EXPLICIT, plain, starts)
        stated = stated or _match_first(_LOOSE, plain, starts)
        if stated is None or _GENERAL_STATEMENT.search(plain):
            continue
        doubt = DoubtLevel.OPEN if explicit else DoubtLevel.LOOSE
        if _QUALIFIED.search(plain):
            doubt = DoubtLevel.CAUTION
        if doubt >= indecision.doubt:
            indecision = Indecision(doubt=doubt, index=index, words=stated)
    return indecision


def _match_first(pattern: re.Pattern[str], plain: str, starts: Sequence[int]) -> str | None:
    """Return the first match of a pattern at one of the positions."""
    for start in starts:
        if (match := pattern.match(plain, start)) is not None:
            return match[0]
    return None


def _find_ending(sentences: Sequence[Sentence]) -> range:
    """Return the indices of the sentences of the last two paragraphs, within bounds."""
    last = len(sentences)
    paragraphs, index = 0, last
    while index > max(_OPENING_SENTENCES, last - _MAX_CLOSING_SENTENCES) and paragraphs < 2:
        index -= 1
        paragraphs += sentences[index].opens
    return range(max(_OPENING_SENTENCES, min(index, last - _MIN_CLOSING_SENTENCES)), last)


def is_left_open(sentences: Sequence[Sentence]) -> bool:
    """Return whether anything is left open anywhere, which mere appearance does not outweigh."""
    return any(
        _LEFT_OPEN.search(sentence.plain) and not _QUALIFIED.search(sentence.plain)
        for sentence in sentences
        if sentence.hints & SentenceFlags.DOUBT
    )


def is_upheld(claim: LabelClaim, indecision: Indecision, sentences: Sequence[Sentence]) -> bool:
    """Return whether an assertion remains valid despite the doubts of a reply that has some."""
    if claim.evidence and (
        not claim.conclusion_rank or (claim.weak and indecision.doubt is DoubtLevel.OPEN)
    ):
        return False
    if indecision.doubt is DoubtLevel.CAUTION:
        return True
    if indecision.doubt is DoubtLevel.LOOSE and not claim.weak:
        return True
    if claim.index < indecision.index:
        return False
    plain = sentences[claim.index].plain
    if claim.index == indecision.index and 0 <= plain.find(" but ") < plain.rfind(claim.words):
        return True
    is_appearance = claim.weak and claim.words.startswith(
        _APPEARANCE_VERBS
    )  # Only a part of a description.
    return (claim.conclusion_rank > 0 and not is_appearance) or _STATED_OPINION.search(
        plain
    ) is not None
