"""Scores and records -> figures for plotly.js; a figure without data is left out."""

from collections.abc import Sequence

from fakebench_suite.metrics.dataframe import records_to_frame
from fakebench_suite.report.html.plots.accuracy import draw_criteria, draw_forms, draw_generators
from fakebench_suite.report.html.plots.detection import draw_calibration, draw_confusion
from fakebench_suite.report.html.plots.distributions import draw_grades, draw_latency, draw_texts
from fakebench_suite.report.html.plots.figure import Plot
from fakebench_suite.report.html.run_data import Run


def make_plots(run: Run) -> Sequence[Plot]:
    """Every plot this run has data for, in the order they are shown."""
    frame = records_to_frame(run.records)
    drawn = (
        draw_generators(run.scores),
        draw_forms(run.scores),
        draw_confusion(frame),
        draw_criteria(frame),
        draw_grades(frame),
        draw_texts(run),
        draw_calibration(frame),
        draw_latency(run.records),
    )
    return [plot for plot in drawn if plot is not None]


__all__ = ["Plot", "make_plots"]
