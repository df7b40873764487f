"""Parse TOML and JSON; every failure is a FormatError with a readable sentence.

A byte-order mark is skipped. Nesting beyond Python's recursion limit and numbers out of range are
FormatErrors as well.
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
    """Parse a JSON text in UTF-8; raises FormatError."""
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
    """Parse a TOML text in UTF-8 and convert it to ``kind``; raises FormatError."""
    text = read_utf8(content)
    settings: dict[str, Any] = {}
    try:
        settings = tomllib.loads(text)
        return msgspec.convert(settings, kind)
    except RecursionError as error:
        raise FormatError("it is nested too deeply") from error
    except msgspec.ValidationError as error:
        message = str(_to_format_error(error, settings, kind))
        # The words of JSON: TOML has tables, and leaves out what is nothing.
        raise FormatError(message.replace("`object", "`table").replace(" | null`", "`")) from error
    except _DECODE_ERRORS as error:
        raise FormatError(str(error) or type(error).__name__) from error


def _to_format_error(error: msgspec.ValidationError, value: Any, kind: Any) -> FormatError:
    """Return the error with the allowed fields or values, if one of them is unknown."""
    return FormatError(next(_find_unknown(value, kind, ""), str(error)))


def _find_unknown(value: Any, hint: Any, path: str) -> Iterator[str]:
    """Yield a sentence for each unknown field and each value outside its choices.

    ``hint`` is the type of ``value``, and ``path`` its position, such as ``generation.stop``.
    """
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        if isinstance(value, dict):
            yield from _find_unknown_fields(value, hint, path)
    elif isinstance(hint, type) and issubclass(hint, StrEnum):
        if isinstance(value, str) and value not in list(hint):
            yield f"{path} is {value!r}; {describe_choices(value, hint)}"
    elif get_origin(hint) is list:
        for part in value if isinstance(value, list) else []:
            yield from _find_unknown(part, get_args(hint)[0], path)
    elif get_origin(hint) in {Union, UnionType}:
        for part in get_args(hint):
            yield from _find_unknown(value, part, path)


def _find_unknown_fields(
    value: dict[str, Any], kind: type[msgspec.Struct], path: str
) -> Iterator[str]:
    """Yield a sentence for each unknown field of a struct and of its fields."""
    hints = get_type_hints(kind)
    for name, part in value.items():
        if name in kind.__struct_encode_fields__:
            yield from _find_unknown(part, hints.get(name), f"{path}.{name}".strip("."))
        elif kind.__struct_config__.forbid_unknown_fields:
            position = f" in {path}" if path else ""
            choices = describe_choices(name, kind.__struct_encode_fields__)
            yield f"there is no field {name!r}{position}; {choices}"


def read_utf8(content: bytes) -> str:
    """Decode a file's content, without its byte-order mark.

    Raises FormatError if it is not UTF-8.
    """
    if content.startswith(_UTF16) or b"\0" in content[:2]:
        raise FormatError("it is UTF-16; save it as UTF-8")
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"it is not UTF-8 (byte {error.start}); save it as UTF-8") from error
