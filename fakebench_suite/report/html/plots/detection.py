"""What detection said against what is true: confusion, and calibration of likelihoods."""

import pandas as pd
from plotly import graph_objects as go

from fakebench_suite.metrics.intervals import estimate_mean
from fakebench_suite.report.html.plots.figure import PALETTE, Plot, axis_of, make_plot
from fakebench_suite.types import WITHOUT_VERDICT, Authenticity, Task

_BINS = 10
_GROUND = "rgba(63,127,193,0.06)"


def draw_confusion(frame: pd.DataFrame) -> Plot | None:
    """How often each label was called what."""
    asked = frame[(frame["task"] == Task.DETECTION) & frame["graded"]]
    if asked.empty:
        return None
    silent = asked["outcome"].isin(WITHOUT_VERDICT)
    said = asked["reply_label"].where(~silent, asked["outcome"])
    columns = [*map(str, Authenticity), *map(str, WITHOUT_VERDICT)]
    rows = [str(one) for one in reversed(Authenticity) if (asked["label"] == one).any()]
    counts = pd.crosstab(asked["label"], said).reindex(index=rows, columns=columns, fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0)
    figure = go.Figure(
        go.Heatmap(
            z=shares.to_numpy().tolist(),
            text=[[f"{count:,}" for count in row] for row in counts.to_numpy()],
            texttemplate="%{text}",
            colorscale=[[0, _GROUND], [1, PALETTE[Task.DETECTION]]],
            zmin=0,
            zmax=1,
            xgap=2,
            ygap=2,
            showscale=False,
            hovertemplate="is %{y}, said %{x}: %{text} (%{z:.1%})<extra></extra>",
        )
    )
    figure.update_xaxes(**axis_of(columns), showgrid=False, side="top", title="said")
    figure.update_yaxes(**axis_of(rows), showgrid=False, title="is")
    caption = "Detection: what the image is, and what the reply said; shaded by the share of a row."
    return make_plot("confusion", "Confusion", caption, figure, height=230)


def draw_calibration(frame: pd.DataFrame) -> Plot | None:
    """The share of fakes among the cases of each tenth of P(fake)."""
    weighed = frame[frame["p_fake"].notna() & frame["graded"] & (frame["task"] == Task.DETECTION)]
    if weighed.empty:
        return None
    chances = weighed["p_fake"].astype(float)
    fake = (weighed["label"] == Authenticity.FAKE).astype(float)
    places = (chances * _BINS).astype(int).clip(upper=_BINS - 1)
    filled = sorted(places.unique())
    means = [float(chances[places == place].mean()) for place in filled]
    found = [
        estimate_mean(fake[places == place], weighed["image"][places == place].tolist())
        for place in filled
    ]
    values = [one.value or 0.0 for one in found]
    figure = go.Figure(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", hoverinfo="skip", showlegend=False,
            line={"color": "#8a8f98", "dash": "dot", "width": 1},
        )
    )  # fmt: skip
    figure.add_scatter(
        x=means,
        y=values,
        mode="lines+markers",
        showlegend=False,
        line={"color": PALETTE[Task.DETECTION], "width": 1.5},
        error_y={
            "type": "data",
            "array": [(e.high or v) - v for e, v in zip(found, values, strict=True)],
            "arrayminus": [v - (e.low or 0.0) for e, v in zip(found, values, strict=True)],
            "thickness": 1.2,
            "width": 0,
        },
        text=[f"n = {one.n:,}" for one in found],
        hovertemplate="P(fake) %{x:.2f}: %{y:.2f} are fake, %{text}<extra></extra>",
    )
    figure.update_xaxes(range=[-0.02, 1.02], title="P(fake), mean of the bin")
    figure.update_yaxes(range=[-0.02, 1.02], title="share that is fake")
    caption = "On the dotted line, a probability means what it says; bars are 95 % intervals."
    return make_plot("calibration", "Calibration", caption, figure, height=320)
