"""The table of records: its order, its parts, and what counts as absent."""

import numpy as np

from fakebench_suite.metrics.dataframe import (
    is_any_of,
    is_present,
    records_to_frame,
    records_to_rows,
    rows_to_frame,
)
from fakebench_suite.types import Outcome
from tests.factories import make_record

RECORDS = [
    make_record("2.png", Outcome.CORRECT),
    make_record("0.png", Outcome.REFUSED),
    make_record("1.png", Outcome.INCORRECT),
]


def test_parts_keep_the_order_of_the_table() -> None:
    """Which is that of case ids; a part of a part is a part of the table."""
    rows = records_to_rows(RECORDS)
    assert rows.groups == ["0.png", "1.png", "2.png"]
    part = rows.select(rows["outcome"] != Outcome.REFUSED)
    assert (len(part), part.groups) == (2, ["1.png", "2.png"])
    assert part.select(part["correct"]).groups == ["2.png"]
    assert rows.groups == ["0.png", "1.png", "2.png"]


def test_a_frame_of_a_part_is_that_part_of_the_frame() -> None:
    """With all columns, and their types."""
    rows = records_to_rows(RECORDS)
    frame = records_to_frame(RECORDS)
    part = rows_to_frame(rows.select(rows["correct"]))
    assert part.equals(frame[frame["correct"]].reset_index(drop=True))
    assert (part.dtypes == frame.dtypes).all()


def test_changing_a_column_of_a_part_changes_no_table() -> None:
    """It is a copy."""
    rows = records_to_rows(RECORDS)
    rows["outcome"][:] = None
    assert is_present(rows["outcome"]).all()


def test_none_and_nan_are_absent_and_equal_to_nothing() -> None:
    """Texts that are not there are none of the texts that are looked for."""
    texts = np.array(["a", None, "b"], dtype=object)
    assert is_present(texts).tolist() == [True, False, True]
    assert is_present(np.array([0.0, np.nan])).tolist() == [True, False]
    assert is_any_of(texts, ("b", "c")).tolist() == [False, False, True]
    assert is_any_of(texts[:0], ("b",)).tolist() == []
