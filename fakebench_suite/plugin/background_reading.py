"""Explanations are read while others are written, so that the end of a run does not wait."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from fakebench_suite.tasks.registry import get_task
from fakebench_suite.types import Record

if TYPE_CHECKING:
    from fakebench_suite.grading.claims.reader_processes import BackgroundReader

MIN_CASES = 500
"""Fewest cases of a run whose texts are read ahead; those of fewer take a second or two."""


class BackgroundReading:
    """Has the texts of records read as they arrive, in the process that records them."""

    def __init__(self) -> None:
        self.is_worthwhile = False
        """Whether the selected cases have so many texts that they are read ahead."""
        self._ahead: BackgroundReader | None = None

    def select(self, tasks: Mapping[str, int]) -> None:
        """Take note of the number of selected cases of each task."""
        texts = any(get_task(task).grades_texts for task in tasks)
        self.is_worthwhile = texts and sum(tasks.values()) >= MIN_CASES

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

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Keep what was read, before the run is scored."""
        self._close()

    def pytest_unconfigure(self) -> None:
        """Leave no process behind, whatever ended the session."""
        self._close()

    def _close(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.close()
