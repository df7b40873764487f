"""Make text from models, files and servers safe to print.

Terminals execute control sequences; the functions here replace them by escapes.
"""

import re
import sys
from typing import TextIO

_JOINERS = "\u200c\u200d"
"""Zero-width non-joiner and joiner, which are kept: they form ligatures and emoji."""
_HIDDEN = re.compile(r"[^ -~]")
UNLIMITED_WIDTH = 100_000
"""Columns of a console for tables that are printed whole: a terminal wraps a long line, where rich
would shorten cells and leave out whole columns of figures."""


def escape_controls(text: str) -> str:
    r"""Replace every character that a terminal may interpret by an escape such as ``\x1b``.

    These are control characters (C0 and C1), bidirectional marks and lone surrogates. Line breaks
    and tabs are kept.
    """
    return text if text.isprintable() else _HIDDEN.sub(_escape_control, text)


def to_single_line(text: str) -> str:
    """Return the text as :func:`escape_controls` does, on one line."""
    if text.isprintable():
        return text
    return escape_controls(" ".join(text.splitlines()).replace("\t", " "))


def count_of(number: int, noun: str) -> str:
    """A number and a noun that agrees with it, such as ``1,000 cases`` and ``1 case``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _escape_control(match: re.Match[str]) -> str:
    """Return the printable form of one character."""
    char = match[0]
    if char.isprintable() or char in "\n\t" or char in _JOINERS:
        return char
    if char.isspace() and char > " ":
        return " "
    return char.encode("unicode_escape").decode()


def escape_json(text: str, encoding: str) -> str:
    r"""Escape the characters of a JSON text that are not printable or not in ``encoding``.

    Returns JSON of the same value, with ``\uXXXX`` in place of these characters.
    """
    return _HIDDEN.sub(lambda character: _escape(character[0], encoding), text)


def _escape(char: str, encoding: str) -> str:
    if char.isprintable() and char.encode(encoding, "ignore"):
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index : index + 2].hex()}" for index in range(0, len(units), 2))


def escape_unencodable(*streams: TextIO | None) -> None:
    r"""Make streams write characters outside their encoding as ``\u20ac``, as pytest does.

    ``streams`` default to stdout and stderr; a stream without ``reconfigure`` is left as it is.
    """
    for stream in streams or (sys.stdout, sys.stderr):
        # Streams that tests put in the place of stdout have no such method.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
