"""The published tables: as printed, checked by their own arithmetic, with a run's row below."""

import pytest

from fakebench_suite.metrics.paper_tables import (
    AUTOMATIC,
    JUDGED,
    aggregate,
    check_published,
    compare,
    load_table,
    make_row,
)
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.types import Score, Task


def make_score(metric: str, subgroup: str, value: float, n: int, task: str) -> Score:
    """A score without interval."""
    return Score(metric=metric, task=task, subgroup=subgroup, value=value, low=None, high=None, n=n)


def test_two_published_rows_disagree_with_their_parts() -> None:
    """Forty of the 42 aggregates of Tables VI to VIII follow from their parts; two do not."""
    lines = list(check_published())
    assert [line.partition(":")[0] for line in lines] == [
        "Table VI, Qwen-VL",
        "Table VII, Q-Instruct",
    ]
    tables = [load_table(task) for task in list_tasks() if task != Task.DETECTION]
    assert sum(map(len, tables)) == 42


def test_the_aggregate_is_the_papers() -> None:
    """GPT-4V's row of Table VI: 0.282 and 1.729 make 0.573."""
    row = load_table(Task.INTERPRETATION)[0]
    assert row["model"] == "GPT-4V"
    averages = aggregate({name: float(row[name]) for name in (*AUTOMATIC, *JUDGED)})
    assert averages.automatic == pytest.approx(float(row["AutoAvr"]), abs=0.001)
    assert averages.judged == pytest.approx(float(row["GPTAvr"]), abs=0.001)
    assert averages.overall == pytest.approx(float(row["Avr"]), abs=0.001)


def test_a_detection_row_is_in_percent_with_both_yes_no_forms_in_one_column() -> None:
    """Accuracies become percent; "is it fake?" and "is it real?" are weighed by their cases."""
    cells = {"all": (0.5, 40), "label=fake": (0.25, 20), "question_type=what": (0.5, 20)}
    cells |= {
        "question_type=isfake": (1.0, 5),
        "question_type=isreal": (0.0, 15),
        "generator=sd": (0.1, 10),
    }
    scores = [make_score("accuracy", k, v, n, Task.DETECTION) for k, (v, n) in cells.items()]
    assert make_row(Task.DETECTION, scores) == {
        "Fake": 25.0, "What": 50.0, "Overall": 50.0, "SD": 10.0, "YesNo": 25.0
    }  # fmt: skip
    table = compare(Task.DETECTION, "mine", scores)
    assert [row["model"] for row in table[-2:]] == ["Always fake (computed)", "mine"]
    assert table[-1]["YesNo"] == "25.00"
    assert len(table) == len(load_table(Task.DETECTION)) + 2


def test_without_a_judge_there_is_no_aggregate() -> None:
    """Automatic metrics fill their columns; the means wait for all seven parts."""
    automatic = [make_score(m, "all", 0.2, 9, Task.REASONING) for m in AUTOMATIC.values()]
    assert set(make_row(Task.REASONING, automatic)) == set(AUTOMATIC)
    judged = [make_score(m, "all", 1.0, 9, Task.REASONING) for m in JUDGED.values()]
    row = make_row(Task.REASONING, [*automatic, *judged])
    assert row["Avr"] == pytest.approx((0.2 + 0.5) / 2)
    assert compare(Task.REASONING, "mine", []) == ()


def test_figures_over_different_cases_have_no_aggregate() -> None:
    """A judge that failed on two of nine texts leaves its marks in the row, and no Avr."""
    automatic = [make_score(m, "all", 0.2, 9, Task.REASONING) for m in AUTOMATIC.values()]
    judged = [make_score(m, "all", 1.0, 7, Task.REASONING) for m in JUDGED.values()]
    assert set(make_row(Task.REASONING, [*automatic, *judged])) == {*AUTOMATIC, *JUDGED}
