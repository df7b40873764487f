"""What is made of the odd replies of a backend."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fakebench_suite.backends.base import Capability
from fakebench_suite.errors import ModelError
from fakebench_suite.execution.engine import check_reply
from fakebench_suite.runs.record_lines import decode_record, encode_record
from fakebench_suite.types import Answer, FinishReason, Outcome
from tests.factories import make_record


def make_answer(text: object = "fake", p_fake: float | None = None) -> Answer:
    """An answer in a word."""
    return Answer(text=text, tokens=1, seconds=0.1, batch_size=1, p_fake=p_fake)  # type: ignore[arg-type]


def odd_answer(**fields: object) -> Answer:
    """An answer whose fields hold what they may not."""
    return replace(make_answer(), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "answer",
    [
        replace(make_answer(), option_probability_mass=0.0),
        replace(make_answer(), finish_reason=FinishReason.CONTENT_FILTER),
    ],
)
def test_an_answer_may_say_why_it_has_no_probability(answer: Answer) -> None:
    """Neither option was likely enough, or the server refused."""
    assert check_reply(answer, want=Capability.PROBABILITIES) == answer


@pytest.mark.parametrize(
    ("reply", "want", "message"),
    [
        ("yes", Capability.TEXT, "gave str in place of an Answer"),
        (None, Capability.TEXT, "gave NoneType in place of an Answer"),
        (make_answer(text=None), Capability.TEXT, "gave NoneType as the text"),
        (make_answer(), Capability.PROBABILITIES, "asked for probabilities and gave none"),
        (make_answer(p_fake=math.nan), Capability.PROBABILITIES, "gave nan as the probability"),
        (make_answer(p_fake=97.0), Capability.PROBABILITIES, "gave 97.0 as the probability"),
        (odd_answer(p_fake="0.3"), Capability.PROBABILITIES, "Expected `float | null`, got `str`"),
        (odd_answer(tokens="two"), Capability.TEXT, "Expected `int`, got `str` - at `$.tokens`"),
        (odd_answer(batch_size=None), Capability.TEXT, "got `null` - at `$.batch_size`"),
        (odd_answer(usage={"cost": []}), Capability.TEXT, "at `$.usage.cost`"),
        (odd_answer(reasoning=object()), Capability.TEXT, "object in place of a plain value"),
        (odd_answer(seconds=math.nan), Capability.TEXT, "gave nan as the seconds"),
    ],
)
def test_what_is_no_answer_to_the_request_is_an_error_of_the_model(
    reply: object, want: Capability, message: str
) -> None:
    """It is never read as a label."""
    error = check_reply(reply, want=want)
    assert isinstance(error, ModelError)
    assert message in str(error)


def test_an_answer_to_the_request_is_kept() -> None:
    """With or without a probability, and at both ends of the scale."""
    assert check_reply(make_answer(), want=Capability.TEXT) == make_answer()
    for chance in (0.0, 1.0):
        answer = make_answer(p_fake=chance)
        assert check_reply(answer, want=Capability.PROBABILITIES) == answer


def test_numbers_of_numpy_are_recorded_as_plain_ones() -> None:
    """As a model that computes by itself gives them."""
    answer = odd_answer(
        text=np.str_("fake"),
        p_fake=np.float64(0.25),
        tokens=np.int64(3),
        batch_size=np.int32(2),
        seconds=np.float32(0.5),
    )
    checked = check_reply(answer, want=Capability.PROBABILITIES)
    assert isinstance(checked, Answer)
    fields = (checked.p_fake, checked.tokens, checked.batch_size, checked.seconds)
    assert fields == (0.25, 3, 2, 0.5)
    assert {type(field) for field in (*fields, checked.text)} == {int, float, str}
    record = replace(make_record("a.png", Outcome.CORRECT), answer=checked)
    assert decode_record(encode_record(record)) == record
