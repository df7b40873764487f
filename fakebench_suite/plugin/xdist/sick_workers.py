"""Retirement: the scheduler learns what became of each case, and people which worker is sick."""

import pytest

from fakebench_suite.plugin.reporting import get_outcome
from fakebench_suite.plugin.xdist.scheduler import WorkUnitScheduler
from fakebench_suite.types import Outcome


class SickWorkerWatch:
    """Tells the scheduler what became of the cases, and people which worker is retired."""

    def __init__(self, config: pytest.Config, scheduling: WorkUnitScheduler) -> None:
        self._config, self._scheduling = config, scheduling
        self._retired = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one case's outcome."""
        outcome, node = get_outcome(report), getattr(report, "node", None)
        if outcome is None or node is None or outcome is Outcome.IMAGE_ERROR:
            return
        answered = outcome is not Outcome.MODEL_ERROR
        self._scheduling.note_result(node, report.nodeid, answered=answered)
        retired = list(self._scheduling.retired.items())
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        for sick, failed in retired[self._retired :]:
            name = getattr(getattr(sick, "gateway", None), "id", "")
            assert reporter is not None
            reporter.write_line(
                f"\nworker {name} is retired: it failed at {failed} cases in a row, and "
                "another worker answered what it was asked of them. All are asked elsewhere."
            )
        self._retired = len(retired)
