"""Plots of detection: confusion matrix, and calibration of likelihoods."""

from collections import Counter

import pandas as pd

from fakebench_suite.metrics.intervals import estimate_mean
from fakebench_suite.report.html.plots.figure import Plot, category_axis, make_plot
from fakebench_suite.tasks.registry import get_task
from fakebench_suite.types import WITHOUT_VERDICT, Authenticity, Task

_BINS = 10
_BACKGROUND = "rgba(63,127,193,0.06)"


def plot_confusion(frame: pd.DataFrame) -> Plot | None:
    """The confusion matrix of labels and replies."""
    asked = frame[(frame["task"] == Task.DETECTION) & frame["graded"]]
    if asked.empty:
        return None
    silent = asked["outcome"].isin(WITHOUT_VERDICT)
    replies = asked["reply_label"].where(~silent, asked["outcome"])
    columns = [*map(str, Authenticity), *map(str, WITHOUT_VERDICT)]
    rows = [str(label) for label in reversed(Authenticity) if (asked["label"] == label).any()]
    pairs = Counter(zip(asked["label"], replies, strict=True))
    counts = [[pairs[label, reply] for reply in columns] for label in rows]
    shares = [[count / sum(row) if any(row) else None for count in row] for row in counts]
    heatmap = {
        "type": "heatmap",
        "z": shares,
        "text": [[f"{count:,}" for count in row] for row in counts],
        "texttemplate": "%{text}",
        "colorscale": [[0, _BACKGROUND], [1, get_task(Task.DETECTION).colour]],
        "zmin": 0,
        "zmax": 1,
        "xgap": 2,
        "ygap": 2,
        "showscale": False,
        "hovertemplate": "label %{y}, reply %{x}: %{text} (%{z:.1%})<extra></extra>",
    }
    caption = (
        "Detection: label of the image and label of the reply; shaded by the share of the row."
    )
    return make_plot(
        "confusion",
        "Confusion",
        caption,
        [heatmap],
        height=230,
        x_axis={
            **category_axis(columns), "showgrid": False, "side": "top", "title": {"text": "reply"}
        },
        y_axis={**category_axis(rows), "showgrid": False, "title": {"text": "label"}},
    )  # fmt: skip


def plot_calibration(frame: pd.DataFrame) -> Plot | None:
    """The share of fakes among the cases of each tenth of P(fake)."""
    weighed = frame[frame["p_fake"].notna() & frame["graded"] & (frame["task"] == Task.DETECTION)]
    if weighed.empty:
        return None
    chances = weighed["p_fake"].astype(float)
    fake = (weighed["label"] == Authenticity.FAKE).astype(float)
    places = (chances * _BINS).astype(int).clip(upper=_BINS - 1)
    filled = sorted(places.unique())
    means = [float(chances[places == place].mean()) for place in filled]
    estimates = [
        estimate_mean(fake[places == place], weighed["pair"][places == place].tolist())
        for place in filled
    ]
    values = [estimate.value or 0.0 for estimate in estimates]
    perfect = {
        "type": "scatter", "x": [0, 1], "y": [0, 1], "mode": "lines", "hoverinfo": "skip",
        "showlegend": False, "line": {"color": "#8a8f98", "dash": "dot", "width": 1},
    }  # fmt: skip
    measured = {
        "type": "scatter",
        "x": means,
        "y": values,
        "mode": "lines+markers",
        "showlegend": False,
        "line": {"color": get_task(Task.DETECTION).colour, "width": 1.5},
        "error_y": {
            "type": "data",
            "array": [(e.high or v) - v for e, v in zip(estimates, values, strict=True)],
            "arrayminus": [v - (e.low or 0.0) for e, v in zip(estimates, values, strict=True)],
            "thickness": 1.2,
            "width": 0,
        },
        "text": [f"n = {estimate.n:,}" for estimate in estimates],
        "hovertemplate": "P(fake) %{x:.2f}: %{y:.2f} are fake, %{text}<extra></extra>",
    }
    caption = "The dotted line is perfect calibration; bars are 95 % intervals."
    return make_plot(
        "calibration",
        "Calibration",
        caption,
        [perfect, measured],
        height=320,
        x_axis={"range": [-0.02, 1.02], "title": {"text": "P(fake), mean of the bin"}},
        y_axis={"range": [-0.02, 1.02], "title": {"text": "share that is fake"}},
    )
