"""Mistakes in tests that show once they are collected, met before the model is asked.

Under xdist only workers collect; they send what they find to the controller, which ends the run.
"""

from collections.abc import Iterable

import pytest

from fakebench_suite.plugin.collection import get_case
from fakebench_suite.plugin.options import is_worker
from fakebench_suite.text.display import to_single_line

_SENTENCE = "fakebench_usage_error"


class UsageErrorReceiver:
    """Raises in the controller what a worker found."""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Raise UsageError where a worker sent a sentence."""
        sentence = getattr(report, _SENTENCE, None)
        if sentence is not None:
            raise pytest.UsageError(sentence)


def pytest_configure(config: pytest.Config) -> None:
    """Listen to workers."""
    if not is_worker(config):
        config.pluginmanager.register(UsageErrorReceiver(), "fakebench-usage-errors")


def report_usage_error(config: pytest.Config, sentence: str) -> None:
    """Raise UsageError; in a worker, have the controller raise it."""
    if not is_worker(config):
        raise pytest.UsageError(sentence)
    report = pytest.CollectReport("", "failed", longrepr=sentence, result=[])
    setattr(report, _SENTENCE, sentence)
    config.hook.pytest_collectreport(report=report)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Check the tests that are left after filters, before a worker says that it has collected."""
    if session.config.option.collectonly:
        return
    problem = describe_case_recorded_twice(session.items)
    if problem is not None:
        report_usage_error(session.config, problem)


def describe_case_recorded_twice(items: Iterable[pytest.Item]) -> str | None:
    """The first case that two tests would record; None if there is none."""
    recorders: dict[str, str] = {}
    for item in items:
        case = get_case(item)
        if case is None or "record" not in getattr(item, "fixturenames", ()):
            continue
        first = recorders.setdefault(case.id, item.nodeid)
        if first != item.nodeid:
            return to_single_line(
                f"The case {case.id} would be recorded by two tests, {first} and {item.nodeid}, "
                "and a run keeps one record of each case. Choose one of the tests with -k, or "
                "record the case in one of them only."
            )
    return None
