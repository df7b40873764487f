"""Grading texts about probes against what was planted, which is known exactly.

Reads which criteria a reply calls into question; no model is asked. This works for probes only:
for the paper's open clues a text judge is needed, and without one they stay unscored.
"""

import re

_SIGNS = {
    "texture": r"textur\w*|\btil(?:e|es|ed|ing)\b|repeat(?:s|ed|ing)?\b|repetiti\w+|grid-?like",
    "edge": r"\bedges?\b|\bhalos?\b|over-?sharpen\w*",
    "clarity": r"\bclarity|\bblur\w*|out of focus|unsharp",
    "light & shadow": r"\blight(?:ing)?\b|\bshadows?\b|illumination",
    "layout": r"\blayout|composition|arrangement",
    "symmetry": r"symmetr\w*|\bmirror\w*",
    "reflection": r"reflections?\b",
    "perspective": r"perspective|vanishing",
    "shape": r"\bshapes?\b|\boutlines? break|shifted strips?|\bjagged|\bstaircase",
    "theme": r"\bthemes?\b",
    "content deficiency": r"deficien\w+|\bmissing\b|flat patch|\bblank\b|\bempty\b",
    "distortion": r"distort\w*|\bwarp\w*|swirl\w*|\btwist\w*|\bwound\b",
    "unrealistic": r"\bunrealis\w+|negative\b|invert\w*",
    "overall tone": r"\btone\b|colou?r cast|\btint\w*|one colou?r",
}
_PATTERNS = {name: re.compile(signs, re.IGNORECASE) for name, signs in _SIGNS.items()}
_SOUND = re.compile(
    r"\b(?:natural|realistic|normal|consistent|coherent|correct|intact|plausible|convincing|"
    r"accurate|fine|good|sharp|clear)\b|\bno (?:sign|visible|obvious|apparent|clear|content)?\s*"
    r"(?:of )?(?:\w+ )?(?:distortion|deficien\w+|artifacts?|issues?|problems?)|"
    r"\bno (?:distortion|deficien\w+)",
    re.IGNORECASE,
)
_UNSOUND = re.compile(
    r"\bunnatural|\bunrealistic|\binconsisten\w+|\bincoheren\w+|\bincorrect|\bimplausible|"
    r"\babnormal|\bartificial|\bstrange|\bodd\b|\bwrong\b|\bbroken\b|\bmanipulated|\bfake\b|"
    r"\b(?:is|are|look|looks|seem|seems|appear|appears) (?:not|distorted|blurred|blurry|off)\b|"
    r"\bnot (?:natural|realistic|normal|consistent|correct|intact|plausible)|"
    r"\bthere (?:is|are) (?:an? |some |clear |obvious |visible )*"
    r"(?:distortions?|content deficien\w+)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"(?<=[.!?;])\s+|\n+|,?\s+\b(?:but|while|whereas|although|however)\b,?\s+")


def split_clauses(text: str) -> list[str]:
    """Sentences, and the parts a contrast splits them into."""
    return [clause for clause in _CLAUSE.split(text) if clause and clause.strip()]


def read_soundness(text: str) -> bool | None:
    """Whether a text calls what it describes natural; None when it says neither, or both."""
    sound = unsound = False
    for clause in split_clauses(text):
        if _UNSOUND.search(clause):
            unsound = True
        elif _SOUND.search(clause):
            sound = True
    return None if sound == unsound else sound


def find_named(text: str) -> frozenset[str]:
    """The criteria a reply puts in question: named in a clause that does not call them sound."""
    return frozenset(
        name
        for clause in split_clauses(text)
        if _UNSOUND.search(clause) or not _SOUND.search(clause)
        for name, pattern in _PATTERNS.items()
        if pattern.search(clause)
    )


def grade_naming(text: str, planted: str) -> float:
    """Twice the F1 of the criteria named against the one planted: 2 exact, 1 with two too many."""
    named = find_named(text)
    if planted not in named:
        return 0.0
    return 2 * 2 / (len(named) + 1)
