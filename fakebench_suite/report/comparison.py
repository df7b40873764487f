"""A run beside the published rows of Tables V to VIII, as text for page and terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fakebench_suite.metrics.tables import NUMBERS, compare
from fakebench_suite.types import Score, Task

_HIDDEN = ("group", "proprietary", "Rank")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table as texts: the last row is the run's."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def lay_beside(manifest: Mapping[str, Any], scores: Sequence[Score]) -> Iterator[Grid]:
    """One grid for each table the run has a cell of; none for data that are not FakeBench's."""
    if manifest["dataset"]["kind"] != "official":
        return
    for task in Task:
        table = compare(task, name_run(task, manifest), scores)
        if table is not None:
            yield draw_grid(task, table)


def name_run(task: Task, manifest: Mapping[str, Any]) -> str:
    """The model's name with everything that sets its row apart from the published ones."""
    notes = []
    if manifest["partial"]:
        notes.append("partial")
    if task is Task.DETECTION and manifest["judge"]["label"] != "paper":
        notes.append(f"{manifest['judge']['label']} reading")
    if task is not Task.DETECTION and manifest["judge"]["text"]:
        notes.append(f"judge {manifest['judge']['text']}")
    name = str(manifest["model"]["name"])
    return f"{name} ({', '.join(notes)})" if notes else name


def draw_grid(task: Task, table: pd.DataFrame) -> Grid:
    """The published table with its printed number of decimals; an empty cell is an empty text."""
    shown = table.drop(columns=[name for name in _HIDDEN if name in table])
    digits = 2 if task is Task.DETECTION else 3
    rows = [
        [
            cell if isinstance(cell, str) else "" if pd.isna(cell) else f"{cell:.{digits}f}"
            for cell in row
        ]
        for row in shown.itertuples(index=False)
    ]
    title = f"Table {NUMBERS[task]}: {task}"
    return Grid(title=title, header=[str(name) for name in shown.columns], rows=rows)
