"""Curves of robustness: accuracy and flip rate over the strength of each family."""

from collections.abc import Mapping, Sequence
from typing import Any

from fakebench_suite.report.html.plots.figure import (
    SEQUENCE,
    Plot,
    Trace,
    category_axis,
    make_plot,
)
from fakebench_suite.report.robustness import group_by_level
from fakebench_suite.tasks.robustness import FAMILIES, ORIGINAL, list_ladder
from fakebench_suite.types import Score

_COLUMNS = 2
_GAP = 0.12
"""Between two columns, as a share of the width."""
_ROW_HEIGHT, _TITLE = 190, 22
"""Of a row of curves and of the names above it, in pixels."""
_CURVES = (
    ("accuracy", "accuracy", SEQUENCE[0]),
    ("flip_rate", "flip rate", SEQUENCE[1]),
)


def plot_robustness(scores: Sequence[Score]) -> Plot | None:
    """One pair of curves for each family with strengths; None without a ladder.

    The first point is the unperturbed case, which has an accuracy and nothing that could flip.
    """
    levels = group_by_level(scores)
    original = next(
        (
            score
            for score in scores
            if (score.metric, score.subgroup) == ("accuracy", f"perturbation={ORIGINAL}")
        ),
        None,
    )
    asked = {
        family: [level for level in map(str, list_ladder([family])) if level in levels]
        for family in FAMILIES
    }
    shown = {family: steps for family, steps in asked.items() if len(steps) > 1}
    if original is None or not shown:
        return None
    rows = -(-len(shown) // _COLUMNS)
    height = rows * (_ROW_HEIGHT + _TITLE)
    traces: list[Trace] = []
    axes: dict[str, Mapping[str, Any]] = {}
    names = []
    for place, (family, steps) in enumerate(shown.items()):
        number = "" if place == 0 else str(place + 1)
        across, down = _find_domain(place, rows, height)
        strengths = [ORIGINAL, *(step.partition(":")[2] for step in steps)]
        axes[f"xaxis{number}"] = category_axis(strengths) | {
            "domain": across,
            "automargin": True,
            "zeroline": False,
            "anchor": f"y{number}",
            "range": [-0.3, len(steps) + 0.3],
        }
        axes[f"yaxis{number}"] = {
            "domain": down,
            "anchor": f"x{number}",
            "automargin": True,
            "zeroline": False,
            "range": [-0.03, 1.03],
            "tickformat": ".1f",
        }
        names.append(_name_family(family, across, down))
        for metric, title, colour in _CURVES:
            points = [levels[step][metric] for step in steps]
            if metric == "accuracy":
                points.insert(0, original)
            traces.append(
                _make_curve(points, number, title, colour, first=len(steps) + 1 - len(points))
                | {"showlegend": place == 0}
            )
    return make_plot(
        "robustness",
        "Robustness over strength",
        "Each family from weak to strong, with 95 % intervals; the unperturbed case comes first.",
        traces,
        height=height + 40,
        x_axis=axes.pop("xaxis"),
        y_axis=axes.pop("yaxis"),
        annotations=names,
        **axes,
    )


def _find_domain(place: int, rows: int, height: int) -> tuple[list[float], list[float]]:
    """The shares of the width and of the height that a pair of curves takes."""
    width = (1 - _GAP * (_COLUMNS - 1)) / _COLUMNS
    left = place % _COLUMNS * (width + _GAP)
    top = 1 - place // _COLUMNS / rows
    used = (_ROW_HEIGHT - 40) / height
    return [left, left + width], [max(0.0, top - _TITLE / height - used), top - _TITLE / height]


def _name_family(family: str, across: Sequence[float], down: Sequence[float]) -> Mapping[str, Any]:
    return {
        "text": family, "x": across[0], "y": down[1], "xref": "paper", "yref": "paper",
        "xanchor": "left", "yanchor": "bottom", "showarrow": False,
    }  # fmt: skip


def _make_curve(
    points: Sequence[Score], number: str, title: str, colour: str, *, first: int
) -> dict[str, Any]:
    """One metric over the levels of a family, from the place ``first`` on."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": title,
        "legendgroup": title,
        "x": [first + step for step in range(len(points))],
        "y": [point.value for point in points],
        "error_y": {
            "type": "data",
            "array": [_distance(point.high, point.value) for point in points],
            "arrayminus": [-_distance(point.low, point.value) for point in points],
            "thickness": 1,
            "width": 0,
        },
        "text": [f"n = {point.n:,}" for point in points],
        "hovertemplate": "%{y:.3f}, %{text}<extra>" + title + "</extra>",
        "line": {"color": colour, "width": 1.5},
        "marker": {"color": colour, "size": 6},
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
    }


def _distance(bound: float | None, value: float | None) -> float:
    return 0.0 if bound is None or value is None else bound - value
