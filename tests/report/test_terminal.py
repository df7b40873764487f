"""The tables in the terminal: every figure of every row, and what limits its meaning."""

from fakebench_suite.metrics.paper_tables import FOOTNOTE
from fakebench_suite.report.terminal import format_published, format_scores
from fakebench_suite.types import Score, Task
from tests.factories import make_manifest


def make_score(subgroup: str, n: int, judge: str | None = None) -> Score:
    """An accuracy of detection."""
    return Score(
        metric="accuracy", task=Task.DETECTION, subgroup=subgroup, value=0.914, low=0.872,
        high=0.944, n=n, judge=judge,
    )  # fmt: skip


def test_a_long_name_takes_no_figure_away() -> None:
    """Of a generator or a judge; lines are as long as they need be."""
    name = "generator=" + "long-name-of-a-generator" * 20
    text = format_scores([make_score("all", 720), make_score(name, 360)], colour=False)
    rows = [line.split() for line in text.splitlines()[1:]]
    assert [row[0] for row in rows] == ["detection"] * 2
    assert rows[1][1] == name
    assert [row[2:] for row in rows] == [
        ["accuracy", "0.914", "0.872", "to", "0.944", n] for n in ("720", "360")
    ]
    judge = "openai:judge@https://" + "long-name-of-a-host." * 20
    text = format_scores([make_score("all", 720, judge)], colour=False)
    assert text.split()[-5:] == ["0.914", "0.872", "to", "0.944", "720"]


def test_published_rows_have_their_footnote() -> None:
    """And the row of a model with a long name has all of its cells."""
    manifest = make_manifest(dataset={"kind": "official"}, model={"name": "Organisation/" * 20})
    scores = [make_score("all", 720), make_score("label=fake", 360)]
    text = format_published(manifest, scores, colour=False)
    *_, row, note = text.splitlines()
    assert note == FOOTNOTE
    assert row.split()[-2:] == ["91.40", "91.40"]
    assert format_published(make_manifest(), scores, colour=False) == ""
