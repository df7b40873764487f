"""Where a reply declines or says that it is unable, in the words that say so."""

import re

_ABLE = (
    r"(?:determine|tell|say|assist|help|verify|confirm|judge|assess|answer|know|establish)"
    r"(?! (?:where|how|who|when)\b)"
)
_REFUSAL = re.compile(
    "|".join(
        (
            r"\bi am (?:sorry|unable)\b",
            r"\bi would (?:prefer|rather) not\b(?! (?:to )?(?:guess|speculate))",
            r"\b(?:do|would) not feel comfortable\b",
            r"\bi am not (?:able|in a position|allowed|permitted|going to|comfortable)\b",
            rf"\b(?:unable|(?:not possible|impossible) for me|not able) to (?:\w+ly )?"
            rf"(?:{_ABLE}|view|see|access|open|process|analy[sz]e|provide|comment)\b",
            rf"\b(?:can|could|will) not (?:\w+ly |possibly )?(?:{_ABLE}|provide|identify|"
            r"view|comply|analy[sz]e|access|evaluate|comment|discuss|fulfil|process|give|offer|reach|"
            r"conclude|certify|authenticate|decide|open|carry out|do (?:that|this)|"
            r"make (?:a |that |this |any )?(?:judge?ments?|determination|call)|"
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


_OPENING = 500
"""Letters at the start of a reply in which it declines; later ones report a doubt."""


def find_refusal(plain: str) -> str | None:
    """The words of a clean text that decline; None where there are none."""
    found = _REFUSAL.search(plain, 0, _OPENING)
    return None if found is None else found[0]
