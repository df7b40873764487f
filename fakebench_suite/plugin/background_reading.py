"""Explanations are read while others are written, so that the end of a run does not wait."""

from typing import TYPE_CHECKING

import pytest

from fakebench_suite.plugin.options import is_worker
from fakebench_suite.plugin.reporting import RECORDER, get_record
from fakebench_suite.tasks.registry import get_task

if TYPE_CHECKING:
    from fakebench_suite.grading.claims.reader_processes import BackgroundReader

MIN_CASES = 500
"""Fewest cases of a run whose texts are read ahead; those of fewer take a second or two."""


class BackgroundReading:
    """Has the texts of records read as they arrive, in the process that records them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._ahead: BackgroundReader | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the text of a record."""
        record = get_record(report)
        if (
            record is None
            or not get_task(record.case.task).grades_texts
            or self._config.stash[RECORDER].selected < MIN_CASES
        ):
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


def pytest_configure(config: pytest.Config) -> None:
    """Records arrive in the controller."""
    if not is_worker(config):
        config.pluginmanager.register(BackgroundReading(config), "fakebench-claims")
