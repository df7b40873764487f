"""A pytest plugin, ``-p benchmarks.case_clock``: when the model was loaded and the last case ended.

Ends standard error with a line ``CLOCK {...}``: both in seconds since the epoch, and, where a model
was loaded, the processor time between them, of this process and those that it started, and the
threads that compute: torch's, or the cores to which vLLM's are bound.
"""

import os
import sys
import time
from collections.abc import Generator
from typing import Any

import pytest

from benchmarks.peer_clock import print_clock
from benchmarks.process_tree import list_worker_cores, read_cpu_seconds


class CaseClock:
    """Notes times of one session."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._cpu: float | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        """Note when the suite's fixture ``model`` is there: nothing was asked before."""
        value = yield
        if fixturedef.argname == "model":
            self._times["loaded"] = time.time()
            self._cpu = read_cpu_seconds(os.getpid())
        return value

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None]:
        """Note when a case is recorded; after the last one the model is closed."""
        yield
        if report.when == "call":
            self._times["last"] = time.time()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, nextitem: pytest.Item | None) -> Generator[None]:
        """Count processor time and threads while the model is open."""
        if nextitem is None and self._cpu is not None:
            self._times["cpu"] = read_cpu_seconds(os.getpid()) - self._cpu
            cores = list_worker_cores(os.getpid())
            if cores:
                self._times["threads"] = len(cores)
            elif "torch" in sys.modules:
                self._times["threads"] = sys.modules["torch"].get_num_threads()
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Tell, before scores, gates and report are made."""
        print_clock({"last": time.time()} | self._times)


def pytest_configure(config: pytest.Config) -> None:
    """Watch the session; workers of xdist are silent."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(CaseClock(), "case-clock")
