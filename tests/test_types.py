"""The vocabulary: what an outcome is, and JSON that gives the same back."""

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fakebench_suite.types import Answer, Case, Clue, Outcome, Record, Region, Score, Verdict

_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_PLACES = st.floats(0, 99)
_REGIONS = st.builds(
    Region,
    box=st.tuples(_PLACES, _PLACES, _PLACES, _PLACES),
    polygons=st.lists(
        st.lists(st.tuples(_PLACES, _PLACES), min_size=3, max_size=4).map(tuple), max_size=2
    ).map(tuple),
    criterion=st.none() | _TEXT,
    description=st.none() | _TEXT,
)
_CASES = st.builds(
    Case,
    id=_TEXT,
    image=_TEXT,
    question=_TEXT,
    generator=st.none() | _TEXT,
    criterion=st.none() | _TEXT,
    content_categories=st.none() | _TEXT,
    expected=st.none()
    | st.lists(st.builds(Clue, text=_TEXT, criterion=st.none() | _TEXT), max_size=3).map(tuple),
    paired_image=st.none() | _TEXT,
    regions=st.lists(_REGIONS, max_size=2).map(tuple),
)
_ANSWERS = st.builds(Answer, text=_TEXT, seconds=st.floats(0, 1e6))
_VERDICTS = st.builds(
    Verdict,
    reason=_TEXT,
    label=st.none() | _TEXT,
    score=st.none() | st.floats(0, 2),
)
_SCORES = st.builds(
    Score,
    metric=_TEXT,
    subgroup=_TEXT,
    value=st.none() | st.floats(0, 2),
    low=st.none() | st.floats(0, 2),
    high=st.none() | st.floats(0, 2),
)


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        Record,
        case=_CASES,
        prompt=_TEXT,
        answer=st.none() | _ANSWERS,
        verdict=_VERDICTS,
        worker=_TEXT,
    )
)
def test_a_record_comes_back_from_json(record: Record) -> None:
    """Every field of a record survives JSON, which other readers can read as well."""
    line = msgspec.json.encode(record)
    assert msgspec.json.decode(line, type=Record) == record
    assert json.loads(line)["answer"] == (record.answer and msgspec.to_builtins(record.answer))


@settings(max_examples=25, deadline=None)
@given(_SCORES)
def test_a_score_comes_back_from_json(score: Score) -> None:
    """So does every score, with the undefined ones as null."""
    assert msgspec.json.decode(msgspec.json.encode(score), type=Score) == score


def test_an_outcome_is_a_pass_a_miss_an_error_or_unscored() -> None:
    """No outcome is two of them: an error is never a miss, and neither is a missing reference."""
    kinds = {outcome: (outcome.is_miss, outcome.is_error) for outcome in Outcome}
    assert (True, True) not in kinds.values()
    others = {outcome for outcome, kind in kinds.items() if kind == (False, False)}
    assert others == {Outcome.CORRECT, Outcome.UNSCORED}
