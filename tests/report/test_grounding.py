"""Claims by criterion and thresholds of strength are tables of the report."""

import math

from scipy.special import expit

from fakebench_suite.gates.status import conclude
from fakebench_suite.metrics.names import METRICS
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.report.grounding import list_claim_tables, list_strength_tables
from fakebench_suite.report.headline import make_result
from fakebench_suite.report.html.overview import make_score_row
from fakebench_suite.report.html.plots.strengths import plot_strengths
from fakebench_suite.report.markdown import write_markdown
from fakebench_suite.types import Score
from tests.factories import make_manifest
from tests.metrics.test_claims import explain_perfectly, make_pairs, make_record
from tests.metrics.test_psychometric import answer_all


def test_claims_are_a_table_by_criterion() -> None:
    """Each metric of claims is known by name, and each criterion has a row with what it has."""
    scores = score_records(make_record(case, explain_perfectly(case)) for case in make_pairs(8))
    assert {score.metric for score in scores} <= METRICS.keys()
    (table,) = list_claim_tables(scores)
    assert [row[0] for row in table.rows] == ["all", "texture", "edge"]
    assert table.rows[0][table.header.index("recall")] == "1.00 [0.68, 1.00]"
    assert all("[" in cell for row in table.rows for cell in row[1:] if cell)
    assert len(set(table.header)) == len(table.header)
    assert len(table.header) == len(table.rows[0])


def test_thresholds_are_a_table_and_a_figure() -> None:
    """With a curve for each criterion; what is not reached says so."""
    records = answer_all(lambda s: float(expit(4 * (math.log(s) - math.log(0.2)))) if s else 0.0)
    scores = [score for score in score_records(records) if score.metric == "threshold_strength"]
    (table,) = list_strength_tables(scores)
    assert len(table.rows) == 11
    assert all(0.05 < float(row[1]) < 1 for row in table.rows)
    plot = plot_strengths(records)
    assert plot is not None
    points, whole, *others = plot.figure["data"]
    assert len(points["x"]) == 6
    assert whole["name"] == "all (120 pairs)"
    styles = {(trace["line"]["color"], trace["line"].get("dash")) for trace in (whole, *others)}
    assert len(styles) == 11
    assert len(others) == 10
    assert whole["y"] == sorted(whole["y"])


def test_what_is_not_reached_is_said() -> None:
    """A threshold without a value, and an interval that ends beyond the strengths shown."""
    never = Score(
        metric="threshold_strength", task="detection", subgroup="all", value=None, low=None,
        high=None, n=9,
    )  # fmt: skip
    late = Score(
        metric="threshold_strength", task="detection", subgroup="criterion=edge", value=0.9,
        low=0.7, high=None, n=9,
    )  # fmt: skip
    (table,) = list_strength_tables([never, late])
    assert table.rows == [
        ("all", "not reached", "", "9"),
        ("edge", "0.900", "0.700 to above 1", "9"),
    ]
    manifest, scores = make_manifest(), [never, late]
    result = make_result(manifest, conclude((), absent="there are none"), scores)
    summary = write_markdown(manifest, scores, result)
    assert "not reached" in summary
    assert "no strength up to 1 gets there" in summary
    row = make_score_row(late)
    assert (row.value, row.interval) == ("0.900", "0.700 to not reached")
    assert make_score_row(never).value == "not reached"


def test_other_runs_have_neither() -> None:
    """Without truth no table, without strengths no figure."""
    assert list(list_claim_tables([])) == []
    assert list(list_strength_tables([])) == []
    assert plot_strengths([]) is None
