"""A record as one line of JSON, without the fields that say nothing, and back.

A field at its default, such as a case's second image where it has one image, is left out; read
again, it has its default. So lines of versions that wrote every field are read as well, and the
default of a field of a record may never change: lines without the field would change with it.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import msgspec

from fakebench_suite.files.parsing import decode_json
from fakebench_suite.runs.old_names import has_forged_region, rename_record
from fakebench_suite.types import Record

_DECODER = msgspec.json.Decoder(Record)


def encode_record(record: Record) -> bytes:
    """The line of a record, with its line feed."""
    return msgspec.json.encode(_drop_defaults(record)) + b"\n"


def decode_record(line: bytes) -> Record:
    """The record of a line, also of an older version.

    Raises FormatError or ValueError if the line is no record.
    """
    if has_forged_region(line):
        value = decode_json(line, msgspec.json.Decoder())
        return msgspec.convert(rename_record(value), Record)
    return decode_json(line, _DECODER, rename=rename_record)


def _drop_defaults(value: Any) -> Any:
    """A dataclass, at any depth, as a table of the fields that are not at their defaults."""
    if isinstance(value, tuple):
        return [_drop_defaults(part) for part in value]
    defaults = _list_defaults(type(value))  # type: ignore[arg-type]  # mypy's issue 11470
    if defaults is None:
        return value
    return {
        name: _drop_defaults(part)
        for name, default in defaults
        if (part := getattr(value, name)) is not default and part != default
    }


@cache
def _list_defaults(kind: type[Any]) -> Sequence[tuple[str, object]] | None:
    """The fields of a dataclass with their defaults, which are MISSING where a field has none.

    None for any other type.
    """
    return [(field.name, field.default) for field in fields(kind)] if is_dataclass(kind) else None
