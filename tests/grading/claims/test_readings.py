"""Readings are kept, whichever process has read, and the oldest are forgotten."""

from collections.abc import Iterator

import pytest

from fakebench_suite.grading.claims import readings
from fakebench_suite.grading.claims.reader import ClaimReading
from fakebench_suite.grading.claims.readings import (
    forget_readings,
    is_read,
    keep_reading,
    read_claims,
)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    forget_readings()
    yield
    forget_readings()


def test_what_another_process_has_read_is_not_read_again() -> None:
    """Its reading is taken as it is, unless the text has been read here."""
    reading = ClaimReading(claims=(), is_read=False)
    keep_reading("The edges are blurred.", None, reading)
    assert read_claims("The edges are blurred.") is reading
    own = read_claims("The edges are odd.")
    keep_reading("The edges are odd.", None, reading)
    assert read_claims("The edges are odd.") is own


def test_readings_are_those_of_a_question() -> None:
    """A text is read anew for another criterion that was asked about."""
    assert {claim.criterion for claim in read_claims("It is odd.", "edge").claims} == {"edge"}
    assert is_read("It is odd.", "edge")
    assert not is_read("It is odd.", None)
    assert read_claims("It is odd.").claims == ()


def test_the_oldest_reading_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many."""
    monkeypatch.setattr(readings, "MAX_READINGS", 2)
    for text in ("One.", "Two.", "Three."):
        read_claims(text)
    assert [is_read(text, None) for text in ("One.", "Two.", "Three.")] == [False, True, True]
