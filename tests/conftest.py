"""Settings of the suite's own tests."""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.plugin.forking import Server

# Tests share the cores among themselves: threads that wait for one another would take them away.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell ignores these for what it starts in the background, and so would all that tests start.
for name in ("SIGINT", "SIGHUP"):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)

# A loaded machine is no reason to fail: time limits belong to benchmarks.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of tests that run only when they are asked for."""
    config.addinivalue_line("markers", "slow: takes minutes; runs only when -m is given: -m slow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave slow tests out where no ``-m`` says which tests are wanted."""
    if config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow") is not None]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]


def pytest_unconfigure() -> None:
    """Let the collector see everything again, or libraries complain at exit of what it leaves."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where runs are asked for that need not import the suite: one place for all workers."""
    folder = tmp_path_factory.getbasetemp()
    server = Server((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "forks")
    yield server.address
    server.close()
