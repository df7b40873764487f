"""The paper's Tables V to VIII: the published rows, a run's row among them, and their arithmetic.

Figures and their source are in ``published/``; rows are shown as printed, never corrected.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fakebench_suite.tasks.registry import PaperTable, get_task
from fakebench_suite.types import Score, Task

AUTOMATIC = {"B1": "bleu_1", "B2": "bleu_2", "RL": "rouge_l", "Sim": "similarity"}
JUDGED = {"Comp": "completeness", "Prec": "preciseness", "Rele": "relevance"}
_GENERATORS = {
    "proGAN": "proGAN", "styleGAN": "styleGAN", "CogView": "cogview2", "FuseDream": "FuseDream",
    "VQDM": "VQDM", "Glide": "Glide", "SD": "sd", "DALLE2": "dalle2", "DALLE3": "dalle3",
    "MJ": "midjourney",
}  # fmt: skip
_SUBGROUPS = {
    "Fake": "label=fake",
    "Real": "label=real",
    "What": "question_type=what",
    "Overall": "all",
}
_SUBGROUPS |= {column: f"generator={name}" for column, name in _GENERATORS.items()}
FOOTNOTE = (
    "Published rows are as printed. In Table V the overall figure of GeminiPro, the question types "
    "of Qwen-VL, the DALL-E columns of LLaVA-v1.5 and the row of UnivDF disagree with themselves."
)


def load_table(task: str) -> Sequence[Mapping[str, str]]:
    """The published rows of a task, cells as printed; a missing cell is an empty text.

    There is none where the task has no published table.
    """
    table = get_task(task).paper_table
    return () if table is None else _read_table(table)


@cache
def _read_table(table: PaperTable) -> Sequence[Mapping[str, str]]:
    text = (files(__package__) / "published" / table.file).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMeans:
    """The three means of Tables VI to VIII, from their parts."""

    automatic: float
    """Mean of BLEU-1, BLEU-2, ROUGE-L and similarity, 0-1."""
    judged: float
    """Mean of completeness, preciseness and relevance, 0-2."""

    @property
    def overall(self) -> float:
        """``Avr``: the mean of both, the judged one brought to 0-1."""
        return (self.automatic + self.judged / 2) / 2


def aggregate(parts: Mapping[str, float]) -> TableMeans:
    """The means of one row with the columns of AUTOMATIC and JUDGED."""
    return TableMeans(
        automatic=sum(parts[name] for name in AUTOMATIC) / len(AUTOMATIC),
        judged=sum(parts[name] for name in JUDGED) / len(JUDGED),
    )


_HALF = 0.0005
_ROUNDING = 1e-9


def check_published() -> Iterator[str]:
    """A line for each of the 42 published rows whose ``Avr`` disagrees with its own parts.

    Every cell is rounded to three decimals, so half a unit of each is allowed for.
    """
    allowed = _HALF + (_HALF + _HALF / 2) / 2 + _ROUNDING
    for task in (Task.INTERPRETATION, Task.REASONING, Task.ANALYSIS):
        table = get_task(task).paper_table
        assert table is not None
        for row in load_table(task):
            parts = {name: float(row[name]) for name in (*AUTOMATIC, *JUDGED)}
            computed, printed = aggregate(parts).overall, float(row["Avr"])
            if abs(computed - printed) > allowed:
                yield (
                    f"Table {table.number}, {row['model']}: Avr is printed as {printed:.3f}, "
                    f"its parts give {computed:.3f}"
                )


def make_row(task: str, scores: Sequence[Score]) -> dict[str, float]:
    """A run's cells in the columns of the task's table, without cells that were not measured."""
    by_name = {(s.metric, s.subgroup): s for s in scores if s.task == task and s.value is not None}
    if task == Task.DETECTION:
        accuracy = {where: s for (metric, where), s in by_name.items() if metric == "accuracy"}
        row = {name: accuracy[where] for name, where in _SUBGROUPS.items() if where in accuracy}
        cells = {name: 100 * (score.value or 0.0) for name, score in row.items()}
        subgroups = ("question_type=isfake", "question_type=isreal")
        yes_no = [accuracy[name] for name in subgroups if name in accuracy]
        if yes_no:
            hits = sum((score.value or 0.0) * score.n for score in yes_no)
            cells["YesNo"] = 100 * hits / sum(score.n for score in yes_no)
        return cells
    cell_scores = {
        column: score
        for column, metric in (AUTOMATIC | JUDGED).items()
        if (score := by_name.get((metric, "all"))) is not None
    }
    cells = {column: score.value or 0.0 for column, score in cell_scores.items()}
    # A mean of figures over different cases (a judge that failed on some) would be no Avr.
    if (
        set(cells) == {*AUTOMATIC, *JUDGED}
        and len({score.n for score in cell_scores.values()}) == 1
    ):
        means = aggregate(cells)
        cells |= {"AutoAvr": means.automatic, "GPTAvr": means.judged, "Avr": means.overall}
    return cells


def compare(task: str, name: str, scores: Sequence[Score]) -> Sequence[Mapping[str, str]]:
    """The published rows with the run's row as the last; empty if the run has no cell.

    It is empty for a task without a published table too.
    """
    if get_task(task).paper_table is None:
        return ()
    cells = make_row(task, scores)
    if not cells:
        return ()
    digits = 2 if task == Task.DETECTION else 3
    row = {"model": name} | {column: f"{value:.{digits}f}" for column, value in cells.items()}
    computed = (_ALWAYS_FAKE,) if task == Task.DETECTION else ()
    return (*load_table(task), *computed, row)


_ALWAYS_FAKE = {
    "model": "Always fake (computed)", "Fake": "100.00", "Real": "0.00", "What": "50.00",
    "YesNo": "50.00", "Overall": "50.00",
} | dict.fromkeys(_GENERATORS, "100.00")  # fmt: skip
