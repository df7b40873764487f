"""Comparison with stored sessions: what ``--benchmark-compare-fail`` comes to, in sentences."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from fakebench_suite.plugin.options import is_worker

if TYPE_CHECKING:
    from pytest_benchmark.session import BenchmarkSession

_KEPT = (
    pytest.ExitCode.INTERRUPTED,
    pytest.ExitCode.INTERNAL_ERROR,
    pytest.ExitCode.USAGE_ERROR,
)
"""Statuses that say more than that something became slower."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Raise UsageError where a comparison is to fail the session and cannot even be made.

    Where nothing is stored at all it can: the first session is what later ones are compared with.
    """
    stored = _find_session(session.config)
    if stored is None or is_worker(session.config) or not stored.compare_fail:
        return
    if not stored.compare:
        raise pytest.UsageError(
            "--benchmark-compare-fail says when a comparison fails, and none is asked for. Add "
            "--benchmark-compare, or leave it out."
        )
    if stored.compare is not True and not stored.compared_mapping:
        raise pytest.UsageError(
            f"--benchmark-compare={stored.compare} is no session stored under {stored.storage}. "
            "Give the number of one that is, or no value for the latest."
        )


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """``--benchmark-compare-fail`` fails the session without a traceback, or says it cannot.

    pytest-benchmark has said by then what became slower.
    """
    stored = _find_session(config)
    gap = "" if stored is None else _find_gap(stored)
    if stored is not None and gap:
        stored.compare_fail = None  # pytest-benchmark would end in a traceback
    try:
        yield
    except Exception as error:
        if not _is_regression(error):
            raise
        session = terminalreporter._session
        assert session is not None
        if session.exitstatus not in _KEPT:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if gap:
        terminalreporter.write_line(gap, yellow=True)


def _find_session(config: pytest.Config) -> "BenchmarkSession | None":
    """pytest-benchmark's side, where that is there."""
    return config.pluginmanager.get_plugin("pytest-benchmark")


def _find_gap(stored: "BenchmarkSession") -> str:
    """Why nothing that was measured is held against anything; an empty text where something is."""
    measured = {benchmark.fullname for benchmark in stored.benchmarks if benchmark}
    if not stored.compare_fail or not measured:
        return ""
    if not stored.compared_mapping:
        kept = stored.save or stored.autosave
        advice = (
            "This one is stored now: compare the next with it."
            if kept
            else "Add --benchmark-autosave to store one to compare the next with."
        )
        return f"Nothing was compared: no session was stored under {stored.storage} yet. {advice}"
    if not any(measured & known.keys() for known in stored.compared_mapping.values()):
        return (
            "Nothing was compared: the stored session measured none of this. Compare with one "
            "over the same data, by its number in --benchmark-compare."
        )
    return ""


def _is_regression(error: Exception) -> bool:
    from pytest_benchmark.session import PerformanceRegression

    return isinstance(error, PerformanceRegression)
