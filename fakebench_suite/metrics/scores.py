"""Compute scores from records: metrics by subgroup, with intervals.

Metric names follow scikit-learn. By the paper's rule, unparsed, refused and truncated replies
count as wrong (``accuracy``); ``accuracy_parsed`` leaves them out. Errors count in the rates of
errors only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fakebench_suite.metrics.claims import Grounded, ground_records, score_claims
from fakebench_suite.metrics.dataframe import records_to_frame
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
    records: Iterable[Record],
    texts: Mapping[str, TextScores] = MappingProxyType({}),
    grounded: Grounded | None = None,
) -> list[Score]:
    """Every score of a run, by task, metric and subgroup; the order of records does not matter.

    ``texts`` holds the scores against reference texts by case id, where there are any, and
    ``grounded`` what replies claim, where it is known already.
    """
    records = list(records)
    if grounded is None:
        grounded = ground_records(records)
    frame = records_to_frame(records)
    scores: list[Score] = []
    for task in list_tasks():
        part = frame[frame["task"] == task]
        if not part.empty:
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


def _score_task(task: str, part: pd.DataFrame, texts: Mapping[str, TextScores]) -> Iterator[Score]:
    if task == Task.ROBUSTNESS:
        perturbed = tuple(_score_perturbed(part))
        part = part[part["perturbation"] != SEARCH]
        plain = (*perturbed, *_rate_outcomes(part))
    else:
        plain = (
            *_score_detection(task, part),
            *_score_choices(task, part),
            *_score_labels(task, part),
            *_average_texts(part, texts),
            *_rate_outcomes(part),
        )
    for metric, name, estimate, judge in (
        *_rate_correct(task, part),
        *((*entry, None) for entry in plain),
        *_average_text_scores(part[~part["error"] & part["score"].notna()]),
        *_count_failed_rounds(part),
    ):
        yield make_score(task, metric, name, estimate, judge)


def _rate_correct(task: str, part: pd.DataFrame) -> Judged:
    """Accuracy by the paper's rule and over parsed answers, for all cases and every subgroup.

    If a judge decides what passes, the score has its name; with two judges there is one score for
    each.
    """
    graded = part[part["graded"]]
    decided = graded["judge"].where(graded["decided"])  # a similarity decides nothing
    judges = sorted(decided.dropna().unique()) or [None]
    for judge in judges:
        rows_of_judge = graded[decided.isna() | (decided == judge)] if judge else graded
        for name, rows in _by_subgroup(task, rows_of_judge):
            yield "accuracy", name, _mean(rows, rows["correct"]), judge
            if get_task(task).grades_labels:
                parsed = rows[~rows["outcome"].isin(WITHOUT_VERDICT)]
                yield "accuracy_parsed", name, _mean(parsed, parsed["correct"]), judge


def _score_detection(task: str, part: pd.DataFrame) -> Named:
    if get_task(task).grader is Grader.LABEL:
        for metric, estimate in score_detection(part[part["graded"]]):
            yield metric, ALL, estimate


def _score_perturbed(part: pd.DataFrame) -> Named:
    """What perturbations change, and what the search found, which is in no other score.

    A case with a label that is unscored has lost its verdict.
    """
    searched = part["perturbation"] == SEARCH
    ladder = part[~searched & ~part["error"] & part["label"].notna()]
    searches = part[searched & part["graded"]]
    if not ladder.empty:
        yield from score_robustness(ladder)
    if not searches.empty:
        yield from score_search(searches)


def _score_labels(task: str, part: pd.DataFrame) -> Named:
    """What replies assert about their images, whatever a judge says of their texts."""
    labelled = part[part["graded"] & part["label"].notna()]
    if get_task(task).grader is Grader.LABEL_AND_TEXT:
        for name, rows in _by_subgroup(task, labelled):
            parsed = rows[~rows["outcome"].isin(WITHOUT_VERDICT)]
            yield "label_accuracy", name, _mean(rows, rows["reply_label"] == rows["label"])
            right = parsed["reply_label"] == parsed["label"]
            yield "label_accuracy_parsed", name, _mean(parsed, right)
    if get_task(task).grader in (Grader.LABEL, Grader.LABEL_AND_TEXT):
        fake = labelled["label"] == Authenticity.FAKE
        said_fake = labelled["reply_label"] == Authenticity.FAKE
        images = labelled["image"].tolist()
        yield "f1_score", ALL, estimate_statistic(f1_score, fake, said_fake, images)


def _score_choices(task: str, part: pd.DataFrame) -> Named:
    """How often the first option is chosen: far from half, it is a habit and no judgement."""
    if get_task(task).grader is Grader.CHOICE:
        parsed = part[part["graded"] & ~part["outcome"].isin(WITHOUT_VERDICT)]
        yield "first_choice_rate", ALL, _mean(parsed, parsed["reply_label"] == FIRST_CHOICE)


def _average_text_scores(texts: pd.DataFrame) -> Judged:
    """Text scores from 0 to 2 by judge; exact, similarity and judged scores are kept apart."""
    for judge, rows in texts.groupby("judge"):
        name = str(judge)
        if name == EXACT:
            yield "exact_score", ALL, _average_to_0_2(rows, "score"), name
        elif rows["completeness"].isna().all():
            yield "similarity_score", ALL, _average_to_0_2(rows, "score"), name
        else:
            yield from ((*entry, name) for entry in _average_ratings(rows))


def _average_ratings(marks: pd.DataFrame) -> Named:
    """The scores of one judge, and the spread of its rounds."""
    yield "judged_score", ALL, _average_to_0_2(marks, "score")
    for mark in ("completeness", "preciseness", "relevance"):
        yield mark, ALL, _average_to_0_2(marks, mark)
    spread = marks[marks["round_sd"].notna()]
    yield "judge_round_sd", ALL, _average(spread, spread["round_sd"])


def _count_failed_rounds(part: pd.DataFrame) -> Judged:
    """Rounds without ratings per text that a judge was asked about, with errors of the judge."""
    asked = part[part["completeness"].notna() | (part["outcome"] == Outcome.JUDGE_ERROR)]
    if not asked.empty:
        names = asked["judge"].dropna().unique()
        judge = str(names[0]) if len(names) == 1 else None
        yield "judge_failed_rounds", ALL, _average(asked, asked["failed_rounds"]), judge


def _average_texts(part: pd.DataFrame, texts: Mapping[str, TextScores]) -> Named:
    ids = [name for name in part["id"] if name in texts]
    table = pd.DataFrame([asdict(texts[name]) for name in ids])
    images = part.set_index("id")["image"].reindex(ids)
    for metric in table.columns:
        values = table[metric].astype(float)
        present = values.notna()
        yield (
            metric,
            ALL,
            estimate_mean(values[present], images[present.to_numpy()].tolist(), proportion=False),
        )


def _rate_outcomes(part: pd.DataFrame) -> Named:
    asked = part[part["followed_format"].notna()]
    if not asked.empty:
        yield "format_followed", ALL, _mean(asked, asked["followed_format"])
    answered = part[~part["error"]]
    outcomes = answered["outcome"].to_numpy()
    for outcome in (*WITHOUT_VERDICT, Outcome.UNSCORED):
        yield f"{outcome}_rate", ALL, _mean(answered, outcomes == outcome)
    yield "parsed_rate", ALL, _mean(answered, ~answered["outcome"].isin(WITHOUT_VERDICT))
    ended = answered[answered["finish_reason"].notna()]
    if not ended.empty:
        yield "cut_off_rate", ALL, _mean(ended, ended["finish_reason"] == FinishReason.LENGTH)
    every = part["outcome"].to_numpy()
    for outcome in _ERROR_KINDS:
        yield f"{outcome}_rate", ALL, _mean(part, every == outcome)


def _by_subgroup(task: str, graded: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """All cases, then the cases of each value of each subgroup column of the task."""
    columns = ["generator", "criterion", "category"]
    if task == Task.ROBUSTNESS:
        columns = ["perturbation"]
    elif get_task(task).grader in (Grader.LABEL, Grader.CHOICE):
        columns = ["label", "question_type", *columns]
    yield ALL, graded
    for column in columns:
        values = graded[column].dropna()
        if column == "category":
            # "scenery, photo" lies in both categories.
            lists = values.str.split(",").map(lambda names: {name.strip() for name in names})
            for name in sorted(set().union(*lists)):
                members = lists.index[lists.map(lambda names, name=name: name in names)]
                yield f"{column}={name}", graded.loc[members]
            continue
        for value in sorted(values.unique()):
            yield f"{column}={value}", graded[graded[column] == value]


def _average_to_0_2(rows: pd.DataFrame, column: str) -> Estimate:
    """The mean of a score from 0 to 2, from its share of the maximum.

    Where all texts have one score, its interval is that of a share of as many images.
    """
    half = _average(rows, rows[column] / 2)
    if half.low is None and half.n and rows["image"].nunique() > 1:
        half = estimate_bounded((rows[column] / 2).astype(float), rows["image"].tolist())
    value, low, high = (x if x is None else 2 * x for x in (half.value, half.low, half.high))
    return Estimate(value=value, low=low, high=high, n=half.n)


def _mean(rows: pd.DataFrame, hits: ArrayLike) -> Estimate:
    return estimate_mean(np.asarray(hits, dtype=float), rows["image"].tolist())


def _average(rows: pd.DataFrame, values: pd.Series) -> Estimate:
    return estimate_mean(values.astype(float), rows["image"].tolist(), proportion=False)
