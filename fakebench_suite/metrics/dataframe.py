"""Records -> one table row per case, from which every metric is computed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from statistics import mean, stdev
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakebench_suite.types import Outcome, Rating, Record

COLUMNS = (
    "id", "task", "image", "pair", "label", "question_type", "generator", "criterion", "category",
    "outcome", "reply_label", "score", "followed_format", "paired_image", "p_fake",
    "finish_reason", "judge", "completeness", "preciseness", "relevance", "round_sd",
    "failed_rounds", "perturbation", "original_case", "search_flips", "search_label",
    "search_settled",
)  # fmt: skip
_NUMBERS = (
    "score", "p_fake", "completeness", "preciseness", "relevance", "round_sd", "failed_rounds",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some rows of a table, in their order, whose columns are taken only where they are looked at.

    Scores are over hundreds of parts of one table, and need two or three of its columns each.

    Attributes:
        columns: The whole table, an array per column.
        places: The numbers of the rows of the table.

    """

    columns: Mapping[str, NDArray[Any]]
    places: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A column, over these rows."""
        column: NDArray[Any] = self.columns[name][self.places]
        return column

    def select(self, mask: NDArray[np.bool_]) -> "Rows":
        """The rows for which ``mask``, one value per row, is true."""
        return Rows(columns=self.columns, places=self.places[mask])

    @property
    def groups(self) -> list[str]:
        """What each row is resampled with: its image, and the one that this is paired with."""
        groups: list[str] = self["pair"].tolist()
        return groups


def records_to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """One row per record, ordered by case id, whatever the order of arrival.

    ``image`` is the data set's image, also of a perturbed case.
    """
    return rows_to_frame(records_to_rows(records))


def rows_to_frame(rows: Rows, names: Collection[str] | None = None) -> pd.DataFrame:
    """The rows as a frame with all columns, or with these."""
    columns = {name: rows[name] for name in names or rows.columns}
    # Of an array pandas would make its own type for texts.
    series = {name: pd.Series(column, dtype=column.dtype) for name, column in columns.items()}
    frame = pd.DataFrame(series)
    frame.columns = pd.Index(list(columns), dtype=object)
    return frame


def records_to_rows(records: Iterable[Record]) -> Rows:
    """The rows of ``records_to_frame``."""
    rows = [
        (
            record.case.id,
            str(record.case.task),
            record.case.base_image,
            record.case.pair,
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
    columns: dict[str, NDArray[Any]] = {
        name: _make_column(name, [row[place] for row in rows]) for place, name in enumerate(COLUMNS)
    }
    outcome, rated = columns["outcome"], ~np.isnan(columns["completeness"])
    errors = {str(kind) for kind in Outcome if kind.is_error}
    columns["correct"] = outcome == str(Outcome.CORRECT)
    columns["error"] = np.array([kind in errors for kind in outcome], dtype=bool)
    # Exact scores and ratings decide what passes; a similarity does not.
    columns["decided"] = (columns["judge"] == "exact") | rated
    columns["graded"] = ~columns["error"] & (outcome != str(Outcome.UNSCORED))
    return Rows(columns=columns, places=np.arange(len(rows)))


def is_present(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where there is a value: neither None nor NaN."""
    present: NDArray[np.bool_] = pd.notna(values)
    return present


def is_any_of(values: NDArray[Any], names: Iterable[str]) -> NDArray[np.bool_]:
    """Where the value is one of these texts."""
    found = np.zeros(len(values), dtype=bool)
    for name in names:
        found |= values == name
    return found


def _make_column(name: str, values: list[Any]) -> NDArray[Any]:
    """Numbers, or texts as Python's own objects: with pandas' type for them all takes longer."""
    column = np.empty(len(values), dtype=float if name in _NUMBERS else object)
    column[:] = values
    return column


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
