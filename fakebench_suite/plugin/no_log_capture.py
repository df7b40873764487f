"""No capture of log records where nobody would see more of them than without it.

Pytest attaches its handlers to the root logger and to each one that does not propagate, six times
for every test. PyTorch and transformers bring dozens of those: milliseconds a case.
"""

import inspect
from collections.abc import Callable
from functools import cache

import pytest

from fakebench_suite.plugin.collection import get_case

_WISHES = ("log_level", "log_cli", "log_cli_level", "log_file", "log_file_level")
"""Settings of pytest's with which somebody asks for log records."""
_OWN_FIXTURES = frozenset(
    {"case", "ask", "judge", "record", "case_runner", "engine", "model", "pytestconfig", "request"}
)
"""What the suite's cases use, themselves or through one another."""


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave the capture out of a session of cases alone, unless log records are asked for.

    Without it Python writes warnings to standard error, whose capture a report shows as well.
    """
    config = session.config
    capture = config.pluginmanager.get_plugin("logging-plugin")
    if capture is None:  # By -p no:logging, which leaves out its options, too.
        return
    wanted = any(config.getoption(name, None) or config.getini(name) for name in _WISHES)
    if wanted or not all(map(_is_plain_case, session.items)):
        return
    config.pluginmanager.unregister(capture)
    config.add_cleanup(capture.pytest_unconfigure)


def _is_plain_case(item: pytest.Item) -> bool:
    """Whether an item is a case that uses no fixture but the suite's.

    Another one, or a test with ``request``, may ask for ``caplog`` when it runs.
    """
    if get_case(item) is None or not isinstance(item, pytest.Function):
        return False
    return not _takes_request(item.function) and _OWN_FIXTURES.issuperset(item.fixturenames)


@cache
def _takes_request(function: Callable[..., object]) -> bool:
    return "request" in inspect.signature(function).parameters
