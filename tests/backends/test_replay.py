"""The answers of an earlier run, given again."""

from dataclasses import replace

import pytest
from PIL import Image

from fakebench_suite.backends.base import Capability, Request
from fakebench_suite.backends.replay import ReplayBackend
from fakebench_suite.errors import ModelError
from fakebench_suite.provenance import digest_pixels
from fakebench_suite.types import Outcome, Prompt, QuestionType, Record
from tests.factories import make_record

BLACK, WHITE = (Image.new("RGB", (2, 2), colour) for colour in ("black", "white"))
RECORD = replace(make_record("a.png", Outcome.CORRECT), pixels=digest_pixels(BLACK))


def make_request(
    record: Record,
    image: Image.Image | None = BLACK,
    text: str | None = None,
    want: Capability = Capability.TEXT,
) -> Request:
    """What was asked then, or something else."""
    case = record.case
    prompt = Prompt(
        case=case.id,
        image=case.image,
        question_type=QuestionType.WHAT,
        text=record.prompt if text is None else text,
    )
    return Request(prompt=prompt, images={} if image is None else {case.image: image}, want=want)


@pytest.mark.parametrize("image", [BLACK, None], ids=["shown again", "not here any more"])
def test_a_recorded_answer_is_given_again(image: Image.Image | None) -> None:
    """The same object, with its times and tokens."""
    assert ReplayBackend([RECORD]).run([make_request(RECORD, image)]) == [RECORD.answer]


def test_answers_follow_the_order_of_the_requests() -> None:
    """Not that of the records."""
    records = [make_record(f"{name}.png", Outcome.CORRECT) for name in "abc"]
    records = [
        replace(record, answer=replace(record.answer, text=record.case.image))
        for record in records
        if record.answer
    ]
    replies = ReplayBackend(records).run([make_request(record) for record in records[::-1]])
    assert [getattr(reply, "text", None) for reply in replies] == ["c.png", "b.png", "a.png"]


@pytest.mark.parametrize(
    ("records", "request_", "message"),
    [
        ([], make_request(RECORD), "did not ask this case"),
        ([replace(RECORD, answer=None)], make_request(RECORD), "got no answer: because"),
        ([RECORD], make_request(RECORD, text="Real?"), "in other words; see --prompts"),
        ([RECORD], make_request(RECORD, WHITE), "another picture under this name"),
        (
            [RECORD],
            make_request(RECORD, want=Capability.PROBABILITIES),
            "recorded no likelihood for this case",
        ),
    ],
)
def test_what_was_not_asked_so_is_an_error(
    records: list[Record], request_: Request, message: str
) -> None:
    """Never another case's answer."""
    (reply,) = ReplayBackend(records).run([request_])
    assert isinstance(reply, ModelError)
    assert message in str(reply)


def test_a_recorded_probability_is_given_again() -> None:
    """Also the word that neither option was likely."""
    assert RECORD.answer is not None
    for answer in (
        replace(RECORD.answer, p_fake=0.25),
        replace(RECORD.answer, option_probability_mass=0.001),
    ):
        backend = ReplayBackend([replace(RECORD, answer=answer)])
        assert backend.run([make_request(RECORD, want=Capability.PROBABILITIES)]) == [answer]
