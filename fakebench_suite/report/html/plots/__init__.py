"""Scores and records -> figures for plotly.js; a figure without data is left out."""

from collections.abc import Sequence

from fakebench_suite.metrics.dataframe import records_to_frame
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


def make_plots(run: ReportData) -> Sequence[Plot]:
    """Every plot this run has data for, in the order they are shown."""
    frame = records_to_frame(run.records)
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
