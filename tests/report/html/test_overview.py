"""The overview page: bars and figures of scores, and tables with one title."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakebench_suite.report.html.overview import IntervalBar, describe_overview
from fakebench_suite.report.html.page import write_html_report
from fakebench_suite.report.html.run_data import ReportData, load_run
from fakebench_suite.runs.store import RunWriter
from fakebench_suite.types import Score
from tests.metrics.test_claims import explain_perfectly, make_pairs, make_record
from tests.report.fake_runs import make_records, write_run


@pytest.fixture
def report_data(tmp_path: Path) -> ReportData:
    """A few records."""
    return load_run(write_run(tmp_path / "run", make_records(8)))


@pytest.mark.parametrize(
    ("metric", "interval", "bar"),
    [
        ("accuracy", (0.25, 0.5, 0.75), IntervalBar(low=25, value=50, high=75)),
        ("similarity", (-0.5, 0.0, 0.5), IntervalBar(low=25, value=50, high=75, zero=50)),
        ("similarity", (-1, -0.0625, 1), IntervalBar(low=0, value=46.875, high=100, zero=50)),
        ("exact_score", (0.5, 1.0, 1.5), IntervalBar(low=25, value=50, high=75)),
        ("accuracy", (None, 0.0, None), IntervalBar(low=None, value=0, high=None)),
    ],
)
def test_a_bar_is_over_the_range_of_its_metric(
    report_data: ReportData,
    metric: str,
    interval: tuple[float | None, float, float | None],
    bar: IntervalBar,
) -> None:
    """A score that can be negative has its zero in the middle, and no end is cut off."""
    low, value, high = interval
    score = Score(
        metric=metric, task="reasoning", subgroup="all", value=value, low=low, high=high, n=9
    )
    overview = describe_overview(
        replace(report_data, scores=[score, *report_data.scores]), [], None, baseline=None
    )
    bars = [row.bar for rows in overview.lines.values() for row in rows if row.score == score]
    assert bars == [bar]


def test_a_table_has_one_title_and_no_negative_zero(tmp_path: Path) -> None:
    """The heading of its section names it; what rounds to zero has no sign."""
    folder = write_run(
        tmp_path / "run",
        [make_record(case, explain_perfectly(case)) for case in make_pairs(4)],
    )
    store = RunWriter(folder)
    scores = load_run(folder).scores
    store.write_scores([
        replace(score, value=-0.0001, low=-0.0003, high=0.2)
        if score.metric in ("claim_informedness", "accuracy") else score
        for score in scores
    ])  # fmt: skip
    page = write_html_report(folder, images=None).read_text(encoding="utf-8")
    for score in scores:
        if score.metric == "claim_informedness":
            assert page.count(f"Claims of {score.task} by criterion") == 1
    assert "0.000 to 0.200" in page
    assert "-0.000" not in page
    assert "-0.00 " not in page
