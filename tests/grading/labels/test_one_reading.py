"""A reply is read alike on the command line and in a run, whatever marks stand in it."""

import itertools
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from fakebench_suite.cli.main import app
from fakebench_suite.grading.labels import parser
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.grading.labels.result import ReplyParserKind
from fakebench_suite.grading.verdict import judge, select_parser
from fakebench_suite.types import Outcome, QuestionType, Verdict
from tests.factories import CASE, make_answer
from tests.text.marks import ANSWERS, SECTIONS, THOUGHTS

FOLDER = Path(__file__).parent
SETS = [*sorted(FOLDER.glob("replies/*.jsonl")), FOLDER / "fresh_replies.jsonl"]
MARKED = [
    "<SUMMARY>I will look.</SUMMARY><CAPTION>a real dog photo</CAPTION><REASONING>It looks real. "
    "The image is real.</REASONING><CONCLUSION>fake</CONCLUSION>",
    "<fast>It looks real.</fast><planning>Look.</planning><reasoning>The image is real."
    "</reasoning><conclusion>fake</conclusion>",
    "<answer>fake</answer> The image looks real at first.",
    "The grass is real. <|begin_of_box|>fake<|end_of_box|>",
]


@cache
def load_replies() -> tuple[tuple[QuestionType, str], ...]:
    """Form and text of every reply of every set."""
    lines = [line for path in SETS for line in path.read_text(encoding="utf-8").splitlines()]
    rows = map(json.loads, lines)
    return (
        *((QuestionType(row["question_type"]), row["reply"]) for row in rows),
        *((QuestionType.WHAT, reply) for reply in MARKED),
    )


def judge_reply(question_type: QuestionType, reply: str, rule: ReplyParserKind) -> tuple[str, str]:
    """What a run makes of a reply, as ``read`` writes it, and why."""
    verdict = judge(replace(CASE, question_type=question_type), make_answer(reply), rule)
    return said_by(verdict), verdict.reason


def said_by(verdict: Verdict) -> str:
    """The label, or the outcome of a reply without one."""
    silent = verdict.outcome in {Outcome.UNPARSED, Outcome.REFUSED}
    return str(verdict.outcome if silent else verdict.label)


@pytest.mark.thorough
@pytest.mark.parametrize("rule", [ReplyParserKind.GRAMMAR, ReplyParserKind.PAPER])
def test_the_command_reads_every_reply_as_a_run_does(rule: ReplyParserKind) -> None:
    """Label and reason are the same for every reply of every set."""
    replies = load_replies()
    lines = "".join(
        json.dumps({"question_type": question_type, "reply": reply}) + "\n"
        for question_type, reply in replies
    )
    result = CliRunner().invoke(app, ["read", f"--reading={rule}"], input=lines)
    assert result.exit_code == 0, result.output
    rows = map(json.loads, result.stdout.splitlines())
    verdicts = [(row["verdict"], row["reason"]) for row in rows]
    assert verdicts == [judge_reply(question_type, reply, rule) for question_type, reply in replies]


@pytest.mark.thorough
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_marks_around_a_reply_make_no_difference_between_them(data: st.DataObject) -> None:
    """Marks are put before, behind and around replies; a thought before one leaves its reading."""
    question_type, reply = data.draw(st.sampled_from(load_replies()))
    tags = st.sampled_from([tag for pair in (*THOUGHTS, *SECTIONS, *ANSWERS) for tag in pair])
    wrapped_reply = data.draw(tags | st.just("")) + reply + data.draw(tags | st.just(""))
    for rule in (ReplyParserKind.GRAMMAR, ReplyParserKind.PAPER):
        reading = select_parser(rule)(wrapped_reply, question_type)
        assert judge_reply(question_type, wrapped_reply, rule) == (
            str(reading.label),
            reading.reason,
        )
    opening, closing = data.draw(st.sampled_from(THOUGHTS))
    if not any(sign in reply for sign in "<[{◁"):
        thinking_reply = f"{opening}The image is real. It is fake.{closing}\n{reply}"
        assert parse_label(thinking_reply, question_type) == parse_label(reply, question_type)


PLAIN = [
    "Fake.", " fake ", "F", "T", "no", "", "  ", "It is real;  no doubt.\n\n* Fake? No.", "> Real",
    "analysisThe image is fake.", "thinking...\nIt is real.\n...done thinking.\nFake",
]  # fmt: skip


@pytest.mark.thorough
def test_a_reply_without_markup_is_read_as_if_it_had_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no character can mark an answer, none is searched for, and nothing else differs."""
    replies = [*load_replies(), *itertools.product(QuestionType, PLAIN)]
    read = [parse_label.__wrapped__(reply, question_type) for question_type, reply in replies]
    plain = [reply for _, reply in replies if not parser._may_hold_markup(reply)]
    assert len(plain) > len(replies) // 4
    monkeypatch.setattr(parser, "_may_hold_markup", lambda _: True)
    again = [parse_label.__wrapped__(reply, question_type) for question_type, reply in replies]
    assert again == read


@pytest.mark.parametrize("reply", MARKED)
def test_marked_answers_are_read(reply: str) -> None:
    """Whatever else the reply says."""
    assert str(parse_label(reply, QuestionType.WHAT).label) == "fake"
