"""TOML and JSON -> values: one way of reading each, whose only error is a sentence.

A byte-order mark is no part of the text. What no reader of ours can take, nesting beyond Python's
depth or a number beyond its limits, is an error of the content like any other.
"""

import codecs
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from fakebench_suite.errors import FormatError, describe_choices

T = TypeVar("T")
_DECODE_ERRORS = (msgspec.MsgspecError, ValueError, OverflowError, TypeError, KeyError, MemoryError)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_json(
    content: bytes,
    decoder: "msgspec.json.Decoder[T]",
    *,
    rename: Callable[[Any], Any] | None = None,
) -> T:
    """The value of a JSON text in UTF-8; raises FormatError.

    ``rename`` gives a value that does not fit the decoder's type the names that it has today.
    """
    text = read_utf8(content)
    try:
        if rename is not None:
            with suppress(msgspec.ValidationError):
                return decoder.decode(text)
            return msgspec.convert(rename(msgspec.json.decode(text)), decoder.type)
        return decoder.decode(text)
    except RecursionError as error:
        raise FormatError("it is nested too deeply") from error
    except msgspec.ValidationError as error:
        value = None
        with suppress(RecursionError, *_DECODE_ERRORS):
            value = msgspec.json.decode(text)
        raise _to_format_error(error, value, decoder.type) from error
    except _DECODE_ERRORS as error:
        raise FormatError(str(error) or type(error).__name__) from error


def decode_toml(content: bytes, kind: type[T]) -> T:
    """The value of a TOML text in UTF-8, of the type asked for; raises FormatError."""
    text = read_utf8(content)
    settings: dict[str, Any] = {}
    try:
        settings = tomllib.loads(text)
        return msgspec.convert(settings, kind)
    except RecursionError as error:
        raise FormatError("it is nested too deeply") from error
    except msgspec.ValidationError as error:
        raise _to_format_error(error, settings, kind) from error
    except _DECODE_ERRORS as error:
        raise FormatError(str(error) or type(error).__name__) from error


def _to_format_error(error: msgspec.ValidationError, value: Any, kind: Any) -> FormatError:
    """The error, in words that list what is allowed where a field or a word is unknown."""
    return FormatError(next(_find_unknown(value, kind, ""), str(error)))


def _find_unknown(value: Any, hint: Any, place: str) -> Iterator[str]:
    """Fields that a type does not have, and words that are none of its choices."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        if isinstance(value, dict):
            yield from _find_unknown_fields(value, hint, place)
    elif isinstance(hint, type) and issubclass(hint, StrEnum):
        if isinstance(value, str) and value not in list(hint):
            yield f"{place} is {value!r}; {describe_choices(value, hint)}"
    elif get_origin(hint) is list:
        for part in value if isinstance(value, list) else []:
            yield from _find_unknown(part, get_args(hint)[0], place)
    elif get_origin(hint) in {Union, UnionType}:
        for part in get_args(hint):
            yield from _find_unknown(value, part, place)


def _find_unknown_fields(
    value: dict[str, Any], kind: type[msgspec.Struct], place: str
) -> Iterator[str]:
    hints = get_type_hints(kind)
    for name, part in value.items():
        if name in kind.__struct_encode_fields__:
            yield from _find_unknown(part, hints.get(name), f"{place}.{name}".strip("."))
        elif kind.__struct_config__.forbid_unknown_fields:
            where = f" in {place}" if place else ""
            choices = describe_choices(name, kind.__struct_encode_fields__)
            yield f"there is no field {name!r}{where}; {choices}"


def read_utf8(content: bytes) -> str:
    """The text of a file, less a byte-order mark; raises FormatError where it is not UTF-8."""
    if content.startswith(_UTF16) or b"\0" in content[:2]:
        raise FormatError("it is UTF-16; save it as UTF-8")
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"it is not UTF-8 (byte {error.start}); save it as UTF-8") from error
