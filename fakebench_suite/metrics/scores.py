"""Records -> scores: what is counted, for which slices, with which interval.

Metric names follow scikit-learn where it has one. Paper rule: unparsed, refused and truncated
replies count as wrong (``accuracy``); ``accuracy_parsed`` leaves them out and stands beside their
rates. Errors are in no denominator but their own rate's.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType

import pandas as pd

from fakebench_suite.metrics.dataframe import records_to_frame
from fakebench_suite.metrics.detection import score_detection
from fakebench_suite.metrics.intervals import Estimate, estimate_mean
from fakebench_suite.metrics.text import TextScores
from fakebench_suite.types import WITHOUT_VERDICT, FinishReason, Outcome, Record, Score, Task

ALL, EXACT = "all", "exact"
_ERROR_KINDS = tuple(kind for kind in Outcome if kind.is_error)


def score_records(
    records: Iterable[Record], texts: Mapping[str, TextScores] = MappingProxyType({})
) -> list[Score]:
    """Every score of a run, by task, metric and slice; a pure function of the set of records.

    ``texts`` holds the scores against reference texts by case id, where there are any.
    """
    frame = records_to_frame(records)
    scores: list[Score] = []
    for task in Task:
        part = frame[frame["task"] == task]
        if not part.empty:
            scores += _score_task(task, part, texts)
    return scores


Named = Iterator[tuple[str, str, Estimate]]
Judged = Iterator[tuple[str, str, Estimate, str | None]]


def _score_task(task: Task, part: pd.DataFrame, texts: Mapping[str, TextScores]) -> Iterator[Score]:
    plain = (*_score_detection(task, part), *_average_texts(part, texts), *_rate_outcomes(part))
    for metric, name, estimate, judge in (
        *_rate_correct(task, part),
        *((*one, None) for one in plain),
        *_average_grades(part[~part["error"] & part["score"].notna()]),
        *_count_failed_rounds(part),
    ):
        yield Score(
            metric=metric,
            task=task,
            subgroup=name,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            n=estimate.n,
            judge=judge,
        )


def _rate_correct(task: Task, part: pd.DataFrame) -> Judged:
    """Accuracy by the paper's rule and over parsed answers, for the whole and every slice.

    Where a judge decides what passes, its name stands beside the figure; a population that two
    of them graded is given for each.
    """
    graded = part[part["graded"]]
    decided = graded["judge"].where(graded["decided"])  # a stand-in decides nothing
    graders = sorted(decided.dropna().unique()) or [None]
    for judge in graders:
        mine = graded[decided.isna() | (decided == judge)] if judge else graded
        for name, rows in _slice(task, mine):
            yield "accuracy", name, _mean(rows, rows["correct"]), judge
            if task in (Task.DETECTION, Task.REASONING):
                parsed = rows[~rows["outcome"].isin(WITHOUT_VERDICT)]
                yield "accuracy_parsed", name, _mean(parsed, parsed["correct"]), judge


def _score_detection(task: Task, part: pd.DataFrame) -> Named:
    if task is Task.DETECTION:
        for metric, estimate in score_detection(part[part["graded"]]):
            yield metric, ALL, estimate


def _average_grades(texts: pd.DataFrame) -> Judged:
    """Scores of 0-2, judge by judge: exact grades, the stand-in's and marks never share a name."""
    for judge, rows in texts.groupby("judge"):
        name = str(judge)
        if name == EXACT:
            yield "exact_score", ALL, _double(_average(rows, rows["score"] / 2)), name
        elif rows["completeness"].isna().all():
            yield "similarity_score", ALL, _double(_average(rows, rows["score"] / 2)), name
        else:
            yield from ((*one, name) for one in _average_marks(rows))


def _average_marks(marks: pd.DataFrame) -> Named:
    """One judge's marks, and how far its rounds agree."""
    yield "judged_score", ALL, _double(_average(marks, marks["score"] / 2))
    for mark in ("completeness", "preciseness", "relevance"):
        yield mark, ALL, _double(_average(marks, marks[mark] / 2))
    spread = marks[marks["round_sd"].notna()]
    yield "judge_round_sd", ALL, _average(spread, spread["round_sd"])


def _count_failed_rounds(part: pd.DataFrame) -> Judged:
    """Rounds that gave no marks, per text that was put before a judge, answered or not."""
    asked = part[part["completeness"].notna() | (part["outcome"] == Outcome.JUDGE_ERROR)]
    if not asked.empty:
        names = asked["judge"].dropna().unique()
        judge = str(names[0]) if len(names) == 1 else None
        yield "judge_failed_rounds", ALL, _average(asked, asked["failed_rounds"]), judge


def _average_texts(part: pd.DataFrame, texts: Mapping[str, TextScores]) -> Named:
    found = [name for name in part["id"] if name in texts]
    table = pd.DataFrame([asdict(texts[name]) for name in found])
    images = part.set_index("id")["image"].reindex(found)
    for metric in table.columns:
        values = table[metric].astype(float)
        known = values.notna()
        yield (
            metric,
            ALL,
            estimate_mean(values[known], images[known.to_numpy()].tolist(), proportion=False),
        )


def _rate_outcomes(part: pd.DataFrame) -> Named:
    asked = part[part["followed_format"].notna()]
    if not asked.empty:
        yield "format_followed", ALL, _mean(asked, asked["followed_format"])
    answered = part[~part["error"]]
    for outcome in (*WITHOUT_VERDICT, Outcome.UNSCORED):
        yield f"{outcome}_rate", ALL, _mean(answered, answered["outcome"] == outcome)
    yield "parsed_rate", ALL, _mean(answered, ~answered["outcome"].isin(WITHOUT_VERDICT))
    ended = answered[answered["finish_reason"].notna()]
    if not ended.empty:
        yield "cut_off_rate", ALL, _mean(ended, ended["finish_reason"] == FinishReason.LENGTH)
    for outcome in _ERROR_KINDS:
        yield f"{outcome}_rate", ALL, _mean(part, part["outcome"] == outcome)


def _slice(task: Task, graded: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The whole population, then each value of each column that divides this task."""
    columns = ["generator", "criterion", "category"]
    if task is Task.DETECTION:
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


def _double(half: Estimate) -> Estimate:
    """A judged score of 0-2 from its share of full marks, which intervals are made for."""
    value, low, high = (x if x is None else 2 * x for x in (half.value, half.low, half.high))
    return Estimate(value=value, low=low, high=high, n=half.n)


def _mean(rows: pd.DataFrame, hits: pd.Series) -> Estimate:
    return estimate_mean(hits.astype(float), rows["image"].tolist())


def _average(rows: pd.DataFrame, values: pd.Series) -> Estimate:
    return estimate_mean(values.astype(float), rows["image"].tolist(), proportion=False)
