"""Grade texts about probes exactly, from the planted forgery.

The grader finds the criteria that a reply calls into question, without a model. This works for
probes only; the paper's open clues need a text judge, and without one they are unscored.
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
"""Words that name a criterion."""
_CRITERION_PATTERNS = {
    name: re.compile(signs, re.IGNORECASE) for name, signs in _CRITERION_WORDS.items()
}
_NATURAL = re.compile(
    r"\b(?:natural|realistic|normal|consistent|coherent|correct|intact|plausible|convincing|"
    r"accurate|fine|believable|faultless|flawless)\b",
    re.IGNORECASE,
)
"""Words that call something natural."""
_UNNATURAL = re.compile(
    r"\b(?:unnatural|unrealistic|inconsisten\w+|incoheren\w+|incorrect|implausible|abnormal|"
    r"artificial|strange|odd|wrong|broken|manipulated|fake|artifacts?|distort(?:ed|ions?)|"
    r"blurr(?:ed|y)|deficien\w+)\b",
    re.IGNORECASE,
)
"""Words that call something unnatural."""
_NEGATOR = re.compile(
    r"(?:\b(?:not|no|nothing|never|without|neither|nor|lacks?|lacking|hardly|barely)\b|n['’]t\b|"
    r"\bfar from\b|\bfree (?:of|from)\b|\b(?:no|little) reason to (?:call|find|think|believe)\b)"
    r"(?:\W+\w+){0,3}\W+$",
    re.IGNORECASE,
)
"""A negation and at most three words after it."""
_NEGATION_REACH = 100
"""Characters before a word in which a negation is searched for."""
_MAX_LENGTH = 50_000
"""Characters of a text that are read; longer texts come from models that do not stop."""
_CLAUSE_BOUNDARY = re.compile(r"(?<=[.!?;]) |,? \b(?:but|while|whereas|although|however)\b,? ")
_PART_BOUNDARY = re.compile(r"(?<=,) | (?=and\b)")


def split_clauses(text: str) -> list[str]:
    """Split a text into sentences, contrasted parts, and parts with an assessment each.

    "The edge is natural, the shape is not natural" has two clauses, "The edge and the shape are
    natural" has one.
    """
    lines = (" ".join(line.split()) for line in text[:_MAX_LENGTH].splitlines())
    clauses = (clause for line in lines for clause in _CLAUSE_BOUNDARY.split(line))
    return [part for clause in clauses if clause for part in _split_parts(clause)]


def _split_parts(clause: str) -> list[str]:
    """Split a clause at commas and "and" before each further assessment."""
    parts: list[list[str]] = [[]]
    has_assessment = False
    for part in _PART_BOUNDARY.split(clause):
        is_assessment = bool(_NATURAL.search(part) or _UNNATURAL.search(part))
        if has_assessment and is_assessment:
            parts.append([part])
        else:
            parts[-1].append(part)
        has_assessment = has_assessment or is_assessment
    return [" ".join(part) for part in parts if part]


def parse_natural(text: str) -> bool | None:
    """Return whether a text calls its subject natural; None if it says neither or both."""
    assessments = {
        assessment for clause in split_clauses(text) for assessment in _parse_polarity(clause)
    }
    return assessments.pop() if len(assessments) == 1 else None


def _parse_polarity(clause: str) -> set[bool]:
    """Return the assessments in a clause: True for natural; a negation just before inverts it."""
    return {
        natural
        != bool(_NEGATOR.search(clause[max(0, match.start() - _NEGATION_REACH) : match.start()]))
        for natural, pattern in ((True, _NATURAL), (False, _UNNATURAL))
        for match in pattern.finditer(clause)
    }


def named_criteria(text: str) -> frozenset[str]:
    """Return the criteria that a reply calls into question.

    A criterion counts if a clause names it and does not call it natural.
    """
    return frozenset(
        name
        for clause in split_clauses(text)
        if _parse_polarity(clause) != {True}
        for name, pattern in _CRITERION_PATTERNS.items()
        if pattern.search(clause)
    )


def f1_of_named(text: str, planted: str) -> float:
    """Return twice the F1 of the named criteria: 2 if only the planted one, 1 with two others."""
    named = named_criteria(text)
    if planted not in named:
        return 0.0
    return 2 * 2 / (len(named) + 1)
