"""What a run says beside its scores."""

from dataclasses import replace

from fakebench_suite.types import Outcome, Usage
from fakebench_suite.workflows.finalize import list_reservations
from tests.factories import make_manifest, make_records

C = Outcome.CORRECT


def test_cases_that_could_not_be_scored_are_a_reservation() -> None:
    """Of those with a label; without one there is nothing to be scored by."""
    records = make_records(C, Outcome.UNSCORED, C)
    assert list_reservations(make_manifest(), records) == [
        "1 case with a label could not be scored and is in no accuracy; gates on accuracies are "
        "inconclusive."
    ]
    unlabelled = [replace(record, case=replace(record.case, label=None)) for record in records]
    assert list_reservations(make_manifest(), unlabelled) == []


def test_improbable_options_are_a_reservation() -> None:
    """Where a model would say neither, the likelier of the two is chosen by noise."""
    records = [
        replace(record, answer=replace(record.answer, p_fake=0.9, option_probability_mass=mass))
        for record, mass in zip(make_records(C, C, C, C), (0.9, 0.004, 1e-9, 0.02), strict=True)
        if record.answer is not None
    ]
    (reservation,) = list_reservations(make_manifest(), records)
    assert reservation.startswith("Both options together have a probability below 1 % in 2 of 4")
    assert list_reservations(make_manifest(), records[:1]) == []


def test_one_probability_of_two_is_a_reservation() -> None:
    """A server shows the likeliest tokens only; in this process all are known."""
    records = [
        replace(
            record,
            answer=replace(record.answer, p_fake=p_fake, option_probability_mass=0.9, usage=usage),
        )
        for record, p_fake, usage in zip(
            make_records(C, C, C, C), (1.0, 0.0, 0.7, 1.0), (Usage(), Usage(), Usage(), None),
            strict=True,
        )
        if record.answer is not None
    ]  # fmt: skip
    (reservation,) = (
        text for text in list_reservations(make_manifest(), records) if "option only" in text
    )
    assert "one option only in 2 of 4 cases" in reservation
    assert list_reservations(make_manifest(), records[3:]) == []
