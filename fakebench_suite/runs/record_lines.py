"""A record as one line of JSON, without the fields that say nothing, and back.

A field at its default, such as a case's second image where it has one image, is left out; read
again, it has its default. So lines of versions that wrote every field are read as well, and the
default of a field of a record may never change: lines without the field would change with it.
"""

from dataclasses import MISSING, fields, is_dataclass
from functools import cache, reduce
from numbers import Number
from operator import or_
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from fakebench_suite.files.parsing import decode_json
from fakebench_suite.runs.old_names import has_forged_region, rename_record
from fakebench_suite.types import Record

_DECODER = msgspec.json.Decoder(Record)


def encode_record(record: Record) -> bytes:
    """The line of a record, with its line feed."""
    try:
        struct = msgspec.convert(record, _make_struct(Record), from_attributes=True)
    except msgspec.ValidationError:  # A judge of another package gave what no field allows.
        return msgspec.json.encode(record, enc_hook=make_plain) + b"\n"
    return msgspec.json.encode(struct) + b"\n"


def make_plain(value: object) -> object:
    """A number of NumPy, or a text of a type of its own, as a plain one; TypeError for others."""
    if isinstance(value, Number) and hasattr(value, "item"):
        return value.item()
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{type(value).__name__} in place of a plain value")


def decode_record(line: bytes) -> Record:
    """The record of a line, also of an older version.

    Raises FormatError or ValueError if the line is no record.
    """
    if has_forged_region(line):
        value = decode_json(line, msgspec.json.Decoder())
        return msgspec.convert(rename_record(value), Record)
    return decode_json(line, _DECODER, rename=rename_record)


@cache
def _make_struct(kind: type[Any]) -> type[msgspec.Struct]:
    """The struct of a dataclass, whose fields msgspec leaves out where they are at their defaults.

    Of dataclasses it writes all fields, and leaving them out here takes four times as long.
    """
    hints = get_type_hints(kind)
    own: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for field in fields(kind):
        hint = _replace_dataclasses(hints[field.name])
        is_required = field.default is MISSING
        own.append((field.name, hint) if is_required else (field.name, hint, field.default))
    return msgspec.defstruct(kind.__name__, own, kw_only=True, omit_defaults=True, frozen=True)


def _replace_dataclasses(hint: Any) -> Any:
    """A type with structs in the place of dataclasses, at any depth."""
    if is_dataclass(hint):
        return _make_struct(hint)  # type: ignore[arg-type]  # mypy's issue 11470
    kind, parts = get_origin(hint), tuple(map(_replace_dataclasses, get_args(hint)))
    if kind in {Union, UnionType}:
        return reduce(or_, parts)
    return tuple[parts] if kind is tuple else hint  # type: ignore[valid-type]
