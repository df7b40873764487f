"""Over 2,600 replies with the reading and the reason of people who did not see the code.

``replies/development.jsonl`` was looked at while the grammar was written, ``replies/test.jsonl``
was read once, for the figures in docs/grading.md, before anybody looked at its
misses. They have taught the grammar since, so the next claim needs replies nobody has seen.
``set`` names the batch a reply came with: ``hidden*`` is what models say, ``red*``, ``dev`` and
``test`` are mostly traps.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.types import QuestionType

Row = dict[str, str]
FOLDER = Path(__file__).parent / "replies"
ASSERTED = ("fake", "real")


@cache
def load(half: str) -> tuple[Row, ...]:
    """The replies of one half."""
    lines = (FOLDER / f"{half}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


def read(row: Row) -> str:
    """The verdict on a reply."""
    return str(parse_label(row["reply"], QuestionType(row["question_type"])).label)


@pytest.mark.parametrize("half", ["development", "test"])
def test_nothing_is_asserted_wrongly(half: str) -> None:
    """A reply that is not understood is unparsed; none is read as a label it does not assert."""
    misread = [row for row in load(half) if read(row) in ASSERTED and read(row) != row["verdict"]]
    assert not misread


@pytest.mark.parametrize(
    ("half", "natural", "share"),
    [
        ("development", True, 0.98),
        ("development", False, 0.8),
        ("test", True, 0.97),
        ("test", False, 0.8),
    ],
)
def test_most_replies_are_read(half: str, natural: bool, share: float) -> None:
    """Of what models say nearly all is read, of the traps most."""
    rows = [row for row in load(half) if row["set"].startswith("hidden") is natural]
    correct = sum(read(row) == row["verdict"] for row in rows)
    assert correct / len(rows) >= share


def test_every_reply_has_one_reading_and_a_reason() -> None:
    """No reply stands in both halves, and each label is one of the four with its reason."""
    rows = [*load("development"), *load("test")]
    assert len({(row["question_type"], row["reply"]) for row in rows}) == len(rows) > 1500
    assert {row["verdict"] for row in rows} == {"fake", "real", "unparsed", "refused"}
    assert all(row["reason"] for row in rows)


DRESSES: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    str.title,
    str.swapcase,
    lambda reply: f"**{reply}**",
    lambda reply: f"> {reply}",
    lambda reply: f"## {reply}",
    lambda reply: f"```\n{reply}\n```",
    lambda reply: reply.replace(" ", "  "),
)
# Consent in one word is an answer only where nothing follows it, and a tick list only where its
# boxes begin their lines.
BRITTLE = ("it is.", "absolutely.", "probably.", "option a: yes")
BOXES = ("☐", "[ ]")
SHORT = 120
"""Characters of a reply that is no more than its verdict; a long one may rest on its ending."""


@cache
def load_asserting() -> tuple[Row, ...]:
    """The replies of both halves that are read as fake or real."""
    rows = (*load("development"), *load("test"))
    return tuple(
        row
        for row in rows
        if read(row) in ASSERTED
        and row["reply"].strip().lower() not in BRITTLE
        and not any(box in row["reply"] for box in BOXES)
    )


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from(DRESSES), st.text(" \n\t", max_size=3))
def test_dress_changes_no_verdict(
    data: st.DataObject, dress: Callable[[str], str], space: str
) -> None:
    """Case, white space and markup around a reply leave its verdict alone."""
    row = data.draw(st.sampled_from(load_asserting()))
    decorated = {**row, "reply": f"{space}{dress(row['reply'])}{space}"}
    assert read(decorated) == row["verdict"]


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(["The dog sits on the grass.", "The colours are vivid."]))
def test_a_trailing_explanation_changes_no_verdict(data: st.DataObject, trailing: str) -> None:
    """What follows and speaks for neither label leaves a verdict alone."""
    short_rows = [
        row for row in load_asserting() if len(row["reply"]) <= SHORT and "<|" not in row["reply"]
    ]
    row = data.draw(st.sampled_from(short_rows))
    assert read({**row, "reply": f"{row['reply']}\n\n{trailing}"}) == row["verdict"]
