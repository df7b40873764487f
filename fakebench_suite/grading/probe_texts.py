"""Grading texts about probes against what was planted, which is known exactly.

Reads which criteria a reply calls into question; no model is asked. This works for probes only:
for the paper's open clues a text judge is needed, and without one they stay unscored.
"""

import re

_CRITERION_WORDS = {
    "texture": r"textur\w*|\btil(?:e|es|ed|ing)\b|repeat(?:s|ed|ing)?\b|repetiti\w+|grid-?like",
    "edge": r"\bedges?\b|\bhalos?\b|over-?sharpen\w*",
    "clarity": r"\bclarity|\bblur\w*|out of focus|unsharp",
    "light & shadow": r"\blight(?:ing)?\b|\bshadows?\b|illumination",
    "layout": r"\blayout|composition|arrangement",
    "symmetry": r"symmetr\w*|\bmirror\w*",
    "reflection": r"reflections?\b",
    "perspective": r"perspective|vanishing|\bstretch\w*",
    "shape": r"\bshapes?\b|\boutlines? break|shifted strips?|\bjagged|\bstaircase",
    "theme": r"\bthemes?\b",
    "content deficiency": r"deficien\w+|\bmissing\b|flat patch|\bblank\b|\bempty\b",
    "distortion": r"distort\w*|\bwarp\w*|swirl\w*|\btwist\w*|\brippl\w*|\bwav(?:y|es)\b",
    "unrealistic": r"\bunrealis\w+|negative\b|invert\w*",
    "overall tone": r"\btones?\b|colou?r cast|\btint\w*|\brainbow",
}
_CRITERION_PATTERNS = {
    name: re.compile(signs, re.IGNORECASE) for name, signs in _CRITERION_WORDS.items()
}
_NATURAL = re.compile(
    r"\b(?:natural|realistic|normal|consistent|coherent|correct|intact|plausible|convincing|"
    r"accurate|fine|believable|faultless|flawless)\b",
    re.IGNORECASE,
)
_UNNATURAL = re.compile(
    r"\b(?:unnatural|unrealistic|inconsisten\w+|incoheren\w+|incorrect|implausible|abnormal|"
    r"artificial|strange|odd|wrong|broken|manipulated|fake|artifacts?|distort(?:ed|ions?)|"
    r"blurr(?:ed|y)|deficien\w+)\b",
    re.IGNORECASE,
)
_NEGATOR = re.compile(
    r"(?:\b(?:not|no|nothing|never|without|neither|nor|lacks?|lacking|hardly|barely)\b|n['’]t\b|"
    r"\bfar from\b|\bfree (?:of|from)\b|\b(?:no|little) reason to (?:call|find|think|believe)\b)"
    r"(?:\W+\w+){0,3}\W+$",
    re.IGNORECASE,
)
_NEGATION_REACH = 100
"""Letters before a judgement in which a negator is looked for."""
_MAX_LENGTH = 50_000
"""Letters of a text that are read: more is a model that does not stop."""
_CLAUSE = re.compile(r"(?<=[.!?;]) |,? \b(?:but|while|whereas|although|however)\b,? ")
_PART = re.compile(r"(?<=,) | (?=and\b)")


def split_clauses(text: str) -> list[str]:
    """Sentences, the parts a contrast splits them into, and parts that each judge something.

    "The edge is natural, the shape is not natural" are two clauses, "The edge and the shape are
    natural" is one.
    """
    lines = (" ".join(line.split()) for line in text[:_MAX_LENGTH].splitlines())
    clauses = (clause for line in lines for clause in _CLAUSE.split(line))
    return [part for clause in clauses if clause for part in _split_parts(clause)]


def _split_parts(clause: str) -> list[str]:
    parts: list[list[str]] = [[]]
    judges = False
    for part in _PART.split(clause):
        judging = bool(_NATURAL.search(part) or _UNNATURAL.search(part))
        if judges and judging:
            parts.append([part])
        else:
            parts[-1].append(part)
        judges = judges or judging
    return [" ".join(part) for part in parts if part]


def parse_natural(text: str) -> bool | None:
    """Whether a text calls what it describes natural; None when it says neither, or both."""
    said = {one for clause in split_clauses(text) for one in _parse_polarity(clause)}
    return said.pop() if len(said) == 1 else None


def _parse_polarity(clause: str) -> set[bool]:
    """What a clause says of its subject: True for natural; a negator just before turns it round."""
    return {
        sound
        != bool(_NEGATOR.search(clause[max(0, match.start() - _NEGATION_REACH) : match.start()]))
        for sound, pattern in ((True, _NATURAL), (False, _UNNATURAL))
        for match in pattern.finditer(clause)
    }


def named_criteria(text: str) -> frozenset[str]:
    """The criteria a reply puts in question: named in a clause that does not call them sound."""
    return frozenset(
        name
        for clause in split_clauses(text)
        if _parse_polarity(clause) != {True}
        for name, pattern in _CRITERION_PATTERNS.items()
        if pattern.search(clause)
    )


def f1_of_named(text: str, planted: str) -> float:
    """Twice the F1 of the criteria named against the one planted: 2 exact, 1 with two too many."""
    named = named_criteria(text)
    if planted not in named:
        return 0.0
    return 2 * 2 / (len(named) + 1)
