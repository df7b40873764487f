"""Reasoning is shown apart from the reply, whether a server or the reply itself marks it."""

from dataclasses import replace

from fakebench_suite.report.html.records import ReasonedReply, split_reply
from fakebench_suite.types import Answer
from tests.factories import make_answer


def test_reasoning_and_thoughts_are_shown_where_there_are_any() -> None:
    """That of the server first; a reply of nothing else has an empty text."""
    answer, thinking = make_answer("It is fake."), make_answer("<think>Hm.</think>It is fake.")
    assert split_reply(None) is None
    assert split_reply(answer) is None
    assert split_reply(thinking) == ReasonedReply(
        thoughts="<think>Hm.</think>", visible="It is fake."
    )
    assert _split(answer) == ReasonedReply(thoughts="Six fingers.", visible="It is fake.")
    assert _split(thinking) == ReasonedReply(
        thoughts="Six fingers.\n\n<think>Hm.</think>", visible="It is fake."
    )
    assert _split(make_answer("")) == ReasonedReply(thoughts="Six fingers.", visible="")


def _split(answer: Answer) -> ReasonedReply | None:
    return split_reply(replace(answer, reasoning="Six fingers."))
