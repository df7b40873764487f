"""A record as a line: without what is at its default, and back."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakebench_suite.errors import FormatError
from fakebench_suite.runs.record_lines import decode_record, encode_record
from fakebench_suite.types import Outcome, Record
from tests.factories import make_record

_LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(codec="utf-8"), max_size=9),
    int: st.integers(0, 2**53),
    float: st.floats(0, 1e6),
}


def build_values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type, of which every field of a dataclass may have any."""
    kind, parts = get_origin(hint), get_args(hint)
    if hint in _LEAVES:
        return _LEAVES[hint]
    if kind in (Union, UnionType):
        return st.one_of([build_values(part) for part in parts])
    if kind is tuple and parts[-1] is ...:
        return st.lists(build_values(parts[0]), max_size=2).map(tuple)
    if kind is tuple:
        return st.tuples(*map(build_values, parts))
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(
            hint, **{field.name: build_values(hints[field.name]) for field in fields(hint)}
        )
    return st.from_type(hint)


RECORDS = build_values(Record)


def list_parts(value: Any, written: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Every dataclass of a record beside the table that a line has of it."""
    if isinstance(value, tuple):
        for part, written_part in zip(value, written, strict=True):
            yield from list_parts(part, written_part)
    elif is_dataclass(value) and not isinstance(value, type):
        yield value, written
        for name, written_part in written.items():
            yield from list_parts(getattr(value, name), written_part)


@settings(max_examples=40, deadline=None)
@given(RECORDS)
def test_a_line_has_the_fields_that_are_not_at_their_defaults(record: Record) -> None:
    """These and no others, at any depth, with their values; and the record comes back."""
    line = encode_record(record)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    for part, written in list_parts(record, json.loads(line)):
        said = {f.name for f in fields(part) if getattr(part, f.name) != f.default}
        assert written.keys() == said
    assert decode_record(line) == record


@settings(max_examples=30, deadline=None)
@given(RECORDS)
def test_a_line_with_every_field_is_read(record: Record) -> None:
    """As earlier versions wrote them."""
    assert decode_record(msgspec.json.encode(record) + b"\n") == record


def test_most_fields_of_a_detection_case_say_nothing() -> None:
    """A line of such a case has nothing of pairs, choices, regions, searches or judges."""
    written = json.loads(encode_record(make_record("a.png", Outcome.CORRECT)))
    assert written.keys() == {"case", "prompt", "answer", "verdict", "worker"}
    assert written["case"].keys() == {
        "id", "task", "image", "question", "question_type", "label", "generator",
    }  # fmt: skip
    assert written["answer"].keys() == {"text", "tokens", "seconds", "batch_size"}
    assert written["verdict"].keys() == {"outcome", "reason", "label"}


def test_no_answer_and_a_strength_of_zero_are_said() -> None:
    """Nothing is left out for being empty: it is left out for being the default."""
    record = make_record("a.png", Outcome.MODEL_ERROR)
    record = replace(record, case=replace(record.case, strength=0.0, expected=()))
    written = json.loads(encode_record(record))
    assert written["answer"] is None
    assert (written["case"]["strength"], written["case"]["expected"]) == (0, [])


def test_what_no_field_allows_is_written_as_it_is() -> None:
    """Whatever the backend of another package gives: a record is never lost for it."""
    record = make_record("a.png", Outcome.CORRECT)
    assert record.answer is not None
    odd = replace(record.answer, tokens="two")  # type: ignore[arg-type]
    written = json.loads(encode_record(replace(record, answer=odd)))
    assert written["answer"]["tokens"] == "two"


def test_scores_of_a_judge_may_be_numbers_of_numpy() -> None:
    """They are written as plain ones, which are read again."""
    record = make_record("a.png", Outcome.CORRECT)
    odd = replace(record.verdict, score=np.float64(1.5))
    line = encode_record(replace(record, verdict=odd))
    assert decode_record(line).verdict.score == 1.5


@pytest.mark.parametrize("line", [b"{", b'{"case": 3}\n', b"[]\n", b"\xff\n"])
def test_a_line_that_is_no_record_is_named(line: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises((FormatError, ValueError)):
        decode_record(line)
