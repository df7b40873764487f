"""Mistakes in tests that show once they are collected, met before the model is asked.

Under xdist only workers collect; they send what they find to the controller, which ends the run.
"""

import inspect
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from fakebench_suite.plugin.collection import get_case
from fakebench_suite.plugin.engines import ENGINE, RAY
from fakebench_suite.plugin.options import is_worker
from fakebench_suite.text.display import to_single_line

_SENTENCE = "fakebench_usage_error"
_SHARED = ("model", "engine", "case_runner")
"""Fixtures that all cases of a session share: ``ask``, ``judge`` and ``record`` request them."""


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
    problem = describe_narrow_fixture(session) or describe_case_recorded_twice(session.items)
    if problem is not None:
        report_usage_error(session.config, problem)


def describe_case_recorded_twice(items: Iterable[pytest.Item]) -> str | None:
    """The first case that two tests would record; None if there is none."""
    recorders: dict[str, pytest.Item] = {}
    for item in items:
        case = get_case(item)
        if case is None or "record" not in getattr(item, "fixturenames", ()):
            continue
        first = recorders.setdefault(case.id, item)
        if first is not item and first.nodeid != item.nodeid:
            return to_single_line(
                f"The case {case.id} would be recorded by two tests, {first.nodeid} and "
                f"{item.nodeid}, and a run keeps one record of each case. Choose one of the tests "
                "with -k, or record the case in one of them only."
            )
    return None


def describe_narrow_fixture(session: pytest.Session) -> str | None:
    """A fixture of somebody's own that takes the place of a shared one and cannot be shared.

    pytest would raise its ScopeMismatch in every case. None if there is no such fixture.
    """
    ray = session.config.stash[ENGINE].name == RAY
    shared = [name for name in _SHARED if not (ray and name == "model")]  # replicas load the card
    seen = set()
    for item in session.items:
        # Those of a test that is given the suite's ask, judge or record, and not its own, have it.
        if item.parent in seen or "case_runner" not in getattr(item, "fixturenames", ()):
            continue
        seen.add(item.parent)
        for name in shared:
            definitions = session._fixturemanager.getfixturedefs(name, item)
            if not definitions:
                continue
            fixture = definitions[-1]
            place = f"The fixture {name!r} of {_find_file(fixture.func, session.config.rootpath)}"
            if fixture.scope != "session":
                return (
                    f"{place} has the scope {fixture.scope!r}, but the cases of a session share "
                    'it. Write @pytest.fixture(scope="session").'
                )
            if fixture.params is not None:
                return (
                    f"{place} has parameters, but the cases of a session share it. Leave out "
                    "params, and run pytest once for each of them."
                )
    return None


def _find_file(function: object, root: Path) -> str:
    """The file that a fixture is written in, relative to pytest's root directory."""
    code = getattr(inspect.unwrap(function), "__code__", None)  # type: ignore[arg-type]
    return "another package" if code is None else os.path.relpath(code.co_filename, root)
