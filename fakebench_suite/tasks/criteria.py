"""The 14 forgery criteria of FakeQA, and how to tell from its wording which one a question asks."""

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

# Realism comes last: "Does the theme seem realistic?" asks about the theme. One official row
# asks "How is the color?" in the place where its siblings ask for the overall tone.
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
    """The criterion a FakeQA question asks about, by its words; None when it names none."""
    for name, pattern in _PATTERNS:
        if pattern.search(question):
            return name
    return None


def mentions_criterion(text: str, criterion: str) -> bool:
    """Whether a text holds the criterion's own words."""
    return any(name == criterion and pattern.search(text) for name, pattern in _PATTERNS)
