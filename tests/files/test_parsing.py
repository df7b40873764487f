"""One way of reading JSON and TOML, whose only error is a sentence."""

import codecs
from typing import Any

import msgspec
import pytest

from fakebench_suite.errors import FormatError
from fakebench_suite.files.parsing import decode_json, decode_toml


class Sheet(msgspec.Struct):
    """Something with a small number."""

    size: int = 0


DEEP = 100_000


@pytest.mark.parametrize("byte_order_mark", [b"", codecs.BOM_UTF8])
def test_a_byte_order_mark_is_no_text(byte_order_mark: bytes) -> None:
    """What Windows editors write before a file is passed over."""
    assert decode_json(byte_order_mark + b'{"size": 3}', msgspec.json.Decoder(Sheet)).size == 3
    assert decode_toml(byte_order_mark + b"size = 3", Sheet).size == 3


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[" * DEEP, b'{"a":' * DEEP, b"[" * DEEP + b"]" * DEEP, b"NaN", b"1e999",
        b'"\\ud800"',
        b'{"size": ' + b"9" * 10_000 + b"}", b'{"size": 1e400}', b'{"size": null}', b"\xff", b"\0",
        '{"size": 1}'.encode("utf-16"), '{"size": 1}'.encode("utf-16-le"), b"[]", b"{} {}",
    ],
)  # fmt: skip
def test_broken_json_is_a_sentence(content: bytes) -> None:
    """Whatever is wrong, one error says it in one line."""
    with pytest.raises(FormatError) as exc_info:
        decode_json(content, msgspec.json.Decoder(Sheet))
    assert str(exc_info.value)
    assert "\n" not in str(exc_info.value)


@pytest.mark.parametrize(
    "content",
    [
        b"size", b"size = " + b"[" * DEEP, b"a = {b = " * DEEP,
        b"size = " + b"9" * 10_000, b"size = 1e400", b"size = nan", b"size = 9999-99-99", b"\xff",
        b"size = 1\nsize = 2", "size = 1".encode("utf-16"), b"size = '\\ud800'", b"\0",
    ],
)  # fmt: skip
def test_broken_toml_is_a_sentence(content: bytes) -> None:
    """Whatever is wrong, one error says it in one line."""
    with pytest.raises(FormatError) as exc_info:
        decode_toml(content, Sheet)
    assert str(exc_info.value)
    assert "\n" not in str(exc_info.value)


def test_any_value_can_be_asked_for() -> None:
    """Where the shape is checked later, everything is read."""
    value: object = decode_json(b'{"a": [1, null]}', msgspec.json.Decoder(Any))
    assert value == {"a": [1, None]}
