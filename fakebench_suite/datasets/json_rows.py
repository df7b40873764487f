"""Rows of the files of other benchmarks: JSON objects whose fields are checked one by one.

Every fault is a DataError that names the file, the row and the field.
"""

import codecs
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.datasets.dataset import check_image_name, check_utf8, read_bytes
from fakebench_suite.errors import DataError, FormatError
from fakebench_suite.files.parsing import decode_json

_SHOWN = 60
"""Characters of a wrong value that a message quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One object of a file, and where it is."""

    fields: Mapping[str, Any]
    location: str
    """Begins every message: ``test.json, row 3``."""

    def text(self, key: str) -> str:
        """A text that is not blank; raises DataError if it is missing or none."""
        value = self.fields.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fault(key, "a text")
        return value

    def optional_text(self, key: str) -> str | None:
        """A text, or None where it is missing, null or blank; raises DataError if it is none."""
        value = self.fields.get(key)
        if value is not None and not isinstance(value, str):
            raise self.fault(key, "a text")
        return value.strip() or None if value else None

    def items(self, key: str) -> Sequence[Any]:
        """A list; raises DataError if it is missing or none."""
        value = self.fields.get(key)
        if not isinstance(value, list):
            raise self.fault(key, "a list")
        return value

    def rows(self, key: str) -> "list[Row]":
        """A list of objects, each with its place in the list; raises DataError if it is none."""
        rows = []
        for number, value in enumerate(self.items(key)):
            if not isinstance(value, dict):
                raise self.fault(key, "a list of objects")
            rows.append(Row(fields=value, location=f"{self.location}, {key} {number}"))
        return rows

    def image(self, key: str) -> str:
        """The name of an image; raises DataError if it is missing or leads elsewhere."""
        return check_image_name(self.text(key), location=self.location)

    def fault(self, key: str, allowed: str) -> DataError:
        """The error of a field that is missing or not what is ``allowed``."""
        if key not in self.fields:
            return DataError(
                f"{self.location}: the field {key!r} is missing; it must be {allowed}."
            )
        value = shorten(self.fields[key])
        return DataError(f"{self.location}: the field {key!r} is {value}; it must be {allowed}.")


def read_json(path: Path, *, encoding: str = "utf-8") -> tuple[bytes, Any]:
    """The bytes of a file, and the value in it; raises DataError naming the file.

    ``encoding`` is ``utf-8`` or ``utf-16``; files of the latter begin with a byte-order mark, and
    those that were saved again in UTF-8 are read as well.
    """
    content = read_bytes(path)
    text = content
    if encoding == "utf-16" and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = content.decode("utf-16").encode()
        except UnicodeError as error:
            raise DataError(
                f"{path.name} is not complete UTF-16: {error}. Download it again."
            ) from error
    check_utf8(text, location=path.name)
    try:
        return content, decode_json(text, msgspec.json.Decoder())
    except FormatError as error:
        raise DataError(f"{path.name} is not complete JSON: {error}. Download it again.") from error


def check_repeated(pairs: Iterable[tuple[str, Any]], *, location: str) -> dict[str, Any]:
    """The object of these pairs, as an ``object_pairs_hook`` of :mod:`json`.

    Raises DataError where a key is there twice: a parser would keep the last one unseen.
    """
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table:
            raise DataError(f"{location}: the key {key!r} is there twice. Remove one of them.")
        table[key] = value
    return table


def list_rows(value: object, *, name: str) -> list[Row]:
    """The rows of a list of objects; raises DataError where it is none, or empty."""
    if not isinstance(value, list) or not value:
        raise DataError(f"{name} must hold a list of objects, one per case, and not be empty.")
    rows = []
    for number, fields in enumerate(value):
        if not isinstance(fields, dict):
            raise DataError(f"{name}, row {number} must be an object, not {shorten(fields)}.")
        rows.append(Row(fields=fields, location=f"{name}, row {number}"))
    return rows


def is_file(path: Path) -> bool:
    """Whether there is a regular file; False where its directory may not be entered."""
    # os.path answers where Path raises: on missing permissions, and on names that are too long.
    return os.path.isfile(path)  # noqa: PTH113


def find_file(root: Path, names: Iterable[str], *, kind: str) -> Path:
    """The first of some files below a directory, or the directory itself where it is a file.

    Raises DataError where there is none.
    """
    if is_file(root):
        return root
    candidates = list(names)
    for name in candidates:
        if is_file(root / name):
            return root / name
    raise DataError(
        f"There are no files of {kind} in {root}: looked for {', '.join(candidates)}. Point "
        f"--data={kind}:DIR at the directory that holds them."
    )


def remove_image_tags(question: str) -> str:
    """A question without the ``<image>`` that stands for its picture, which is shown first."""
    return question.replace("<image>", "").strip()


def shorten(value: object) -> str:
    """A value as a message quotes it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
