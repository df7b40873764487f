"""Distributions of scores and times over cases, binned so that figures stay small."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from fakebench_suite.report.html.plots.figure import SEQUENCE, Plot, make_plot, plain_label
from fakebench_suite.report.html.run_data import ReportData
from fakebench_suite.tasks.registry import get_task, list_tasks
from fakebench_suite.types import Record

_SCORE_BINS = np.linspace(0, 2, 11)
_TIME_BINS = 30
_MAX_UNIT_TICKS = 5
"""Most answers for an axis with unit ticks."""
_MIN_DECADES = 0.5
"""Smallest range of the time axis in decades, so that bars of equal times are visible."""


def plot_text_scores(frame: pd.DataFrame) -> Plot | None:
    """A histogram of text scores by task and judge."""
    graded = frame[frame["score"].notna() & ~frame["error"]]
    if graded.empty:
        return None
    figure = go.Figure()
    for number, ((task, judge), rows) in enumerate(graded.groupby(["task", "judge"], dropna=False)):
        counts, _ = np.histogram(rows["score"].astype(float), bins=_SCORE_BINS)
        name = f"{task}, {plain_label(str(judge))}"
        figure.add_bar(
            x=((_SCORE_BINS[1:] + _SCORE_BINS[:-1]) / 2).tolist(),
            y=counts.tolist(),
            name=name,
            marker={"color": SEQUENCE[number % len(SEQUENCE)]},
            hovertemplate="%{y:,} texts around %{x:.1f}<extra>" + name + "</extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.08, showlegend=True)
    figure.update_xaxes(range=[-0.02, 2.02], title="score of 2")
    figure.update_yaxes(title="texts")
    caption = "Texts by score, 0 to 2, and by judge."
    return make_plot("scores", "Scores of texts", caption, figure, height=300)


def plot_text_metrics(run: ReportData) -> Plot | None:
    """The distribution of each metric against reference texts."""
    table = pd.DataFrame(list(run.texts.values()))
    if table.empty:
        return None
    values = {name: table[name].dropna().astype(float) for name in table.columns}
    names = [name for name in reversed(table.columns) if not values[name].empty]
    spreads = [np.percentile(values[name], (5, 25, 50, 75, 95)).tolist() for name in names]
    low, first, median, third, high = (list(column) for column in zip(*spreads, strict=True))
    figure = go.Figure(
        go.Box(
            y=names, lowerfence=low, q1=first, median=median, q3=third, upperfence=high,
            orientation="h", line={"color": SEQUENCE[0], "width": 1.2},
            fillcolor="rgba(63,127,193,0.25)", showlegend=False,
        )
    )  # fmt: skip
    figure.update_xaxes(range=[-0.02, 1.02])
    caption = "Replies against reference texts: median, quartiles, 5th and 95th percentile."
    return make_plot("texts", "Text metrics", caption, figure, height=90 + 34 * len(names))


def plot_latency(records: Sequence[Record]) -> Plot | None:
    """A histogram of seconds per answer, on a logarithmic scale."""
    times = pd.DataFrame(
        [
            (str(record.case.task), record.answer.seconds)
            for record in records
            if record.answer is not None
        ],
        columns=["task", "seconds"],
    )
    times = times[times["seconds"] > 0]
    if times.empty:
        return None
    logs = np.log10(times["seconds"].to_numpy(dtype=float))
    middle, half = (logs.max() + logs.min()) / 2, (logs.max() - logs.min()) / 2 + 1e-6
    reach = max(half, _MIN_DECADES / 2)
    edges = np.linspace(middle - reach, middle + reach, _TIME_BINS + 1)
    figure = go.Figure()
    for task in list_tasks():
        counts, _ = np.histogram(logs[(times["task"] == task).to_numpy()], bins=edges)
        if counts.any():
            figure.add_bar(
                x=(10 ** ((edges[1:] + edges[:-1]) / 2)).tolist(),
                y=counts.tolist(),
                width=(10 ** edges[1:] - 10 ** edges[:-1]).tolist(),
                name=task,
                marker={"color": get_task(task).colour},
                hovertemplate="%{y:,} answers around %{x:.3g} s<extra>" + task + "</extra>",
            )
    median, late = np.percentile(times["seconds"], (50, 95))
    figure.update_layout(barmode="stack", bargap=0.05, showlegend=True)
    ticks = [record * 10.0**power for power in range(-5, 5) for record in (1, 2, 5)]
    figure.update_xaxes(
        type="log",
        title="seconds per answer",
        tickvals=ticks,
        ticktext=[f"{tick:g}" for tick in ticks],
        range=[float(edges[0]) - 0.05, float(edges[-1]) + 0.05],
    )
    most, _ = np.histogram(logs, bins=edges)
    figure.update_yaxes(title="answers", dtick=1 if most.max() < _MAX_UNIT_TICKS else None)
    caption = "An answer's share of its batch's time: " + (
        f"{median:.3g} s for every answer."
        if times["seconds"].nunique() == 1
        else f"median {median:.3g} s, 95 % within {late:.3g} s."
    )
    return make_plot("latency", "Latency", caption, figure, height=300)
