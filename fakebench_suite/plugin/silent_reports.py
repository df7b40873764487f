"""Reports of setups and teardowns that say nothing are not kept.

pytest's terminal keeps the reports of all three phases of every test. Those of setup and teardown
tell what they printed, and how long they took where ``--durations`` asks; else there are 108,000 of
them for 54,000 cases, a tenth of the memory of a run, in which garbage is looked for.
"""

from collections.abc import Iterable

import pytest

from fakebench_suite.plugin.collection import will_run_cases

_UNCOUNTED = ""
"""What the terminal files reports under that no summary counts."""


class NotableReports(list[pytest.TestReport]):
    """Takes a report only if it did not pass, or something was printed."""

    def extend(self, reports: Iterable[pytest.TestReport], /) -> None:
        """Add those of the reports that tell something."""
        super().extend(report for report in reports if not report.passed or report.sections)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Let the terminal keep no others from here on, unless it is to tell durations."""
    config = session.config
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.durations is not None or not will_run_cases(config):
        return
    kept = NotableReports()
    kept.extend(reporter.stats.get(_UNCOUNTED, ()))
    reporter.stats[_UNCOUNTED] = kept
