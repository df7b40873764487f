"""Marks already given, by content: the same judge is not paid twice for the same round."""

import hashlib
import sqlite3
from contextlib import suppress
from pathlib import Path

import msgspec

from fakebench_suite.errors import UserError
from fakebench_suite.grading.judges.rubric import Messages
from fakebench_suite.types import Rating


class RatingCache:
    """A table of marks in a file that several workers may share."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, timeout=60, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS ratings (key TEXT PRIMARY KEY, rating BLOB)"
            )
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"The judge's marks cannot be kept in {path}: {error}. Choose another --reports."
            ) from error

    def find(self, judge: str, messages: Messages, number: int) -> Rating | None:
        """The marks of this judge's round on these messages, if they were given before.

        What cannot be read is not known: then the judge is asked again.
        """
        try:
            row = self._base.execute(
                "SELECT rating FROM ratings WHERE key = ?", (_digest(judge, messages, number),)
            ).fetchone()
            return None if row is None else msgspec.json.decode(row[0], type=Rating)
        except (sqlite3.Error, msgspec.MsgspecError, UnicodeError, TypeError):
            return None

    def keep(self, judge: str, messages: Messages, number: int, rating: Rating) -> None:
        """Keep the marks, if the file can take them; failures are never kept."""
        row = _digest(judge, messages, number), msgspec.json.encode(rating)
        with suppress(sqlite3.Error):  # A full disk costs no marks: the record has them.
            self._base.execute("INSERT OR REPLACE INTO ratings VALUES (?, ?)", row)

    def close(self) -> None:
        """Close the file."""
        self._base.close()


def _digest(judge: str, messages: Messages, number: int) -> str:
    return hashlib.sha256(msgspec.json.encode([judge, messages, number])).hexdigest()
