"""Where a reply takes back what it said before; what stands behind the last such place counts."""

import re

_ANNOUNCED = "|".join(
    (
        "wait|hold on|scratch that|correction|just kidding|then again|please disregard",
        "on (?:second thoughts?|reflection)",
        r"let me (?:correct|rephrase|revise|reconsider)[\w ]*",
        "i (?:take (?:that|it|this) back|(?:withdraw|retract) (?:that|it|this))",
        "i meant(?: to say)?",
        "actually,? (?:no|yes)",
        r"i am (?:therefore |now )?(?:changing|revising|going to change) "
        r"(?:it|my (?:answer|verdict|judge?ment))(?: from \w+)? to",
        r"i (?:(?:have to|must|will|now|therefore|thus|hence) )*(?:change|revise|correct|withdraw) "
        r"my (?:answer|mind|verdict|judge?ment|opinion|view|conclusion|assessment|first \w+)"
        r"(?: from \w+)?(?: to)?",
    )
)
_CORRECTION = re.compile(
    r"(?:^|[.,!?;:-] |\n)(?:hmm+,? |oh,? |no,? |but |sorry,? |actually,? )*"
    rf"(?:{_ANNOUNCED})(?!\w)(?! for\b)|"
    r"(?:[.!] |\n)actually,? (?=i am not|i can not|there is not|on reflection|that is not)|"
    r"(?:\.\.\.|[.!]) ?no, (?=(?:it|this|that|fake|real)\b)"
)


def find_correction(plain: str) -> str | None:
    """The clean text behind the last correction; None where nothing is taken back."""
    ends = [match.end() for match in _CORRECTION.finditer(plain)]
    return plain[ends[-1] :].strip(" ,.:;-!") if ends else None
