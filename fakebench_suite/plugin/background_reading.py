"""Explanations are read while others are written, so that the end of a run does not wait."""

from typing import TYPE_CHECKING

from fakebench_suite.tasks.registry import get_task
from fakebench_suite.types import Record

if TYPE_CHECKING:
    from fakebench_suite.grading.claims.reader_processes import BackgroundReader

MIN_CASES = 500
"""Fewest cases of a run whose texts are read ahead; those of fewer take a second or two."""


class BackgroundReading:
    """Has the texts of records read as they arrive, in the process that records them."""

    def __init__(self) -> None:
        self._ahead: BackgroundReader | None = None

    def add(self, record: Record) -> None:
        """Have the text of a record read, if it has one."""
        if not get_task(record.case.task).grades_texts:
            return
        from fakebench_suite.grading.claims.grounding import find_text

        if (text := find_text(record)) is None:
            return
        if self._ahead is None:
            from fakebench_suite.grading.claims.reader_processes import BackgroundReader

            self._ahead = BackgroundReader()
        self._ahead.add(text)

    def close(self) -> None:
        """Keep what was read, and leave no process behind."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.close()
