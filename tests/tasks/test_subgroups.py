"""A case's subgroups are the slices that scores are given for."""

from collections import Counter
from dataclasses import replace

from fakebench_suite.metrics.names import METRICS
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.tasks.registry import get_task, list_tasks
from fakebench_suite.tasks.subgroups import count_cases, list_subgroups
from fakebench_suite.types import Outcome, QuestionType, Task
from tests.factories import make_perturbed, make_record


def test_populations_are_those_of_the_scores() -> None:
    """Every slice of accuracy has as many graded cases as the data set has in that subgroup."""
    records = [
        make_record(f"{task}{n}.png", Outcome.CORRECT, fake=n % 2 == 0, task=task, category=kinds)
        for task in (Task.DETECTION, Task.ANALYSIS)
        for n, kinds in enumerate(("scenery, photo", "photo", None, "photo,photo", "art"))
    ]
    records[0] = replace(
        records[0], case=replace(records[0].case, question_type=QuestionType.ISFAKE)
    )
    records[7] = replace(records[7], case=replace(records[7].case, criterion="edge"))
    counted = count_cases(record.case for record in records)
    one_by_one = Counter(
        (record.case.task, name) for record in records for name in list_subgroups(record.case)
    )
    assert {
        (t, name): n for t, slices in counted.items() for name, n in slices.items()
    } == one_by_one
    sizes = {
        (score.task, score.subgroup): score.n
        for score in score_records(records)
        if score.metric == "accuracy"
    }
    assert sizes == {
        (task, name): n for task, slices in counted.items() for name, n in slices.items()
    }


def test_only_scores_by_subgroup_say_so() -> None:
    """A gate on a slice of any other metric would never find it."""
    records = [
        make_record(f"{task}{n}.png", Outcome.CORRECT, fake=n % 2 == 0, task=task)
        for task in list_tasks()
        if task != Task.ROBUSTNESS
        for n in range(4)
    ]
    records += [
        make_perturbed(f"{n}.png", name) for name in ("original", "jpeg:70") for n in range(4)
    ]
    sliced = {score.metric for score in score_records(records) if score.subgroup != "all"}
    assert sliced == {name for name, metric in METRICS.items() if metric.divides}


def test_scores_lie_where_their_metrics_say() -> None:
    """Their tasks have them, and no value or bound is outside."""
    for outcome in (Outcome.CORRECT, Outcome.INCORRECT, Outcome.UNPARSED):
        records = [
            make_record(f"{task}{n}.png", outcome, fake=n % 2 == 0, task=task)
            for task in list_tasks()
            for n in range(4)
        ]
        for score in score_records(records):
            metric = METRICS[score.metric]
            assert get_task(score.task).grader in metric.graders, score
            for value in (score.value, score.low, score.high):
                assert value is None or metric.low <= value <= metric.high, score
