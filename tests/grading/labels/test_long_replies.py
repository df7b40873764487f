"""Replies in the manner of current models, most of them analyses of 200 to 400 words.

``replies/long_development.jsonl`` was written by two people who had not seen the grammar, with the
reading and its reason, and taught it. ``replies/long_test.jsonl`` was written with it and read
once before anybody looked: of 214 clear replies 195 were read right, and one was asserted wrongly.
Its misses have been looked at since, so the next claim needs new replies. ``replies/kinds.jsonl``
holds how such replies end, several variants a kind, with twins in which the same words assert
nothing. ``replies/unseen_first.jsonl`` was read once before anybody looked: of 335 clear replies
317 were read right (94.6 %), 4 were asserted wrongly, and their misses have taught the grammar
since. ``replies/unseen_second.jsonl`` was written after that and read once before anybody looked:
of the 316 replies that two readers found clear, labelling apart, 303 were read right (95.9 %), and
none of the 320 was asserted wrongly. Nobody has looked at its misses, and whoever does writes new
replies. ``replies/undecided.jsonl`` says in many ways that the matter is left open, with and
without a verdict that is drawn all the same.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.types import QuestionType

FOLDER = Path(__file__).parent / "replies"
Row = dict[str, Any]


def load(name: str) -> list[Row]:
    """The rows of a set of replies."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


SETS = {
    name: load(name) for name in ("long_development", "long_test", "unseen_first", "unseen_second")
}
LONG, KINDS, UNDECIDED = SETS["long_development"], load("kinds"), load("undecided")


def read(row: Row) -> str:
    """The verdict on a reply."""
    return str(parse_label(row["reply"], QuestionType(row["question_type"])).label)


@pytest.mark.parametrize("name", SETS)
def test_no_long_reply_is_asserted_wrongly(name: str) -> None:
    """What is not understood is unparsed, in long analyses as in short replies."""
    rows = SETS[name]
    misread = [row for row in rows if read(row) in {"fake", "real"} and read(row) != row["verdict"]]
    assert not misread


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("long_development", 0.95),
        ("long_test", 0.9),
        ("unseen_first", 0.97),
        ("unseen_second", 0.95),
    ],
)
def test_nearly_all_clear_long_replies_are_read(name: str, share: float) -> None:
    """Of the replies whose reading nobody doubts nearly all are read so."""
    clear = [row for row in SETS[name] if row["clear"]]
    assert len(clear) > 200
    assert sum(read(row) == row["verdict"] for row in clear) / len(clear) >= share


def test_what_is_left_open_asserts_nothing() -> None:
    """A reply that says it cannot decide is no verdict, whatever it says of details."""
    rows = [row for row in UNDECIDED if row["verdict"] == "unparsed"]
    assert len(rows) > 250
    assert not [row for row in rows if read(row) in {"fake", "real"}]


def test_a_verdict_drawn_from_what_is_open_counts() -> None:
    """A verdict behind a doubt, or with a cautious tail, is that verdict and never the other."""
    rows = [row for row in UNDECIDED if row["verdict"] != "unparsed"]
    pairs = [(read(row), row["verdict"]) for row in rows]
    assert not [pair for pair in pairs if set(pair) == {"fake", "real"}]
    assert sum(label == expected for label, expected in pairs) / len(pairs) >= 0.97


@pytest.mark.parametrize("row", KINDS, ids=lambda row: row["reply"][:50])
def test_each_kind_of_ending_is_read(row: Row) -> None:
    """Scores, likelihoods, labels, leanings and answers; their twins assert nothing."""
    assert read(row) == row["verdict"]


PARAGRAPHS = [
    paragraph
    for row in LONG
    if row["verdict"] in {"fake", "real"} and "<" not in row["reply"] and "◁" not in row["reply"]
    for paragraph in row["reply"].split("\n\n")[1:-2]
    if len(paragraph) > 80 and paragraph.isascii() and "{" not in paragraph
]
SAYING = ("verdict", "answer", "score", "conclu", "likelihood", "probability", "confidence", "?")
TALK = [
    paragraph for paragraph in PARAGRAPHS if not any(word in paragraph.lower() for word in SAYING)
]
"""Paragraphs that describe and weigh, from the middle of analyses."""


@pytest.mark.parametrize("seed", range(3))
def test_talk_before_a_verdict_never_turns_it(seed: int) -> None:
    """Whatever an analysis goes through first, what it asserts at its end is not its opposite."""
    chance = random.Random(seed)
    ends = [row for row in KINDS if row["verdict"] in {"fake", "real"} and row["reply"].isascii()]
    pairs = []
    for row in ends:
        preamble = "\n\n".join(chance.sample(TALK, 4))
        pairs.append((row["verdict"], read({**row, "reply": f"{preamble}\n\n{row['reply']}"})))
    assert not [pair for pair in pairs if set(pair) == {"fake", "real"}]
    assert sum(label == expected for expected, label in pairs) / len(pairs) >= 0.9
