"""The plain keyword rule: what it reads, and what it is known to get wrong."""

import pytest

from fakebench_suite.grading.labels.keywords import parse_keywords
from fakebench_suite.types import QuestionType


@pytest.mark.parametrize(
    ("question_type", "text", "expected"),
    [
        (QuestionType.WHAT, "This is a fake image.", "fake"),
        (QuestionType.WHAT, "Real.", "real"),
        (QuestionType.WHAT, "Fake or real? Hard to say.", "unparsed"),
        (QuestionType.WHAT, "A dog on a lawn, realistic and unreal.", "unparsed"),
        (QuestionType.ISFAKE, "Yes, it is.", "fake"),
        (QuestionType.ISREAL, "Yes, it is.", "real"),
        (QuestionType.ISREAL, "No", "fake"),
        (QuestionType.ISFAKE, "I know nothing noticeable.", "unparsed"),
        (QuestionType.ISREAL, "It looks fake.", "fake"),
        (QuestionType.INFERENCE, "The light is odd, so the image is fake.", "fake"),
        (
            QuestionType.WHAT,
            "It is not fake.",
            "fake",
        ),  # Wrong, and why the rule is not the default.
    ],
)
def test_whole_words_decide(question_type: QuestionType, text: str, expected: str) -> None:
    """Exactly one of the two words decides; both or neither is unparsed."""
    assert str(parse_keywords(text, question_type).label) == expected
