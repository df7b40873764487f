"""The plain keyword rule: what it reads, and what it is known to get wrong."""

import pytest

from fakebench_suite.grading.labels.keywords import read_keywords
from fakebench_suite.types import Form


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        (Form.WHAT, "This is a fake image.", "fake"),
        (Form.WHAT, "Real.", "real"),
        (Form.WHAT, "Fake or real? Hard to say.", "unparsed"),
        (Form.WHAT, "A dog on a lawn, realistic and unreal.", "unparsed"),
        (Form.ISFAKE, "Yes, it is.", "fake"),
        (Form.ISREAL, "Yes, it is.", "real"),
        (Form.ISREAL, "No", "fake"),
        (Form.ISFAKE, "I know nothing noticeable.", "unparsed"),
        (Form.ISREAL, "It looks fake.", "fake"),
        (Form.INFERENCE, "The light is odd, so the image is fake.", "fake"),
        (Form.WHAT, "It is not fake.", "fake"),  # Wrong, and why the rule is not the default.
    ],
)
def test_whole_words_decide(form: Form, text: str, said: str) -> None:
    """Exactly one of the two words decides; both or neither is unparsed."""
    assert str(read_keywords(text, form).said) == said
