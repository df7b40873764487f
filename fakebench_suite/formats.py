"""TOML and JSON -> values: one way of reading each, whose only error is a sentence.

A byte-order mark is no part of the text. What no reader of ours can take, nesting beyond Python's
depth or a number beyond its limits, is an error of the content like any other.
"""

import codecs
import tomllib
from typing import Any, TypeVar

import msgspec

from fakebench_suite.errors import FormatError

T = TypeVar("T")
_BROKEN = (msgspec.MsgspecError, ValueError, OverflowError, TypeError, KeyError, MemoryError)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_json(content: bytes, decoder: "msgspec.json.Decoder[T]") -> T:
    """The value of a JSON text in UTF-8; raises FormatError."""
    text = read_utf8(content)
    try:
        return decoder.decode(text)
    except RecursionError as error:
        raise FormatError("it is nested too deeply") from error
    except _BROKEN as error:
        raise FormatError(str(error) or type(error).__name__) from error


def decode_toml(content: bytes, kind: type[T]) -> T:
    """The value of a TOML text in UTF-8, of the type asked for; raises FormatError."""
    text = read_utf8(content)
    try:
        settings: dict[str, Any] = tomllib.loads(text)
        return msgspec.convert(settings, kind)
    except RecursionError as error:
        raise FormatError("it is nested too deeply") from error
    except _BROKEN as error:
        raise FormatError(str(error) or type(error).__name__) from error


def read_utf8(content: bytes) -> str:
    """The text of a file, less a byte-order mark; raises FormatError where it is not UTF-8."""
    if content.startswith(_UTF16) or b"\0" in content[:2]:
        raise FormatError("it is UTF-16; save it as UTF-8")
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"it is not UTF-8 (byte {error.start}); save it as UTF-8") from error
