"""Marks already given, by content: the same judge is not paid twice for the same round."""

import hashlib
import sqlite3
from pathlib import Path

import msgspec

from fakebench_suite.errors import UserError
from fakebench_suite.judges.rubric import Messages
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
        """The marks of this judge's round on these messages, if they were given before."""
        row = self._base.execute(
            "SELECT rating FROM ratings WHERE key = ?", (_digest(judge, messages, number),)
        ).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Rating)

    def keep(self, judge: str, messages: Messages, number: int, rating: Rating) -> None:
        """Keep the marks; failures are never kept."""
        self._base.execute(
            "INSERT OR REPLACE INTO ratings VALUES (?, ?)",
            (_digest(judge, messages, number), msgspec.json.encode(rating)),
        )

    def close(self) -> None:
        """Close the file."""
        self._base.close()


def _digest(judge: str, messages: Messages, number: int) -> str:
    return hashlib.sha256(msgspec.json.encode([judge, messages, number])).hexdigest()
