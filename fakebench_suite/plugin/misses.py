"""Misses and ``--lf``: a miss is a passed test to pytest, and is run again like a failed one."""

from collections.abc import Generator

import pytest

from fakebench_suite.plugin.options import is_worker
from fakebench_suite.plugin.reporting import get_outcome


class MissCache:
    """Adds misses to what pytest remembers of failed tests; pytest keeps it in the controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        """Remember a miss after pytest has seen the test pass."""
        yield
        outcome = get_outcome(report)
        last_failed = self._config.pluginmanager.get_plugin("lfplugin")
        if outcome is not None and outcome.is_miss and last_failed is not None:
            last_failed.lastfailed[report.nodeid] = True


def pytest_configure(config: pytest.Config) -> None:
    """Workers remember nothing."""
    if not is_worker(config):
        config.pluginmanager.register(MissCache(config), "fakebench-misses")
