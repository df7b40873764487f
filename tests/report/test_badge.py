"""The badge says the ruling, and carries FakeBench's name only where it may."""

from dataclasses import replace

import pytest

from fakebench_suite.gates.status import conclude
from fakebench_suite.report.badge import make_badge
from fakebench_suite.report.headline import describe_result, make_result
from fakebench_suite.report.markdown import list_rows
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.run_result import RunResult
from fakebench_suite.types import GateOutcome, GateResult, Score, Task
from tests.factories import make_manifest

SCORE = Score(
    metric="balanced_accuracy",
    task=Task.DETECTION,
    subgroup="all",
    value=0.914,
    low=0.9,
    high=0.93,
    n=9,
)
SHIFT = MetricDelta(
    task=Task.DETECTION,
    metric="accuracy",
    before=0.95,
    after=0.914,
    change=-0.036,
    low=-0.05,
    high=-0.02,
    p=0.01,
    n=9,
)
FIGURE = "91.4% [90.0, 93.0] balanced accuracy"


def describe(kind: str = "official", *partial: str, **settings: object) -> Manifest:
    """The manifest of a run over data of that kind."""
    return make_manifest(partial=list(partial), dataset={"kind": kind}, **settings)


def make(
    manifest: Manifest, *rulings: GateOutcome, scores: tuple[Score, ...] = (SCORE,)
) -> RunResult:
    """The result of a run with one gate for each ruling."""
    decisions = [GateResult(gate="g", outcome=outcome, reason="") for outcome in rulings]
    return make_result(manifest, conclude(decisions), scores)


@pytest.mark.parametrize(
    ("rulings", "colour", "message"),
    [
        ([], "lightgrey", "NOT EVALUATED"),
        ([GateOutcome.NOT_EVALUATED], "lightgrey", "NOT EVALUATED"),
        ([GateOutcome.PASS, GateOutcome.PASS], "brightgreen", "PASS"),
        (
            [GateOutcome.PASS, GateOutcome.NOT_EVALUATED],
            "brightgreen",
            "PASS (1 of 2 gates evaluated)",
        ),
        ([GateOutcome.PASS, GateOutcome.INCONCLUSIVE], "yellow", "INCONCLUSIVE"),
        ([GateOutcome.FAIL, GateOutcome.INCONCLUSIVE], "red", "FAIL"),
    ],
)
def test_the_worst_ruling_colours_the_badge(
    rulings: list[GateOutcome], colour: str, message: str
) -> None:
    """A failed gate outweighs an inconclusive one, both a pass, a pass one not evaluated."""
    manifest = describe()
    badge = make_badge(manifest, make(manifest, *rulings))
    assert badge == {
        "schemaVersion": 1, "label": "FakeBench", "color": colour,
        "message": f"{message}, {FIGURE}, pixels unverified",
    }  # fmt: skip


def test_probes_and_partial_runs_are_named_as_such() -> None:
    """Neither passes for a FakeBench score; without a score the badge says so."""
    probes = describe("probes")
    assert make_badge(probes, make(probes))["label"] == "fake-image probes"
    partial_run = describe("official", "sampled")
    assert (
        make_badge(partial_run, make(partial_run))["message"]
        == f"NOT EVALUATED, {FIGURE}, pixels unverified, partial"
    )
    own_data = describe("jsonl")
    assert make_badge(own_data, make(own_data, scores=()))["message"] == "NOT EVALUATED, no score"


def test_accuracy_over_images_of_one_kind_is_no_headline() -> None:
    """Whoever says fake of everything would have full marks."""
    manifest = describe("jsonl")
    score = replace(SCORE, metric="accuracy", value=1.0, low=0.98, high=1.0)
    undefined = replace(SCORE, value=None, low=None, high=None)
    assert make(manifest, scores=(undefined, score)).headline is None
    assert make(manifest, scores=(SCORE, score)).headline == SCORE


def test_a_strength_is_the_headline_of_graded_probes() -> None:
    """Accuracy would mix all strengths; one that is not reached says so."""
    manifest = describe("probes")
    reached = replace(SCORE, metric="threshold_strength", value=0.4, low=0.3, high=None, n=84)
    result = make(manifest, scores=(SCORE, reached))
    assert describe_result(result).startswith(
        "NOT EVALUATED: threshold strength 0.400 [0.300, not reached] on 84 detection cases"
    )
    badge = make_badge(manifest, result)["message"]
    assert badge == "NOT EVALUATED, threshold strength 0.400 [0.300, not reached]"
    never = replace(reached, value=None, low=None)
    result = make(manifest, scores=(SCORE, never))
    assert "threshold strength not reached on 84 detection cases" in describe_result(result)
    assert (
        make_badge(manifest, result)["message"] == "NOT EVALUATED, threshold strength not reached"
    )
    (row, *_) = list_rows([never])
    assert row[2:] == ("threshold_strength", "not reached", "", "84")
    (row, *_) = list_rows([reached])
    assert row[2:] == ("threshold_strength", "0.400", "0.300 to not reached", "84")


def test_claims_are_the_headline_where_texts_have_no_reference() -> None:
    """Informedness, or where it is undefined, recall."""
    manifest = describe("jsonl")
    unscored = replace(SCORE, task=Task.INTERPRETATION, metric="accuracy", value=None, n=0)
    recall = replace(unscored, metric="claim_recall", value=0.5, low=0.2, high=0.8, n=9)
    informedness = replace(recall, metric="claim_informedness")
    assert make(manifest, scores=(unscored, recall)).headline == recall
    assert make(manifest, scores=(recall, unscored, informedness)).headline == informedness
    assert [row[2] for row in list_rows([unscored, recall, informedness])] == [
        "claim_informedness", "claim_recall",
    ]  # fmt: skip


def test_the_change_stands_in_points() -> None:
    """With the baseline it is counted from."""
    manifest = describe(baseline={"run": "last"})
    result = make_result(manifest, conclude([]), [SCORE], [SHIFT])
    message = make_badge(manifest, result)["message"]
    assert message == f"NOT EVALUATED, {FIGURE}, accuracy -3.6 points since last, pixels unverified"
