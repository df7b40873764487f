"""Records -> one table row per case, from which every metric is computed."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from statistics import mean, stdev

import pandas as pd

from fakebench_suite.types import Outcome, Rating, Record

COLUMNS = (
    "id", "task", "image", "label", "question_type", "generator", "criterion", "category",
    "outcome", "reply_label", "score", "followed_format", "paired_image", "p_fake",
    "finish_reason", "judge", "completeness", "preciseness", "relevance", "round_sd",
    "failed_rounds", "perturbation", "original_case", "search_flips", "search_label",
    "search_settled",
)  # fmt: skip
_NUMBERS = (
    "score", "p_fake", "completeness", "preciseness", "relevance", "round_sd", "failed_rounds",
)  # fmt: skip


def records_to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """One row per record, ordered by case id, whatever the order of arrival.

    ``image`` is the data set's image, also of a perturbed case.
    """
    rows = [
        (
            record.case.id,
            str(record.case.task),
            record.case.base_image,
            record.case.label and str(record.case.label),
            str(record.case.question_type),
            record.case.generator,
            record.case.criterion,
            record.case.content_categories,
            str(record.verdict.outcome),
            record.verdict.label,
            record.verdict.score,
            record.verdict.followed_format,
            record.case.paired_image,
            record.answer and record.answer.p_fake,
            record.answer and record.answer.finish_reason and str(record.answer.finish_reason),
            record.verdict.judge,
            *_average_rounds(record.verdict.ratings),
            record.verdict.failed_rounds,
            record.case.perturbation,
            record.case.original_case,
            *_describe_search(record),
        )
        for record in records
    ]
    rows.sort(key=itemgetter(0))
    # Texts and names as Python's own objects: pandas' type for them takes nearly twice the time.
    columns = pd.Index(COLUMNS, dtype=object)
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    frame = frame.astype(dict.fromkeys(_NUMBERS, float))
    frame["correct"] = frame["outcome"] == Outcome.CORRECT
    frame["error"] = frame["outcome"].isin([str(kind) for kind in Outcome if kind.is_error])
    # Exact scores and ratings decide what passes; a similarity does not.
    frame["decided"] = (frame["judge"] == "exact") | frame["completeness"].notna()
    frame["graded"] = ~frame["error"] & (frame["outcome"] != Outcome.UNSCORED)
    return frame


def _average_rounds(ratings: Sequence[Rating]) -> Sequence[float | None]:
    """The three ratings averaged over rounds, and the standard deviation of the rounds' means."""
    if not ratings:
        return (None, None, None, None)
    return (
        mean(rating.completeness for rating in ratings),
        mean(rating.preciseness for rating in ratings),
        mean(rating.relevance for rating in ratings),
        stdev(rating.mean for rating in ratings) if len(ratings) > 1 else None,
    )


def _describe_search(record: Record) -> Sequence[bool | str | None]:
    """Whether a search found a flip, what the original reply asserts, and whether that is settled.

    It is not where no flip is known and prompts were not asked any more, or failed. All are None
    without a search.
    """
    search = None if record.answer is None else record.answer.search
    if search is None:
        return (None, None, None)
    is_whole = search.is_minimal and not search.failed
    settled = search.flip is not None or search.original_label is None or is_whole
    return (search.flip is not None, search.original_label, settled)
