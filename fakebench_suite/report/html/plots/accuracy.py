"""Accuracy by generator, by question type, and by criterion."""

from collections.abc import Sequence

import pandas as pd

from fakebench_suite.report.html.plots.figure import (
    HEAT,
    Plot,
    category_axis,
    make_plot,
    plain_label,
)
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.registry import get_task, list_tasks
from fakebench_suite.types import Score, Task

_ROW_HEIGHT = 26
_REAL = "label=real"


def plot_generators(scores: Sequence[Score]) -> Plot | None:
    """Accuracy by generator, with detection's accuracy on real images."""
    return _plot_subgroups(
        [s for s in scores if s.subgroup.startswith("generator=") or s.subgroup == _REAL],
        key="generator",
        title="Accuracy by generator",
        caption="Share passed, with 95 % intervals; replies without a verdict count as wrong.",
    )


def plot_question_types(scores: Sequence[Score]) -> Plot | None:
    """Detection accuracy by question type."""
    forms = [
        s for s in scores if s.subgroup.startswith("question_type=") and s.task == Task.DETECTION
    ]
    return _plot_subgroups(
        forms,
        key="question_type",
        title="Accuracy by question type",
        caption="Detection by question type, with 95 % intervals.",
    )


def _plot_subgroups(scores: Sequence[Score], *, key: str, title: str, caption: str) -> Plot | None:
    accuracies = [s for s in scores if s.metric == "accuracy" and s.value is not None and s.n]
    names = sorted(
        {s.subgroup for s in accuracies}, key=lambda name: (name == _REAL, name), reverse=True
    )
    if not names:
        return None
    tasks = [task for task in list_tasks() if any(s.task == task for s in accuracies)]
    traces = []
    for number, task in enumerate(tasks):
        task_scores = [s for s in accuracies if s.task == task]
        values = [s.value or 0.0 for s in task_scores]
        shift = 0.16 * ((len(tasks) - 1) / 2 - number)
        traces.append(
            {
                "type": "scatter",
                "name": task,
                "mode": "markers",
                "x": values,
                "y": [names.index(s.subgroup) + shift for s in task_scores],
                "error_x": {
                    "type": "data",
                    "array": [
                        _distance(s.high, value)
                        for s, value in zip(task_scores, values, strict=True)
                    ],
                    "arrayminus": [
                        -_distance(s.low, value)
                        for s, value in zip(task_scores, values, strict=True)
                    ],
                    "thickness": 1.5,
                    "width": 0,
                },
                "marker": {"color": get_task(task).colour, "size": 8},
                "text": [
                    f"{plain_label(s.subgroup.partition('=')[2])}, n = {s.n:,}" for s in task_scores
                ],
                "hovertemplate": "%{text}<br>%{x:.3f}<extra>" + task + "</extra>",
            }
        )
    shown = ["real images" if name == _REAL else name.partition("=")[2] for name in names]
    return make_plot(
        key,
        title,
        caption,
        traces,
        height=110 + 12 * len(tasks) + _ROW_HEIGHT * len(names),
        showlegend=len(tasks) > 1,
        x_axis={"range": [-0.02, 1.02], "tickformat": ".1f"},
        y_axis={"range": [-0.6, len(names) - 0.4], **category_axis(shown)},
    )


def _distance(bound: float | None, value: float) -> float:
    return 0.0 if bound is None else bound - value


def plot_criteria(frame: pd.DataFrame) -> Plot | None:
    """Accuracy by criterion and generator, or by task if there is one generator only."""
    graded = frame[frame["graded"] & frame["criterion"].notna()]
    asked = graded[graded["task"] == Task.ANALYSIS]
    by = "generator"
    if asked["generator"].nunique() < 2:
        asked, by = graded, "task"
    if asked.empty:
        return None
    table = asked.pivot_table(index="criterion", columns=by, values="correct", aggfunc="mean")
    counts = asked.pivot_table(index="criterion", columns=by, values="correct", aggfunc="size")
    criteria = [*CRITERIA, *sorted(set(table.index) - set(CRITERIA))]
    rows = [name for name in reversed(criteria) if name in table.index]
    order = list(list_tasks()) if by == "task" else sorted(table.columns)
    columns = [name for name in order if name in table.columns]
    table = table.reindex(index=rows, columns=columns)
    counts = counts.reindex(index=rows, columns=columns)
    heatmap = {
        "type": "heatmap",
        "z": _to_lists(table),
        "customdata": _to_lists(counts),
        "colorscale": HEAT,
        "zmin": 0,
        "zmax": 1,
        "xgap": 2,
        "ygap": 2,
        "texttemplate": "%{z:.2f}",
        "hovertemplate": "%{y}, %{x}<br>%{z:.3f}, n = %{customdata}<extra></extra>",
        "colorbar": {"thickness": 10, "outlinewidth": 0, "tickformat": ".1f"},
    }
    what = f"Share of passed cases by criterion and {by}; an empty cell was not scored."
    return make_plot(
        "criterion",
        "Criteria",
        what,
        [heatmap],
        height=110 + _ROW_HEIGHT * len(rows),
        x_axis={**category_axis(columns), "showgrid": False, "side": "top"},
        y_axis={**category_axis(rows), "showgrid": False},
    )


def _to_lists(table: pd.DataFrame) -> list[list[float | None]]:
    return [[None if pd.isna(cell) else float(cell) for cell in row] for row in table.to_numpy()]
