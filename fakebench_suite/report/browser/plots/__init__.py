"""Scores and records -> figures for plotly.js; a figure without data is left out."""

from collections.abc import Sequence

from fakebench_suite.metrics.frame import tabulate
from fakebench_suite.report.browser.plots.accuracy import draw_criteria, draw_forms, draw_generators
from fakebench_suite.report.browser.plots.detection import draw_calibration, draw_confusion
from fakebench_suite.report.browser.plots.figure import Plot
from fakebench_suite.report.browser.plots.spread import draw_grades, draw_latency, draw_texts
from fakebench_suite.report.browser.run import Run


def draw_plots(run: Run) -> Sequence[Plot]:
    """Every plot this run has data for, in the order they are shown."""
    frame = tabulate(run.records)
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


__all__ = ["Plot", "draw_plots"]
