"""The common layout of all figures, and labels as plain text.

Figures are plain data in the schema of plotly.js: https://plotly.com/javascript/reference/.

Colours of text and grid are set by the page, which knows whether it is light or dark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from fakebench_suite.text.display import to_single_line

SEQUENCE = ("#3f7fc1", "#c9772b", "#4d9a63", "#9a6fc0", "#b5566c", "#7c7f86")
HEAT = ((0.0, "#b5443c"), (0.5, "#e6dfc8"), (1.0, "#2f7d6b"))
"""From low to high accuracy."""
_LABEL_LENGTH = 28
Trace = Mapping[str, Any]
"""One series of a figure, such as a scatter or a heat map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A figure for plotly.js, with its title and caption."""

    key: str
    title: str
    caption: str
    figure: Mapping[str, Any]


def make_plot(
    key: str,
    title: str,
    caption: str,
    traces: Sequence[Trace],
    *,
    height: int,
    x_axis: Mapping[str, Any] | None = None,
    y_axis: Mapping[str, Any] | None = None,
    **layout: object,
) -> Plot:
    """A figure of these traces, with the common layout; ``height`` is in pixels."""
    axis = {"automargin": True, "zeroline": False}
    layout |= {
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "font": {"size": 12},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        "hoverlabel": {"align": "left"},
        "xaxis": axis | dict(x_axis or {}),
        "yaxis": axis | dict(y_axis or {}),
    }
    figure = {"data": traces, "layout": layout}
    return Plot(key=key, title=title, caption=caption, figure=figure)


def plain_label(name: str) -> str:
    """A name as plain text, escaped because plotly.js interprets some HTML in labels."""
    flat = to_single_line(name)
    return escape(flat if len(flat) <= _LABEL_LENGTH else f"{flat[: _LABEL_LENGTH - 1]}…")


def category_axis(names: Sequence[str]) -> dict[str, Any]:
    """An axis with one position per name, also if two labels are equal."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": list(map(plain_label, names)),
    }
