"""A run that is stopped: tests whose cases are answered already still run, and no other."""

import pytest

from fakebench_suite.execution.runner import CaseRunner
from fakebench_suite.plugin.collection import get_case


class UnansweredTestFilter:
    """Leaves tests out, without a report, whose cases were not answered before the stop.

    It is registered at the stop, for it would cost every case of a run a call.
    """

    def __init__(self, runner: CaseRunner) -> None:
        self._runner = runner
        self._left_out = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run a test whose case is answered; the session ends when there is none any more."""
        case = get_case(item)
        answered = case is not None and self._runner.is_answered(case)
        self._left_out = self._left_out or not answered
        if self._left_out and (nextitem is None or not (answered or self._runner.has_answers)):
            item.session.shouldstop = self._runner.run_stop.reason or True
        if answered:
            return None
        # The test before left its module set up for this one.
        item.session._setupstate.teardown_exact(nextitem)  # pytest has no other
        return True


def filter_tests(config: pytest.Config, runner: CaseRunner) -> None:
    """From now on, run what is answered only."""
    config.pluginmanager.register(UnansweredTestFilter(runner), "fakebench-stopped-run")
