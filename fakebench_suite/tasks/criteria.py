"""The 14 forgery criteria of FakeQA, and which of them a question asks about."""

import re

CRITERIA = (
    "texture",
    "edge",
    "clarity",
    "light & shadow",
    "layout",
    "symmetry",
    "reflection",
    "perspective",
    "shape",
    "theme",
    "content deficiency",
    "distortion",
    "unrealistic",
    "overall tone",
)
"""In the order of the paper (FakeQA, Q1 to Q14)."""

# Realism is last: "Does the theme seem realistic?" asks about the theme. One official row
# asks "How is the color?" where the other rows ask about the overall tone.
_WORDS = (
    ("texture", r"textur"),
    ("edge", r"\bedges?\b"),
    ("clarity", r"clarity"),
    ("light & shadow", r"\blight\s*(?:&|and)\s*shadow"),
    ("layout", r"layout"),
    ("symmetry", r"symmetr"),
    ("reflection", r"reflection"),
    ("perspective", r"perspective"),
    ("shape", r"\bshapes?\b"),
    ("theme", r"\btheme"),
    ("content deficiency", r"deficien"),
    ("distortion", r"distort"),
    ("overall tone", r"\btone\b|\bcolou?r"),
    ("unrealistic", r"realis|convincing"),
)
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _WORDS)


def parse_criterion(question: str) -> str | None:
    """Return the criterion that a FakeQA question names; None if it names none."""
    for name, pattern in _PATTERNS:
        if pattern.search(question):
            return name
    return None


def mentions_criterion(text: str, criterion: str) -> bool:
    """Return whether a text contains a word of the criterion."""
    return any(name == criterion and pattern.search(text) for name, pattern in _PATTERNS)
