"""Scores and records -> figures for plotly.js; a figure without data is left out."""

from collections.abc import Sequence

from fakebench_suite.metrics.dataframe import Rows, rows_to_frame
from fakebench_suite.report.html.plots.accuracy import (
    plot_criteria,
    plot_generators,
    plot_question_types,
)
from fakebench_suite.report.html.plots.detection import plot_calibration, plot_confusion
from fakebench_suite.report.html.plots.distributions import (
    plot_latency,
    plot_text_metrics,
    plot_text_scores,
)
from fakebench_suite.report.html.plots.figure import Plot
from fakebench_suite.report.html.plots.robustness import plot_robustness
from fakebench_suite.report.html.plots.strengths import plot_strengths
from fakebench_suite.report.html.run_data import ReportData

_PLOTTED = (
    "task", "pair", "label", "generator", "criterion", "outcome", "reply_label", "score", "p_fake",
    "judge", "correct", "error", "graded",
)  # fmt: skip
"""The columns of a run's table that the plots look at."""


def make_plots(run: ReportData, rows: Rows) -> Sequence[Plot]:
    """Every plot this run has data for, in the order they are shown; ``rows`` is its table."""
    frame = rows_to_frame(rows, _PLOTTED)
    drawn = (
        plot_generators(run.scores),
        plot_question_types(run.scores),
        plot_confusion(frame),
        plot_criteria(frame),
        plot_text_scores(frame),
        plot_text_metrics(run),
        plot_calibration(frame),
        plot_strengths(run.records),
        plot_latency(run.records),
        plot_robustness(run.scores),
    )
    return [plot for plot in drawn if plot is not None]


__all__ = ["Plot", "make_plots"]
