"""The plain keyword rule, ``--reading=paper``: only for comparison with published figures.

The paper scores detection by the label words of a reply (section V), and its authors do not publish
the code. So this is the plainest rule of that kind: a reply has the one label whose word it
contains, and is unparsed if it contains both or neither. Negation is not understood, which is why
this rule is not the default.
"""

import re

from fakebench_suite.grading.labels.result import NoLabel, ParsedLabel
from fakebench_suite.text.thoughts import to_visible_text
from fakebench_suite.types import Authenticity, QuestionType

_LABEL_WORDS = re.compile(r"\b(fake|real)\b", re.IGNORECASE)
_YES_NO_WORDS = re.compile(r"\b(yes|no)\b", re.IGNORECASE)


def parse_keywords(text: str, question_type: QuestionType) -> ParsedLabel:
    """Return the label whose word a reply contains; "yes" and "no" go first in yes-or-no questions.

    ``text`` is the whole reply; its thoughts are ignored here.
    """
    text = to_visible_text(text)
    if question_type in (QuestionType.ISFAKE, QuestionType.ISREAL):
        words = {word.lower() for word in _YES_NO_WORDS.findall(text)}
        if len(words) == 1:
            yes = words == {"yes"}
            label = (
                Authenticity.FAKE
                if yes == (question_type is QuestionType.ISFAKE)
                else Authenticity.REAL
            )
            return ParsedLabel(label=label, reason=f"the keyword {words.pop()!r}")
    words = {word.lower() for word in _LABEL_WORDS.findall(text)}
    if len(words) == 1:
        word = words.pop()
        return ParsedLabel(label=Authenticity(word), reason=f"the keyword {word!r}")
    why = "both keywords" if words else "no keyword"
    return ParsedLabel(label=NoLabel.UNPARSED, reason=f"the reply contains {why}")
