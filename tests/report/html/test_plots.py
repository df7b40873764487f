"""The report's figures: what plotly.js is given."""

from pathlib import Path

import pytest
from plotly import graph_objects as go

from fakebench_suite.metrics.dataframe import records_to_frame, records_to_rows
from fakebench_suite.report.html.plots import make_plots
from fakebench_suite.report.html.plots.detection import plot_confusion
from fakebench_suite.report.html.plots.distributions import plot_latency
from fakebench_suite.report.html.plots.figure import make_plot, plain_label
from fakebench_suite.report.html.run_data import ReportData, load_run
from fakebench_suite.types import Authenticity, Outcome, Task
from tests.report.fake_runs import make_records, write_run


@pytest.fixture
def report_data(tmp_path: Path) -> ReportData:
    """Two hundred records with every field filled."""
    return load_run(write_run(tmp_path / "run", make_records(200)))


def test_every_figure_is_one_of_plotlys(report_data: ReportData) -> None:
    """Each property and value is in the schema of the version that draws it."""
    plots = make_plots(report_data, records_to_rows(report_data.records))
    assert {plot.key for plot in plots} >= {
        "generator", "question_type", "confusion", "criterion", "scores", "calibration", "latency",
    }  # fmt: skip
    for plot in plots:
        figure = go.Figure(plot.figure, skip_invalid=False)
        assert len(figure.data) == len(plot.figure["data"]) > 0
        assert figure.layout.height == plot.figure["layout"]["height"]


def test_a_property_that_plotly_does_not_know_is_seen() -> None:
    """The check above can fail."""
    plot = make_plot("key", "Title", "Caption.", [{"type": "bar", "hight": [1]}], height=100)
    with pytest.raises(ValueError, match="hight"):
        go.Figure(plot.figure)


def test_the_confusion_matrix_counts_the_records(report_data: ReportData) -> None:
    """Row by row: what replies said of images with that label; errors are none."""
    plot = plot_confusion(records_to_frame(report_data.records))
    assert plot is not None
    layout, (trace,) = plot.figure["layout"], plot.figure["data"]
    columns, rows = layout["xaxis"]["ticktext"], layout["yaxis"]["ticktext"]
    detections = [record for record in report_data.records if record.case.task == Task.DETECTION]
    for label in Authenticity:
        for reply in Authenticity:
            count = sum(
                record.case.label == label
                and record.verdict.label == reply
                and record.verdict.outcome in (Outcome.CORRECT, Outcome.INCORRECT)
                for record in detections
            )
            assert trace["text"][rows.index(label)][columns.index(reply)] == str(count)


def test_every_answer_is_in_one_bar(report_data: ReportData) -> None:
    """The histogram of seconds leaves none out, the slowest and the fastest included."""
    plot = plot_latency(report_data.records)
    assert plot is not None
    counted = sum(sum(trace["y"]) for trace in plot.figure["data"])
    assert counted == sum(record.answer is not None for record in report_data.records)


def test_labels_are_plain_text() -> None:
    """Names come from data: plotly.js would draw some HTML in them."""
    assert plain_label("<b>sd</b>\n") == "&lt;b&gt;sd&lt;/b&gt;"
    assert len(plain_label("x" * 100)) == 28
