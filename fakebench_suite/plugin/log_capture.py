"""No capture of log records where nobody would see more of them than without it.

Pytest attaches its handlers to the root logger and to each one that does not propagate, six times
for every test. PyTorch and transformers bring dozens of those: milliseconds a case.
"""

import pytest

from fakebench_suite.plugin.collection import get_case

_WISHES = ("log_level", "log_cli", "log_cli_level", "log_file", "log_file_level")
"""Settings of pytest's with which somebody asks for log records."""


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
    """Whether an item is a case that does not look at log records itself."""
    return get_case(item) is not None and "caplog" not in getattr(item, "fixturenames", ())
