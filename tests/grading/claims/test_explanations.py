"""Explanations in the words of models and people are read as a careful person reads them.

``explanations/reviewed.jsonl`` was written by somebody who had not seen the grammar,
``development.jsonl`` beside it, and ``check.jsonl`` after it; of that one 132 of 147 were read
right before it was looked at. What may be read either way is ``either``.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from fakebench_suite.grading.claims.context import Polarity
from fakebench_suite.grading.claims.readings import read_claims

FOLDER = Path(__file__).parent / "explanations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A text with what it claims."""

    kind: str
    text: str
    asked: str | None = None
    anomalies: frozenset[str] = frozenset()
    absences: frozenset[str] = frozenset()
    either: frozenset[str] = frozenset()
    places: dict[str, frozenset[str]] = field(default_factory=dict)


def load_explanations(name: str) -> list[Explanation]:
    """The texts of a file."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [msgspec.convert(json.loads(line), Explanation) for line in lines]


ALL = {path.name: load_explanations(path.name) for path in sorted(FOLDER.glob("*.jsonl"))}
KINDS = sorted({(name, one.kind) for name, rows in ALL.items() for one in rows})
MISSED = {"The light comes from the right, but the shadow also falls to the right."}
"""What is wrong follows from it, and is not said."""


def read(one: Explanation, polarity: Polarity) -> dict[str, frozenset[str]]:
    """The criteria of the claims with the names of their places."""
    reading = read_claims(one.text, one.asked)
    assert reading.is_read, one.text
    found: dict[str, frozenset[str]] = {}
    for claim in reading.claims:
        if claim.polarity is polarity:
            places = frozenset(place.name for place in claim.places)
            found[claim.criterion] = found.get(claim.criterion, frozenset()) | places
    return found


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_no_anomaly_is_invented(name: str, kind: str) -> None:
    """Nothing is read as an anomaly that a text does not claim, whatever it mentions."""
    rows = [one for one in ALL[name] if one.kind == kind]
    invented = {
        one.text: extra
        for one in rows
        if (extra := read(one, Polarity.ANOMALY).keys() - one.anomalies - one.either)
    }
    assert invented == {}


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_anomalies_are_found(name: str, kind: str) -> None:
    """What a text calls wrong is read as an anomaly."""
    rows = [one for one in ALL[name] if one.kind == kind and one.text not in MISSED]
    missed = {
        one.text: lost
        for one in rows
        if (lost := one.anomalies - one.either - read(one, Polarity.ANOMALY).keys())
    }
    assert missed == {}


@pytest.mark.parametrize("name", sorted(ALL))
def test_absence_is_found(name: str) -> None:
    """Of what a text calls right 19 of 20 are read, and none as an anomaly."""
    wanted = [(one, criterion) for one in ALL[name] for criterion in one.absences - one.either]
    found = sum(criterion in read(one, Polarity.ABSENCE) for one, criterion in wanted)
    assert found >= 0.95 * len(wanted)


def test_places_are_those_of_the_picture() -> None:
    """Those that a text gives an anomaly, and no sides of things in the scene."""
    wrong = {
        one.text: names
        for rows in ALL.values()
        for one in rows
        for criterion, places in one.places.items()
        if (names := read(one, Polarity.ANOMALY).get(criterion)) not in (None, places)
    }
    assert wrong == {}


def test_the_files_are_whole() -> None:
    """As many texts as the documents say."""
    assert {name: len(rows) for name, rows in ALL.items()} == {
        "check.jsonl": 147, "development.jsonl": 339, "reviewed.jsonl": 290,
    }  # fmt: skip
