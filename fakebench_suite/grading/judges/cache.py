"""Cache of ratings by content, so that a judge is not asked twice for the same round."""

import hashlib
import sqlite3
from contextlib import suppress
from pathlib import Path

import msgspec

from fakebench_suite.errors import UserError
from fakebench_suite.grading.judges.rubric import Messages
from fakebench_suite.types import Rating


class RatingCache:
    """A table of ratings in an SQLite file that several workers may share.

    Raises UserError if the file cannot be opened or created.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A judge may ask in a thread of its own, one at a time.
            self._base = sqlite3.connect(
                path, timeout=60, isolation_level=None, check_same_thread=False
            )
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS ratings (key TEXT PRIMARY KEY, rating BLOB)"
            )
        except (OSError, sqlite3.Error) as error:
            raise UserError(
                f"The judge's ratings cannot be stored in {path}: {error}. Choose another "
                "--reports."
            ) from error

    def find(self, judge: str, messages: Messages, number: int) -> Rating | None:
        """Return the cached rating of a judge's round on these messages, if there is one.

        An entry that cannot be read counts as absent.
        """
        try:
            row = self._base.execute(
                "SELECT rating FROM ratings WHERE key = ?", (_digest(judge, messages, number),)
            ).fetchone()
            return None if row is None else msgspec.json.decode(row[0], type=Rating)
        except (sqlite3.Error, msgspec.MsgspecError, UnicodeError, TypeError):
            return None

    def keep(self, judge: str, messages: Messages, number: int, rating: Rating) -> None:
        """Store a rating, if the file can be written; failures are not stored."""
        row = _digest(judge, messages, number), msgspec.json.encode(rating)
        with suppress(sqlite3.Error):  # A full disk loses no rating: the record has it.
            self._base.execute("INSERT OR REPLACE INTO ratings VALUES (?, ?)", row)

    def close(self) -> None:
        """Close the file."""
        self._base.close()


def _digest(judge: str, messages: Messages, number: int) -> str:
    """Return the SHA-256 of judge, messages and round as the key of an entry."""
    return hashlib.sha256(msgspec.json.encode([judge, messages, number])).hexdigest()
