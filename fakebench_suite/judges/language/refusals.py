"""Where a reply declines or says that it is unable, in the words that say so."""

import re

_ABLE = r"(?:determine|tell|say|assist|help|verify|confirm|judge|assess|answer|know|establish)"
_REFUSAL = re.compile(
    r"\bi am (?:sorry|unable|not able|not in a position|not allowed|not permitted|not going to|"
    r"not comfortable)\b|"
    rf"\b(?:unable|not possible|impossible|not able)(?: for me)? to (?:\w+ly )?{_ABLE}\b|"
    rf"\b(?:can|could|will|would) not (?:\w+ly |possibly )?(?:{_ABLE}|provide|identify|comply|view|"
    r"analy[sz]e|access|evaluate|comment|discuss|fulfil|process|give|offer|reach|conclude|certify|"
    r"authenticate|decide|open|make (?:a |that |this |any )?(?:judge?ments?|determination|call)|"
    r"see (?:the|this|any|your) (?:image|picture|photo)|do (?:that|this))\b|"
    r"\bdo(?:es)? not have the (?:capability|ability|means|tools|capacity)|\bmust decline|"
    r"\bdeclined?\b|\bpass on this|\b(?:beyond|outside)(?: of)? (?:what|my)\b|\bdo not allow|"
    r"\brather not\b|\bno (?:image|picture) (?:was|has been|is)\b|\bno comment\b|"
    r"\bam (?:just |only )?an? (?:ai|text|language)\b"
)


def find_refusal(plain: str) -> str | None:
    """The words of a clean text that decline; None where there are none."""
    found = _REFUSAL.search(plain)
    return None if found is None else found[0]
