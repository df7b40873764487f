"""Which answers a run takes over, by what they depend on."""

from dataclasses import replace

import pytest

from fakebench_suite.backends.base import Capability
from fakebench_suite.execution.reusable_answers import ContentKey, find_reason, select_reusable
from fakebench_suite.types import Answer, FinishReason, Outcome, PixelDigest, Record, Verdict
from tests.factories import make_answer, make_record

PIXELS = PixelDigest(digest="d", size=(2, 2))


def record(answer: Answer | None, outcome: Outcome = Outcome.CORRECT) -> Record:
    """A record of one prompt upon known pixels."""
    original = make_record("a.png", outcome)
    return replace(
        original, answer=answer, pixels=PIXELS, verdict=Verdict(outcome=outcome, reason="")
    )


@pytest.mark.parametrize(
    ("answer", "want"),
    [
        (make_answer("fake"), Capability.TEXT),
        (replace(make_answer("fake"), p_fake=0.9), Capability.PROBABILITIES),
        (replace(make_answer("T"), option_probability_mass=0.0), Capability.PROBABILITIES),
    ],
    ids=["text", "probabilities", "neither option shown"],
)
def test_an_answer_is_taken_for_what_it_was_asked_for(answer: Answer, want: Capability) -> None:
    """The first token of a likelihood is no reply in words."""
    earlier = record(answer)
    assert list(select_reusable([earlier])) == [ContentKey(earlier.prompt, ("d",), want)]


@pytest.mark.parametrize(
    ("earlier", "reason"),
    [
        (None, "new case"),
        (record(None, Outcome.MODEL_ERROR), "error before"),
        (record(make_answer("f"), Outcome.TRUNCATED), "cut off before"),
        (record(replace(make_answer("f"), finish_reason=FinishReason.LENGTH)), "cut off before"),
        (replace(record(make_answer("f")), prompt="other"), "other prompt"),
        (replace(record(make_answer("f")), pixels=None), "other pixels"),
        (record(replace(make_answer("f"), p_fake=0.9)), "read otherwise"),
    ],
)
def test_why_a_case_was_asked(earlier: Record | None, reason: str) -> None:
    """The first reason that applies; what it holds against is not taken over."""
    assert find_reason(earlier, record(make_answer("fake"))) == reason
    reusable = select_reusable([] if earlier is None else [earlier])
    current = record(make_answer("fake"))
    assert ContentKey(current.prompt, ("d",), Capability.TEXT) not in reusable
