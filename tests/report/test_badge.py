"""The badge says the worst ruling, and carries FakeBench's name only where it may."""

import pytest

from fakebench_suite.report.badge import make_badge
from fakebench_suite.types import Decision, Ruling, Score, Task

SCORE = Score(
    metric="balanced_accuracy",
    task=Task.DETECTION,
    slice="all",
    value=0.914,
    low=0.9,
    high=0.93,
    n=9,
)


def make_manifest(kind: str = "official", *partial: str) -> dict[str, object]:
    """The parts of a manifest the badge looks at."""
    return {"partial": list(partial), "dataset": {"kind": kind}}


@pytest.mark.parametrize(
    ("rulings", "colour", "message"),
    [
        ([], "lightgrey", "91.4% balanced accuracy"),
        ([Ruling.PASS, Ruling.PASS], "brightgreen", "91.4% balanced accuracy, pass"),
        ([Ruling.PASS, Ruling.INCONCLUSIVE], "yellow", "91.4% balanced accuracy, inconclusive"),
        ([Ruling.FAIL, Ruling.INCONCLUSIVE], "red", "91.4% balanced accuracy, fail"),
    ],
)
def test_the_worst_ruling_colours_the_badge(
    rulings: list[Ruling], colour: str, message: str
) -> None:
    """A failed gate outweighs an inconclusive one, and both a pass."""
    decisions = [Decision(gate="g", ruling=one, reason="") for one in rulings]
    badge = make_badge(make_manifest(), [SCORE], decisions)
    assert badge == {
        "schemaVersion": 1, "label": "FakeBench", "message": message, "color": colour
    }  # fmt: skip


def test_probes_and_partial_runs_are_named_as_such() -> None:
    """Neither passes for a FakeBench score; without a score the badge says so."""
    assert make_badge(make_manifest("probes"), [SCORE], [])["label"] == "fake-image probes"
    partial = make_badge(make_manifest("official", "sampled"), [SCORE], [])
    assert partial["message"] == "91.4% balanced accuracy, partial"
    assert make_badge(make_manifest("jsonl"), [], [])["message"] == "no score"
