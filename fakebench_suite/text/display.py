"""Text for a terminal or a page: what a model, a file or a server wrote is shown, never obeyed."""

import re
import sys
from typing import TextIO

_JOINERS = "\u200c\u200d"
"""Invisible and harmless: they hold together letters and pictures that are one sign."""
_HIDDEN = re.compile(r"[^ -~]")


def escape_controls(text: str) -> str:
    r"""The text with everything that a terminal might obey written out, as in ``\x1b``.

    That is control characters, the C1 set, marks that turn the direction of writing, and halves of
    surrogate pairs; lines stay lines.
    """
    return text if text.isprintable() else _HIDDEN.sub(_escape_control, text)


def to_single_line(text: str) -> str:
    """The text as :func:`show` shows it, on one line."""
    if text.isprintable():
        return text
    return escape_controls(" ".join(text.splitlines()).replace("\t", " "))


def count_of(number: int, noun: str) -> str:
    """A number and a noun that agrees with it, such as ``1,000 cases`` and ``1 case``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _escape_control(match: re.Match[str]) -> str:
    char = match[0]
    if char.isprintable() or char in "\n\t" or char in _JOINERS:
        return char
    if char.isspace() and char > " ":
        return " "
    return char.encode("unicode_escape").decode()


def escape_json(text: str, encoding: str) -> str:
    """A JSON text in which every character that cannot be shown, or not be sent, is an escape."""
    return _HIDDEN.sub(lambda match: _escape(match[0], encoding), text)


def _escape(char: str, encoding: str) -> str:
    if char.isprintable() and char.encode(encoding, "ignore"):
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def escape_unencodable(*streams: TextIO | None) -> None:
    r"""Write what a terminal's encoding has no sign for as ``\u20ac``, as pytest does."""
    for stream in streams or (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a stream of a test has none
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
