"""Replies that decline, or that say that the model is unable."""

import re

_ABILITY = (
    r"(?:determine|tell|say|assist|help|verify|confirm|judge|assess|answer|know|establish)"
    r"(?!(?: you| exactly)? (?:where|how|who|when|what|which|why)\b)"
)
_REFUSAL = re.compile(
    "|".join(
        (
            r"\bi am (?:sorry|unable)\b",
            r"\bi would (?:prefer|rather) not\b(?! (?:to )?(?:guess|speculate))",
            r"\b(?:do|would) not feel comfortable\b",
            r"\bi am not (?:able|in a position|allowed|permitted|going to|comfortable)\b",
            rf"\b(?:unable|(?:not possible|impossible) for me|not able) to (?:\w+ly )?"
            rf"(?:{_ABILITY}|view|see|access|open|process|analy[sz]e|provide|comment)\b",
            rf"\b(?:can|could|will) not (?:\w+ly |possibly )?(?:{_ABILITY}|provide|identify|"
            r"view|comply|analy[sz]e|access|evaluate|comment|discuss|fulfil|process|give|offer|"
            r"reach|"
            r"conclude|certify|authenticate|decide|open|carry out|do (?:that|this)|"
            r"(?:make|draw|express|offer|render|issue|venture|form|state|speculate)"
            r" (?:an? |that |this |any |such )*(?:\w+ )?(?:judge?ments?|determination|call|"
            r"inferences?|conclusions?|opinions?|verdicts?|assessments?)|"
            r"see (?:the|this|any|your) (?:image|picture|photo))\b",
            r"\bdo(?:es)? not have the (?:capability|ability|means|tools|capacity)",
            r"\bmust decline|\bdeclined?\b|\bpass on this|\bno comment\b",
            r"\b(?:beyond|outside)(?: of)? (?:what (?:i|my)|my)\b",
            r"\bdo not allow|\b(?:guidelines|polic(?:y|ies)|rules) (?:prevent|prohibit|forbid)",
            r"\bno (?:image|picture) (?:was|has been|is|came)\b",
            r"\bam (?:just |only )?an? (?:ai|text|language)\b",
        )
    )
)


_MAX_START = 500
"""Characters at the start of a reply in which it may decline; later ones express a doubt."""


_UNDECIDED = re.compile(
    "|".join(
        (
            r"\b(?:no|any|a|sufficient|enough|firm|clear) (?:\w+ )?(?:basis|grounds?|reasons?) "
            r"(?:for|to|on which to) (?:choos|choice|decid|pick|prefer|favou?r|lean)",
            r"\b(?:choose|pick|decide|favou?r|commit to|settle on|lean toward|distinguish|call it|"
            r"rule out|exclude|confirm|side with) "
            r"(?:either\b|between\b|neither\b|one (?:over|or) the other)",
            r"\bneither (?:\w+ )?(?:side|option|answer|reading|hypothesis|explanation|possibility|"
            r"alternative|label|case|set|list|verdict|can be|is) ",
            r"\b(?:indicators?|evidence|signals?|clues?|signs?|cues?|observations?|results?) "
            r"(?:is|are|remains?|seems?|points?) "
            r"(?:too |rather |quite |very |genuinely |simply |evenly )*(?:mixed|balanced|"
            r"inconclusive|ambiguous|contradictory|in both directions|both ways|"
            r"(?:equally )?divided)",
            r"\b(?:could|might|may) (?:just as (?:easily|well) |equally (?:well )?)?be "
            r"[^.!?\n]{2,70}\bor (?:just as (?:easily|well) |equally )?(?:an? |the )?(?:\w+ ){0,2}"
            r"(?:generated|ai|synthetic|rendered|fake|real|genuine|authentic|photo)",
            r"\b(?:50[/-]50|fifty-fifty|toss-?up|coin (?:toss|flip)|either way|both (?:are|remain|"
            r"readings|options|possibilities|explanations) (?:\w+ )?(?:possible|plausible|open|fit|"
            r"hold|remain))\b",
            r"\bmay be [^.!?\n]{1,40}也 ?may be\b|既 ?(?:不能|无法|can not|不足以)[^.!?\n]{1,60}"
            r"也 ?(?:不能|无法|can not|不足以)|各占一半|五五开|两种可能|都有可能|无法选择"
            r"|无从选择"
            r"|left undecided",
            r"\bnone of (?:these|this|them|the \w+) (?:is|are) (?:\w+ )?(?:decisive|conclusive)\b"
            r"|\b(?:evenly|equally) (?:divided|split|balanced|matched)\b|\beven odds\b"
            r"|\bleaning in either direction\b|\bwould be (?:an? )?(?:\w+ )?guess\b"
            r"|\b(?:nothing|none|neither) [^.!?\n]{0,40}\bdistinguish(?:es)? (?:an? )?(?:real|fake|"
            r"gen)"
            r"|\benough evidence to commit\b",
        )
    )
)
"""Words that compare both labels and leave them open, which is not a refusal."""


def find_refusal(plain: str) -> str | None:
    """Return the words of a normalized text that decline; None if there are none."""
    match = _REFUSAL.search(plain, 0, _MAX_START)
    if match is None or _UNDECIDED.search(plain):
        return None
    return match[0]
