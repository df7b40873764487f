"""Replies are read as what they assert, and as nothing where they assert nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.types import QuestionType

WHAT, ISFAKE, ISREAL, INFERENCE = (
    QuestionType.WHAT,
    QuestionType.ISFAKE,
    QuestionType.ISREAL,
    QuestionType.INFERENCE,
)
FIELDS = [
    (WHAT, "is_fake: false", "real"),
    (WHAT, "is_real: False", "fake"),
    (WHAT, "fake: true\nreal: false", "fake"),
    (WHAT, "- real: true\n- fake: false", "real"),
    (WHAT, "Fake=False", "real"),
    (WHAT, "ai_generated: false", "real"),
    (WHAT, "| real | false |\n| fake | true |", "fake"),
    (WHAT, "Fake: False, because the light is natural.", "real"),
    (WHAT, "Fake: false shadows under the cars.", "fake"),
    (WHAT, "Fake (no)", "real"),
    (WHAT, "Fake - no", "real"),
    (WHAT, "Real -> False", "fake"),
    (WHAT, "It is not fake: no.", "unparsed"),
    (WHAT, "Fake: none.", "unparsed"),
    (WHAT, "Real: none.", "unparsed"),
    (WHAT, "Fake: unlikely", "unparsed"),
    (WHAT, "Fake: maybe", "unparsed"),
    (WHAT, "Fake: impossible", "unparsed"),
    (WHAT, "Fake: unknown", "unparsed"),
    (WHAT, "fake: n/a", "unparsed"),
    (WHAT, "fake: partially", "unparsed"),
    (WHAT, "Fake: definitely not", "unparsed"),
    (WHAT, "Fake: impossible reflections in the glass.", "fake"),
    (WHAT, "Real: absolutely no signs of manipulation.", "real"),
    (WHAT, "Real: very few artifacts", "real"),
    (WHAT, "Real: probably not edited.", "real"),
    (WHAT, "It is fake: obviously not a photo.", "fake"),
    (WHAT, "Fake: clearly no real hand has six fingers.", "fake"),
    (ISFAKE, "Answer: F", "unparsed"),
    (ISFAKE, "Answer: n", "real"),
    (ISFAKE, "Answer: False", "real"),
    (ISREAL, "Answer: False", "fake"),
    (ISREAL, "real: false", "fake"),
    (WHAT, "Answer: true", "unparsed"),
]
"""A label with a value after it, which is no reason for it."""
BRACKETED = [
    (WHAT, "[Fake]", "fake"),
    (WHAT, '```json\n["Fake"]\n```', "fake"),
    (ISFAKE, "[No].", "real"),
    (WHAT, "{Real}", "real"),
    (WHAT, '["Fake"]', "fake"),
    (WHAT, "[[fake]]", "fake"),
    (WHAT, "[Answer: Fake]", "fake"),
    (WHAT, "[fake or real]", "unparsed"),
    (WHAT, "[fake/real]", "unparsed"),
    (WHAT, '["fake", "real"]', "unparsed"),
    (WHAT, '{"note": "fake"}', "unparsed"),
    (WHAT, "[]", "unparsed"),
]
"""A reply in brackets, which is no data."""
HALF_NEGATED = [
    (WHAT, "The image is not just fake, it's badly fake.", "unparsed"),
    (WHAT, "This isn't just a real photo, it's a masterpiece.", "unparsed"),
    (WHAT, "It is not simply real.", "unparsed"),
    (WHAT, "It's not definitively fake.", "unparsed"),
    (WHAT, "not undeniably real", "unparsed"),
    (WHAT, "It is not outright fake.", "unparsed"),
    (WHAT, "It is not actually fake.", "real"),
    (WHAT, "It's simply not real.", "fake"),
]
"""A negated adverb denies the adverb and not the label."""
CONTRARY = [
    (ISFAKE, "No, it is.", "unparsed"),
    (ISREAL, "Yes, it is not.", "unparsed"),
    (ISREAL, "No, it is not.", "fake"),
    (ISREAL, "No, the skin is waxy, as often seen in AI-generated images.", "fake"),
    (ISREAL, "Yes, none of the flaws common in AI-generated images are there.", "real"),
    (ISFAKE, "Yes, the hands have a shape that is rarely seen in real photos.", "fake"),
    (ISFAKE, "Yes, it imitates the depth of field found in real photos.", "fake"),
    (ISFAKE, "No, the smoothness typical of AI-generated images is missing.", "real"),
    (WHAT, "It is a real photo that was edited with AI.", "unparsed"),
    (WHAT, "It is a real photo that was not edited with AI.", "real"),
    (WHAT, "This is a real estate photo.", "unparsed"),
]
"""An answer that the rest of the reply takes back."""
REPLIES = [
    (WHAT, "fake", "fake"),
    (WHAT, "Real.", "real"),
    (WHAT, "**Fake**", "fake"),
    (WHAT, "This image is fake.", "fake"),
    (WHAT, "This is a real photograph.", "real"),
    (WHAT, "The image is AI-generated.", "fake"),
    (WHAT, "The image appears to be authentic.", "real"),
    (WHAT, "It is not fake; it is a real photograph.", "real"),
    (WHAT, "The image is not real.", "fake"),
    (WHAT, "It is likely fake.", "fake"),
    (WHAT, "The authenticity of this image is fake.", "fake"),
    (WHAT, "fake or real", "unparsed"),
    (WHAT, "It is hard to tell whether this image is fake or real.", "unparsed"),
    (WHAT, "I know nothing noticeable about it.", "unparsed"),
    (WHAT, "There is a fake plant on the table.", "unparsed"),
    (WHAT, "", "unparsed"),
    (WHAT, "The image is fake- the hands are odd.", "fake"),
    (WHAT, "The image is real-", "real"),
    (WHAT, "The caption reads midjourney.ai", "unparsed"),
    (WHAT, "The image is real. There is no mark of midjourney.ai or the like.", "real"),
    (WHAT, "This is a real photo. The screen shows synthetic.ai", "real"),
    (WHAT, "Real. The banner shows ai.generated.com", "real"),
    (WHAT, "I was shown IMG_2231.fake.png. It is a real photograph.", "real"),
    (WHAT, "The watermark reads leonardo.ai. This image is real.", "real"),
    (WHAT, "The image is real.AI images are smoother.", "real"),
    (WHAT, "It is not real.AI-generated images look so.", "fake"),
    (WHAT, "I'm sorry, but I cannot determine that.", "refused"),
    (WHAT, "<think>It could be fake.</think> This image is real.", "real"),
    (ISFAKE, "Yes", "fake"),
    (ISFAKE, "No.", "real"),
    (ISFAKE, "no, this is a real image", "real"),
    (ISFAKE, "Yes, this image is fake.", "fake"),
    (ISFAKE, "Yes, it's real.", "unparsed"),
    (ISFAKE, "Nothing suggests that.", "unparsed"),
    (ISFAKE, "It is a real photograph.", "real"),
    (ISREAL, "Yes", "real"),
    (ISREAL, "No", "fake"),
    (ISREAL, "No, this image is fake.", "fake"),
    (ISREAL, "No, this is not a real image.", "fake"),
    (ISREAL, "Yes, this image is fake.", "unparsed"),
    (ISREAL, "I am unable to assist with that.", "refused"),
    (INFERENCE, "The light is odd. The image is fake.", "fake"),
    (INFERENCE, "It may look fake at first. In conclusion, the image is real.", "real"),
    (INFERENCE, "Nothing looks unnatural. The image is real.", "real"),
    (INFERENCE, "The sky is plausible.\n\nFinal judgement: fake", "fake"),
    (INFERENCE, "The shadows do not match the real world.", "unparsed"),
    (INFERENCE, "The artificial lighting is soft. The grass looks natural.", "unparsed"),
    (INFERENCE, "The image is a photograph of a dog with odd shadows. Fake.", "fake"),
    (WHAT, "This is a photograph of a cat.", "unparsed"),
    (WHAT, "The image does not look real.", "fake"),
    (WHAT, "It doesn't appear to be real.", "fake"),
    (WHAT, "I don't think this image is real.", "fake"),
    (WHAT, "There is nothing to suggest that the image is fake.", "unparsed"),
    (ISFAKE, "Yes and no.", "unparsed"),
    (INFERENCE, "A long description without an end", "unparsed"),
    *FIELDS,
    *BRACKETED,
    *HALF_NEGATED,
    *CONTRARY,
]


@pytest.mark.parametrize(
    ("question_type", "text", "expected"), REPLIES, ids=lambda value: str(value)[:40]
)
def test_replies_are_read_as_what_they_assert(
    question_type: QuestionType, text: str, expected: str
) -> None:
    """Every reply has the reading a careful person would give it, with a reason."""
    reading = parse_label(text, question_type)
    assert str(reading.label) == expected
    assert reading.reason


@given(
    st.sampled_from([reply for reply in REPLIES if reply[1]]),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.text(" \n\t", max_size=4),
)
def test_case_and_white_space_change_nothing(
    reply: tuple[QuestionType, str, str], change: object, space: str
) -> None:
    """Letters' case and surrounding white space do not alter a reading."""
    question_type, text, expected = reply
    assert callable(change)
    assert str(parse_label(space + change(text) + space, question_type).label) == expected


@given(st.text(max_size=200), st.sampled_from(list(QuestionType)))
def test_any_text_has_a_reading(text: str, question_type: QuestionType) -> None:
    """Nothing a model says raises an error."""
    assert str(parse_label(text, question_type).label) in {"fake", "real", "unparsed", "refused"}
