"""Compute scores from records: metrics by subgroup, with intervals.

Metric names follow scikit-learn. By the paper's rule, unparsed, refused and truncated replies
count as wrong (``accuracy``); ``accuracy_parsed`` leaves them out. Errors count in the rates of
errors only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakebench_suite.grading.labels.result import NoLabel
from fakebench_suite.metrics.claims import GroundedRun, ground_run, score_claims
from fakebench_suite.metrics.dataframe import (
    Rows,
    is_any_of,
    is_present,
    rows_to_frame,
)
from fakebench_suite.metrics.detection import score_detection
from fakebench_suite.metrics.intervals import (
    Estimate,
    estimate_bounded,
    estimate_mean,
    estimate_statistic,
)
from fakebench_suite.metrics.pointing import score_pointing
from fakebench_suite.metrics.psychometric import score_strengths
from fakebench_suite.metrics.robustness import score_robustness, score_search
from fakebench_suite.metrics.text import TextScores
from fakebench_suite.metrics.weighted_statistics import f1_score
from fakebench_suite.tasks.registry import Grader, get_task, list_tasks
from fakebench_suite.tasks.robustness import SEARCH
from fakebench_suite.tasks.subgroups import split_categories
from fakebench_suite.types import (
    WITHOUT_VERDICT,
    Authenticity,
    FinishReason,
    Outcome,
    Record,
    Score,
    Task,
)

ALL, EXACT = "all", "exact"
FIRST_CHOICE = "A"
"""The letter of the first option."""
_ERROR_KINDS = tuple(kind for kind in Outcome if kind.is_error)


def score_records(
    records: Iterable[Record], texts: Mapping[str, TextScores] = MappingProxyType({})
) -> list[Score]:
    """Every score of a run, by task, metric and subgroup; the order of records does not matter.

    ``texts`` holds the scores against reference texts by case id, where there are any.
    """
    return score_run(ground_run(list(records)), texts)


def score_run(run: GroundedRun, texts: Mapping[str, TextScores]) -> list[Score]:
    """The same of a run whose table and findings are known already."""
    records, rows, grounded = run.records, run.rows, run.grounded
    scores: list[Score] = []
    for task in list_tasks():
        part = rows.select(rows["task"] == task)
        if len(part):
            scores += _score_task(task, part, texts)
            of_task = [record for record in records if record.case.task == task]
            scores += (make_score(task, *entry) for entry in score_claims(of_task, grounded))
            scores += (make_score(task, *entry) for entry in score_pointing(of_task))
            scores += (make_score(task, *entry) for entry in score_strengths(of_task))
    return scores


def make_score(
    task: str, metric: str, subgroup: str, estimate: Estimate, judge: str | None = None
) -> Score:
    """The score of a task with this estimate."""
    return Score(
        metric=metric,
        task=task,
        subgroup=subgroup,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=estimate.n,
        judge=judge,
    )


Named = Iterator[tuple[str, str, Estimate]]
Judged = Iterator[tuple[str, str, Estimate, str | None]]


def _score_task(task: str, part: Rows, texts: Mapping[str, TextScores]) -> Iterator[Score]:
    if task == Task.ROBUSTNESS:
        perturbed = tuple(_score_perturbed(part))
        part = part.select(part["perturbation"] != SEARCH)
        plain = (*perturbed, *_rate_outcomes(task, part))
    else:
        plain = (
            *_score_detection(task, part),
            *_score_choices(task, part),
            *_score_labels(task, part),
            *_average_texts(part, texts),
            *_rate_outcomes(task, part),
        )
    for metric, name, estimate, judge in (
        *_rate_correct(task, part),
        *((*entry, None) for entry in plain),
        *_average_text_scores(part.select(~part["error"] & is_present(part["score"]))),
        *_count_failed_rounds(part),
    ):
        yield make_score(task, metric, name, estimate, judge)


def _rate_correct(task: str, part: Rows) -> Judged:
    """Accuracy by the paper's rule and over parsed answers, for all cases and every subgroup.

    If a judge decides what passes, the score has its name; with two judges there is one score for
    each.
    """
    graded = part.select(part["graded"])
    # A similarity decides nothing.
    decided = graded["judge"]
    decided[~graded["decided"]] = None
    judges: list[str | None] = [*_list_values(decided)] or [None]
    for judge in judges:
        of_judge = graded.select(~is_present(decided) | (decided == judge)) if judge else graded
        for name, rows in _by_subgroup(task, of_judge):
            yield "accuracy", name, _mean(rows, rows["correct"]), judge
            if get_task(task).grades_labels:
                parsed = rows.select(~is_any_of(rows["outcome"], WITHOUT_VERDICT))
                yield "accuracy_parsed", name, _mean(parsed, parsed["correct"]), judge


def _score_detection(task: str, part: Rows) -> Named:
    if get_task(task).grader is Grader.LABEL:
        for metric, estimate in score_detection(part.select(part["graded"])):
            yield metric, ALL, estimate


def _score_perturbed(part: Rows) -> Named:
    """What perturbations change, and what the search found, which is in no other score.

    A case with a label that is unscored has lost its verdict.
    """
    searched = part["perturbation"] == SEARCH
    ladder = part.select(~searched & ~part["error"] & is_present(part["label"]))
    searches = part.select(searched & part["graded"])
    if len(ladder):
        yield from score_robustness(rows_to_frame(ladder))
    if len(searches):
        yield from score_search(rows_to_frame(searches))


def _score_labels(task: str, part: Rows) -> Named:
    """What replies assert about their images, whatever a judge says of their texts."""
    labelled = part.select(part["graded"] & is_present(part["label"]))
    if get_task(task).grader is Grader.LABEL_AND_TEXT:
        for name, rows in _by_subgroup(task, labelled):
            parsed = rows.select(~is_any_of(rows["outcome"], WITHOUT_VERDICT))
            yield "label_accuracy", name, _mean(rows, rows["reply_label"] == rows["label"])
            right = parsed["reply_label"] == parsed["label"]
            yield "label_accuracy_parsed", name, _mean(parsed, right)
    if get_task(task).grader in (Grader.LABEL, Grader.LABEL_AND_TEXT):
        fake = labelled["label"] == Authenticity.FAKE
        said_fake = labelled["reply_label"] == Authenticity.FAKE
        yield "f1_score", ALL, estimate_statistic(f1_score, fake, said_fake, labelled.groups)


def _score_choices(task: str, part: Rows) -> Named:
    """How often the first option is chosen: far from half, it is a habit and no judgement."""
    if get_task(task).grader is Grader.CHOICE:
        parsed = part.select(part["graded"] & ~is_any_of(part["outcome"], WITHOUT_VERDICT))
        yield "first_choice_rate", ALL, _mean(parsed, parsed["reply_label"] == FIRST_CHOICE)


def _average_text_scores(texts: Rows) -> Judged:
    """Text scores from 0 to 2 by judge; exact, similarity and judged scores are kept apart."""
    for name in _list_values(texts["judge"]):
        rows = texts.select(texts["judge"] == name)
        if name == EXACT:
            yield "exact_score", ALL, _average_to_0_2(rows, "score"), name
        elif not is_present(rows["completeness"]).any():
            yield "similarity_score", ALL, _average_to_0_2(rows, "score"), name
        else:
            yield from ((*entry, name) for entry in _average_ratings(rows))


def _average_ratings(marks: Rows) -> Named:
    """The scores of one judge, and the spread of its rounds."""
    yield "judged_score", ALL, _average_to_0_2(marks, "score")
    for mark in ("completeness", "preciseness", "relevance"):
        yield mark, ALL, _average_to_0_2(marks, mark)
    spread = marks.select(is_present(marks["round_sd"]))
    yield "judge_round_sd", ALL, _average(spread, spread["round_sd"])


def _count_failed_rounds(part: Rows) -> Judged:
    """Rounds without ratings per text that a judge was asked about, with errors of the judge."""
    failed = part["outcome"] == Outcome.JUDGE_ERROR
    asked = part.select(is_present(part["completeness"]) | failed)
    if len(asked):
        names = _list_values(asked["judge"])
        judge = names[0] if len(names) == 1 else None
        yield "judge_failed_rounds", ALL, _average(asked, asked["failed_rounds"]), judge


def _average_texts(part: Rows, texts: Mapping[str, TextScores]) -> Named:
    rows = part.select(np.array([name in texts for name in part["id"]], dtype=bool))
    of_rows = [texts[name] for name in rows["id"]]
    for metric in fields(TextScores) if of_rows else ():
        values = np.array([getattr(scores, metric.name) for scores in of_rows], dtype=float)
        present = is_present(values)
        groups = rows.select(present).groups
        yield metric.name, ALL, estimate_mean(values[present], groups, proportion=False)


def _rate_outcomes(task: str, part: Rows) -> Named:
    asked = part.select(is_present(part["followed_format"]))
    if len(asked):
        yield "format_followed", ALL, _mean(asked, asked["followed_format"])
    answered = part.select(~part["error"])
    outcomes = answered["outcome"]
    for outcome in (*WITHOUT_VERDICT, Outcome.UNSCORED):
        yield f"{outcome}_rate", ALL, _mean(answered, outcomes == outcome)
    yield "parsed_rate", ALL, _mean(answered, ~_is_silent(task, answered))
    ended = answered.select(is_present(answered["finish_reason"]))
    if len(ended):
        yield "cut_off_rate", ALL, _mean(ended, ended["finish_reason"] == FinishReason.LENGTH)
    every = part["outcome"]
    for outcome in _ERROR_KINDS:
        yield f"{outcome}_rate", ALL, _mean(part, every == outcome)


def _is_silent(task: str, answered: Rows) -> NDArray[np.bool_]:
    """Where a reply asserts nothing, also of an image whose label or right option is not known."""
    silent = is_any_of(answered["outcome"], WITHOUT_VERDICT)
    if get_task(task).grader not in (Grader.LABEL, Grader.LABEL_AND_TEXT, Grader.CHOICE):
        return silent
    label = answered["reply_label"]
    unread = ~is_present(label) | is_any_of(label, NoLabel)
    silent |= unread & (answered["outcome"] == Outcome.UNSCORED)
    return silent


def _by_subgroup(task: str, graded: Rows) -> Iterator[tuple[str, Rows]]:
    """All cases, then the cases of each value of each subgroup column of the task."""
    columns = ["generator", "criterion", "category"]
    if task == Task.ROBUSTNESS:
        columns = ["perturbation"]
    elif get_task(task).grader in (Grader.LABEL, Grader.CHOICE):
        columns = ["label", "question_type", *columns]
    yield ALL, graded
    for column in columns:
        values = graded[column]
        if column == "category":
            lists = [() if value is None else split_categories(value) for value in values]
            for name in sorted(set().union(*lists)):
                members = np.array([name in names for names in lists], dtype=bool)
                yield f"{column}={name}", graded.select(members)
            continue
        for value in _list_values(values):
            yield f"{column}={value}", graded.select(values == value)


def _list_values(values: NDArray[Any]) -> list[str]:
    """The different texts there are, sorted."""
    return sorted({value for value in values if value is not None})


def _average_to_0_2(rows: Rows, column: str) -> Estimate:
    """The mean of a score from 0 to 2, from its share of the maximum.

    Where all texts have one score, its interval is that of a share of as many images.
    """
    halves = rows[column] / 2
    half = _average(rows, halves)
    if half.low is None and half.n and len(set(rows.groups)) > 1:
        half = estimate_bounded(halves, rows.groups)
    value, low, high = (x if x is None else 2 * x for x in (half.value, half.low, half.high))
    return Estimate(value=value, low=low, high=high, n=half.n)


def _mean(rows: Rows, hits: ArrayLike) -> Estimate:
    return estimate_mean(np.asarray(hits, dtype=float), rows.groups)


def _average(rows: Rows, values: ArrayLike) -> Estimate:
    return estimate_mean(values, rows.groups, proportion=False)
