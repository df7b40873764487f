"""Distributions of scores and times over cases, binned so that figures stay small."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

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
    traces = []
    for number, ((task, judge), rows) in enumerate(graded.groupby(["task", "judge"], dropna=False)):
        counts, _ = np.histogram(rows["score"].astype(float), bins=_SCORE_BINS)
        name = f"{task}, {plain_label(str(judge))}"
        traces.append(
            {
                "type": "bar",
                "x": ((_SCORE_BINS[1:] + _SCORE_BINS[:-1]) / 2).tolist(),
                "y": counts.tolist(),
                "name": name,
                "marker": {"color": SEQUENCE[number % len(SEQUENCE)]},
                "hovertemplate": "%{y:,} texts around %{x:.1f}<extra>" + name + "</extra>",
            }
        )
    return make_plot(
        "scores",
        "Scores of texts",
        "Texts by score, 0 to 2, and by judge.",
        traces,
        height=300,
        barmode="stack",
        bargap=0.08,
        showlegend=True,
        x_axis={"range": [-0.02, 2.02], "title": {"text": "score of 2"}},
        y_axis={"title": {"text": "texts"}},
    )


def plot_text_metrics(run: ReportData) -> Plot | None:
    """The distribution of each metric against reference texts."""
    table = pd.DataFrame(list(run.texts.values()))
    if table.empty:
        return None
    values = {name: table[name].dropna().astype(float) for name in table.columns}
    names = [name for name in reversed(table.columns) if not values[name].empty]
    spreads = [np.percentile(values[name], (5, 25, 50, 75, 95)).tolist() for name in names]
    low, first, median, third, high = (list(column) for column in zip(*spreads, strict=True))
    box = {
        "type": "box", "y": names, "lowerfence": low, "q1": first, "median": median, "q3": third,
        "upperfence": high, "orientation": "h", "line": {"color": SEQUENCE[0], "width": 1.2},
        "fillcolor": "rgba(63,127,193,0.25)", "showlegend": False,
    }  # fmt: skip
    caption = "Replies against reference texts: median, quartiles, 5th and 95th percentile."
    return make_plot(
        "texts",
        "Text metrics",
        caption,
        [box],
        height=90 + 34 * len(names),
        x_axis={"range": [-0.02, 1.02]},
    )


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
    traces = []
    for task in list_tasks():
        counts, _ = np.histogram(logs[(times["task"] == task).to_numpy()], bins=edges)
        if counts.any():
            traces.append(
                {
                    "type": "bar",
                    "x": (10 ** ((edges[1:] + edges[:-1]) / 2)).tolist(),
                    "y": counts.tolist(),
                    "width": (10 ** edges[1:] - 10 ** edges[:-1]).tolist(),
                    "name": task,
                    "marker": {"color": get_task(task).colour},
                    "hovertemplate": "%{y:,} answers around %{x:.3g} s<extra>" + task + "</extra>",
                }
            )
    median, late = np.percentile(times["seconds"], (50, 95))
    ticks = [record * 10.0**power for power in range(-5, 5) for record in (1, 2, 5)]
    most, _ = np.histogram(logs, bins=edges)
    unit_ticks = {"dtick": 1} if most.max() < _MAX_UNIT_TICKS else {}
    caption = "An answer's share of its batch's time: " + (
        f"{median:.3g} s for every answer."
        if times["seconds"].nunique() == 1
        else f"median {median:.3g} s, 95 % within {late:.3g} s."
    )
    return make_plot(
        "latency",
        "Latency",
        caption,
        traces,
        height=300,
        barmode="stack",
        bargap=0.05,
        showlegend=True,
        x_axis={
            "type": "log",
            "title": {"text": "seconds per answer"},
            "tickvals": ticks,
            "ticktext": [f"{tick:g}" for tick in ticks],
            "range": [float(edges[0]) - 0.05, float(edges[-1]) + 0.05],
        },
        y_axis={"title": {"text": "answers"}, **unit_ticks},
    )
