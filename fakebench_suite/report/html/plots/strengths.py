"""Plot of detection over the strength of planted forgeries."""

from collections.abc import Mapping, Sequence

import numpy as np

from fakebench_suite.metrics.names import MIN_PAIRS
from fakebench_suite.metrics.psychometric import (
    ALL,
    TARGET,
    Curve,
    fit_records,
    list_graded,
)
from fakebench_suite.report.html.plots.figure import SEQUENCE, Plot, Trace, make_plot, plain_label
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Record

_POINTS = 60
_DASHES = ("solid", "dash", "dot")
"""With the colours after the first they tell fifteen curves apart, more than there are criteria."""


def plot_strengths(records: Sequence[Record]) -> Plot | None:
    """The share called fake at each strength, and the fitted curves of all and of each criterion.

    Untouched images have no place on the logarithmic axis; their share is the curves' lower end.
    """
    curves = {name: fit_records(part) for name, part in list_graded(records).items()}
    whole = curves.pop(ALL, None)
    if whole is None:
        return None
    strengths = [level.strength for level in whole.levels if level.strength > 0]
    grid = np.geomspace(min(strengths), max(strengths), _POINTS).tolist()
    traces: list[Trace] = [
        _draw_points(whole),
        _draw_curve("all", whole, grid, {"color": SEQUENCE[0], "width": 3}),
    ]
    for index, (name, curve) in enumerate(curves.items()):
        if curve is not None:
            label = plain_label(name.removeprefix("criterion="))
            style = {
                "color": SEQUENCE[1 + index % (len(SEQUENCE) - 1)],
                "dash": _DASHES[index // (len(SEQUENCE) - 1)],
                "width": 1.6,
            }
            traces.append(_draw_curve(label, curve, grid, style))
    caption = (
        "Share of images called fake over the strength of the planted forgery, with fitted "
        f"logistic curves; points are all forgeries with 95 % intervals. Of untouched images "
        f"{whole.levels[0].share.value or 0:.0%} are called fake. Criteria of fewer than "
        f"{MIN_PAIRS} pairs have no curve."
    )
    target = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": TARGET, "y1": TARGET,
              "line": {"color": "#8a8f98", "dash": "dot", "width": 1}}  # fmt: skip
    return make_plot(
        "strengths",
        "Detection by strength of the forgery",
        caption,
        traces,
        height=460,
        x_axis={
            "type": "log", "title": {"text": "strength"}, "tickmode": "array",
            "tickvals": strengths, "ticktext": [f"{strength:g}" for strength in strengths],
        },
        y_axis={"range": [-0.02, 1.02], "title": {"text": "called fake"}},
        shapes=[target],
    )  # fmt: skip


def _draw_points(curve: Curve) -> Trace:
    levels = [level for level in curve.levels if level.strength > 0]
    values = [level.share.value or 0.0 for level in levels]
    highs = [level.share.high for level in levels]
    lows = [level.share.low for level in levels]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [level.strength for level in levels],
        "y": values,
        "showlegend": False,
        "marker": {"color": SEQUENCE[0], "size": 8},
        "error_y": {
            "type": "data",
            "array": [(h if h is not None else v) - v for h, v in zip(highs, values, strict=True)],
            "arrayminus": [
                v - (low if low is not None else v) for low, v in zip(lows, values, strict=True)
            ],
            "thickness": 1.2,
            "width": 0,
        },
        "text": [f"n = {level.share.n:,}" for level in levels],
        "hovertemplate": "strength %{x}: %{y:.2f}, %{text}<extra></extra>",
    }


def _draw_curve(
    name: str, curve: Curve, grid: Sequence[float], style: Mapping[str, object]
) -> Trace:
    pairs = count_of(curve.pairs, "pair")
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{name} ({pairs})",
        "x": list(grid),
        "y": [curve.predict(strength) for strength in grid],
        "line": style,
        "hovertemplate": f"{name} ({pairs}), strength %{{x:.2f}}: %{{y:.2f}}<extra></extra>",
    }
