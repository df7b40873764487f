"""A model that looks at nothing."""

import time

from PIL import Image

from fakebench_suite.backends.base import Capability, Request
from fakebench_suite.backends.cards import ScriptedReplies
from fakebench_suite.backends.scripted import ScriptedBackend
from fakebench_suite.types import Answer, FinishReason, Prompt, QuestionType

COIN = ScriptedReplies(
    what=["It is fake.", "It is real."],
    isfake=["Yes."],
    isreal=["No."],
    faultfinding=["The hands are wrong."],
    inference=["Therefore it is fake."],
    criterion=["The light is odd."],
)


def make_request(
    case: str, kind: QuestionType = QuestionType.WHAT, want: Capability = Capability.TEXT
) -> Request:
    """A request about one image of four pixels."""
    prompt = Prompt(case=case, image="a", question_type=kind, text="?")
    return Request(prompt=prompt, images={"a": Image.new("RGB", (2, 2))}, want=want)


def ask(script: ScriptedReplies, *requests: Request) -> list[Answer]:
    """Its replies, none of which is an error."""
    replies = ScriptedBackend(script).run(requests)
    assert all(isinstance(reply, Answer) for reply in replies)
    return [reply for reply in replies if isinstance(reply, Answer)]


def test_each_question_type_has_its_replies() -> None:
    """In the order of the requests, whole, and counted in words."""
    requests = [make_request("1", kind) for kind in QuestionType]
    answers = ask(COIN, *requests)
    for kind, answer in zip(QuestionType, answers, strict=True):
        assert answer.text in getattr(COIN, kind)
        assert answer.tokens == len(answer.text.split())
        assert answer.finish_reason is FinishReason.STOP
        assert answer.batch_size == len(requests)


def test_a_case_draws_the_same_reply_every_time() -> None:
    """Whichever cases stand beside it; over many cases each reply is drawn."""
    requests = [make_request(f"{number}") for number in range(64)]
    texts = [answer.text for answer in ask(COIN, *requests)]
    assert texts == [ask(COIN, request)[0].text for request in requests]
    assert set(texts) == set(COIN.what)
    assert 16 < texts.count(COIN.what[0]) < 48


def test_a_first_token_is_the_first_word() -> None:
    """It does not say why it ended, as it did not."""
    (answer,) = ask(COIN, make_request("1", QuestionType.INFERENCE, Capability.FIRST_TOKEN))
    assert (answer.text, answer.tokens, answer.finish_reason) == ("Therefore", 1, None)


def test_a_script_may_take_its_time() -> None:
    """Once for all requests that are given together."""
    script = ScriptedReplies(
        what=["Fake."], isfake=["Yes."], isreal=["No."], faultfinding=["-"], inference=["-"],
        criterion=["-"], seconds=0.05,
    )  # fmt: skip
    start = time.perf_counter()
    answers = ask(script, make_request("1"), make_request("2"))
    assert time.perf_counter() - start >= 0.05
    assert sum(answer.seconds for answer in answers) >= 0.05
