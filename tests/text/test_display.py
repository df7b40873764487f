"""What others wrote is shown, never obeyed, and printed on any terminal."""

import io
import json

import pytest

from fakebench_suite.errors import SuiteError
from fakebench_suite.text.display import (
    count_of,
    escape_controls,
    escape_json,
    escape_unencodable,
    to_single_line,
)

OBEYED = "\x1b]0;title\x07\x1b[2J\x9b5m\x00\x08\x7f\u202e\u2066\u2028\ud800\r"


def test_a_number_and_its_noun_agree() -> None:
    """Only one is singular; thousands are set apart."""
    texts = [count_of(number, "case") for number in (0, 1, 2, 1000)]
    assert texts == ["0 cases", "1 case", "2 cases", "1,000 cases"]


def test_nothing_is_left_that_a_terminal_obeys() -> None:
    """Escapes, C1 controls, marks of direction and halves of pairs are written out."""
    escaped = escape_controls(f"a\n\tb{OBEYED}c")
    assert escaped.startswith(
        "a\n\tb\\x1b]0;title\\x07\\x1b[2J\\x9b5m\\x00\\x08\\x7f\\u202e\\u2066"
    )
    assert to_single_line(f"a\n\tb{OBEYED}c").isprintable()
    assert to_single_line("a\nb\r\nc\td\n") == "a b c d"
    escaped.encode()


@pytest.mark.parametrize("text", ["图像", "naïve", "\\x1b", "a b", "😀", "👩\u200d🚀", ""])
def test_plain_text_stays_as_it_is(text: str) -> None:
    """Letters of any script and signs that a joiner holds together are not touched."""
    assert escape_controls(text) == to_single_line(text) == text


def test_errors_can_be_printed() -> None:
    """Whatever a message quotes, of a file or a server, it is safe to print."""
    assert str(SuiteError(f"the field {OBEYED}")) == f"the field {escape_controls(OBEYED)}"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "utf-16"])
def test_json_stays_json_in_any_encoding(encoding: str) -> None:
    """The same value, in characters that the terminal has and does not obey."""
    value = {"why": f"图 é 😀 {OBEYED} \\ \" '"}
    text = escape_json(json.dumps(value, ensure_ascii=False), encoding)
    assert json.loads(text) == value
    assert text.isprintable()
    text.encode(encoding)


def test_a_stream_takes_what_it_has_no_sign_for() -> None:
    """Signs that an encoding has not are written out; a stream of another kind is let be."""
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="cp1252")
    escape_unencodable(stream, io.StringIO(), None)
    stream.write("é 图")
    stream.flush()
    assert buffer.getvalue() == b"\xe9 \\u56fe"
