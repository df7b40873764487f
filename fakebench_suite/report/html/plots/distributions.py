"""How scores and times are spread over cases; binned here, so that a figure stays small."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from fakebench_suite.report.html.plots.figure import PALETTE, SEQUENCE, Plot, label, make_plot
from fakebench_suite.report.html.run_data import Run
from fakebench_suite.types import Record, Task

_MARKS = np.linspace(0, 2, 11)
_TIMES = 30
_FEW = 5
"""Answers up to which an axis counts one by one, and never in halves."""
_NARROWEST = 0.5
"""Decades of time that the axis shows at least, so that equal times are no hairline."""


def draw_grades(frame: pd.DataFrame) -> Plot | None:
    """How many texts got which score of 0 to 2, by task and by who gave it."""
    graded = frame[frame["score"].notna() & ~frame["error"]]
    if graded.empty:
        return None
    figure = go.Figure()
    for number, ((task, judge), rows) in enumerate(graded.groupby(["task", "judge"], dropna=False)):
        counts, _ = np.histogram(rows["score"].astype(float), bins=_MARKS)
        name = f"{task}, {label(str(judge))}"
        figure.add_bar(
            x=((_MARKS[1:] + _MARKS[:-1]) / 2).tolist(),
            y=counts.tolist(),
            name=name,
            marker={"color": SEQUENCE[number % len(SEQUENCE)]},
            hovertemplate="%{y:,} texts around %{x:.1f}<extra>" + name + "</extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.08, showlegend=True)
    figure.update_xaxes(range=[-0.02, 2.02], title="score of 2")
    figure.update_yaxes(title="texts")
    caption = "Texts by their score, 0 to 2, and by who gave it."
    return make_plot("scores", "Scores of texts", caption, figure, height=300)


def draw_texts(run: Run) -> Plot | None:
    """How each metric against the reference texts is spread."""
    table = pd.DataFrame(list(run.texts.values()))
    if table.empty:
        return None
    known = {name: table[name].dropna().astype(float) for name in table.columns}
    names = [name for name in reversed(table.columns) if not known[name].empty]
    spreads = [np.percentile(known[name], (5, 25, 50, 75, 95)).tolist() for name in names]
    low, first, median, third, high = (list(column) for column in zip(*spreads, strict=True))
    figure = go.Figure(
        go.Box(
            y=names, lowerfence=low, q1=first, median=median, q3=third, upperfence=high,
            orientation="h", line={"color": SEQUENCE[0], "width": 1.2},
            fillcolor="rgba(63,127,193,0.25)", showlegend=False,
        )
    )  # fmt: skip
    figure.update_xaxes(range=[-0.02, 1.02])
    caption = "Replies against reference texts: median, quartiles, and the middle nine tenths."
    return make_plot("texts", "Text metrics", caption, figure, height=90 + 34 * len(names))


def draw_latency(records: Sequence[Record]) -> Plot | None:
    """How long answers took, on a logarithmic scale."""
    times = pd.DataFrame(
        [(str(one.case.task), one.answer.seconds) for one in records if one.answer is not None],
        columns=["task", "seconds"],
    )
    times = times[times["seconds"] > 0]
    if times.empty:
        return None
    logs = np.log10(times["seconds"].to_numpy(dtype=float))
    middle, half = (logs.max() + logs.min()) / 2, (logs.max() - logs.min()) / 2 + 1e-6
    reach = max(half, _NARROWEST / 2)
    edges = np.linspace(middle - reach, middle + reach, _TIMES + 1)
    figure = go.Figure()
    for task in Task:
        counts, _ = np.histogram(logs[(times["task"] == task).to_numpy()], bins=edges)
        if counts.any():
            figure.add_bar(
                x=(10 ** ((edges[1:] + edges[:-1]) / 2)).tolist(),
                y=counts.tolist(),
                width=(10 ** edges[1:] - 10 ** edges[:-1]).tolist(),
                name=task,
                marker={"color": PALETTE[task]},
                hovertemplate="%{y:,} answers around %{x:.3g} s<extra>" + task + "</extra>",
            )
    median, late = np.percentile(times["seconds"], (50, 95))
    figure.update_layout(barmode="stack", bargap=0.05, showlegend=True)
    ticks = [one * 10.0**power for power in range(-5, 5) for one in (1, 2, 5)]
    figure.update_xaxes(
        type="log",
        title="seconds per answer",
        tickvals=ticks,
        ticktext=[f"{tick:g}" for tick in ticks],
        range=[float(edges[0]) - 0.05, float(edges[-1]) + 0.05],
    )
    most, _ = np.histogram(logs, bins=edges)
    figure.update_yaxes(title="answers", dtick=1 if most.max() < _FEW else None)
    caption = "An answer's share of its batch's time: " + (
        f"{median:.3g} s for every answer."
        if times["seconds"].nunique() == 1
        else f"median {median:.3g} s, 95 % within {late:.3g} s."
    )
    return make_plot("latency", "Latency", caption, figure, height=300)
