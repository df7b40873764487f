"""Whether the answers of a run that broke off may be kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.execution.known_answers import check_unchanged
from fakebench_suite.types import Authenticity, Outcome
from tests.factories import make_record

RECORD = make_record("0.png", Outcome.CORRECT)
RUN = Path("reports/run")


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"label": Authenticity.REAL}, "label"),
        ({"generator": "other"}, "generator"),
        ({"task": "reasoning", "question": "Why?"}, "task, question"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_record_of_another_case_is_refused(changes: dict[str, object], names: str) -> None:
    """Its verdict is none on the case of the data set, and the sentence names what differs."""
    edited = replace(RECORD, case=replace(RECORD.case, **changes))  # type: ignore[arg-type]
    known = {edited.case.id: edited}
    with pytest.raises(UserError, match=f"differs from the data set in {names}: it was edited"):
        check_unchanged(RUN, known, {RECORD.case.id: RECORD.case})


def test_records_of_the_same_cases_are_kept() -> None:
    """Nothing is said of the case that was written, nor of one that is not selected."""
    other = make_record("1.png", Outcome.CORRECT)
    known = {record.case.id: record for record in (RECORD, other)}
    check_unchanged(RUN, known, {RECORD.case.id: RECORD.case})
