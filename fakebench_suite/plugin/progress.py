"""Live progress: model, cases answered, cases per second, time left; of a server, what it took.

On a terminal one line is redrawn; in a log a line appears every ten seconds. ``-v`` brings back
pytest's own line per case.
"""

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from fakebench_suite.execution.forecast import describe_seconds
from fakebench_suite.plugin.collection import get_case, get_plan
from fakebench_suite.plugin.interrupts import INTERRUPTS
from fakebench_suite.plugin.options import is_worker
from fakebench_suite.plugin.reporting import RECORDER, get_record
from fakebench_suite.plugin.run_clock import count_times, make_predictor
from fakebench_suite.text.display import count_of, escape_unencodable, to_single_line
from fakebench_suite.types import Outcome, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDRAW, _SPEAK = 0.1, 10.0
"""Seconds between two pictures on a terminal, and between two lines in a log."""


class LiveProgress:
    """Counts finished cases and shows them, from the first one on."""

    def __init__(self, session: pytest.Session, reporter: pytest.TerminalReporter) -> None:
        self._session, self._reporter = session, reporter
        self._opened = False
        self._started = self._shown = time.monotonic()
        self._bar: Progress | None = None
        self._known: Mapping[str, Record] = {}
        """Cases that a resumed run had recorded before."""
        self._asked = 0
        """Cases that this session has recorded beside them."""
        self._tokens, self._cost = 0, 0.0
        """What the answers of this session took, as their server counted it."""

    @pytest.hookimpl(trylast=True)  # xdist's report of a worker's death gets its record on the way.
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Show the state after a case, if it is time."""
        record = get_record(report)
        if record is None:
            return
        if not self._opened:
            self._open()
        if record.case.id not in self._known:
            self._count(record)
            count_times(self._forecast, report)
        due = self._shown + (_SPEAK if self._bar is None else _REDRAW)
        if time.monotonic() >= due:
            self._show()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Leave one line behind."""
        if self._bar is not None:
            self._bar.stop()
        if self._opened:
            self._reporter.write_line(self._tell())

    def _count(self, record: Record) -> None:
        """Count a record of this session, and what its answer took."""
        self._asked += 1
        usage = None if record.answer is None or record.reused else record.answer.usage
        if usage is not None:
            self._tokens += (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
            self._cost += usage.cost or 0.0

    def _open(self) -> None:
        self._opened = True
        config = self._session.config
        self._known = get_plan(config).known
        self._forecast = make_predictor(config)
        self._name = to_single_line(get_plan(config).card.name)
        self._started = self._shown = time.monotonic()
        if not self._reporter.isatty:
            return
        # No refreshing thread: while a case runs, pytest has taken standard output away.
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            console=Console(),
            auto_refresh=False,
            transient=True,
        )
        self._row = self._bar.add_task(self._name, total=None, state="")
        self._bar.start()

    def _show(self) -> None:
        self._shown = time.monotonic()
        if self._bar is None:
            self._reporter.write_line(self._tell())
            return
        self._bar.update(
            self._row, completed=self._done, total=self._total or None, state=self._describe()
        )
        self._bar.refresh()

    @property
    def _counts(self) -> Counter[Outcome]:
        return self._session.config.stash[RECORDER].counts

    @property
    def _done(self) -> int:
        return self._counts.total()

    @property
    def _total(self) -> int:
        return self._session.config.stash[RECORDER].selected

    def _describe(self) -> str:
        missed = sum(count for outcome, count in self._counts.items() if outcome.is_miss)
        errors = sum(count for outcome, count in self._counts.items() if outcome.is_error)
        rate = max(1, self._asked) / max(time.monotonic() - self._started, 1e-3)
        left = self._total - self._done
        state = [f"{missed} missed", count_of(errors, "error"), f"{rate:.1f} cases/s"]
        interrupts = self._session.config.stash.get(INTERRUPTS, None)
        runner = None if interrupts is None else interrupts.runner
        if left > 0 and runner is not None and runner.requests_in_flight is not None:
            state.append(f"{runner.requests_in_flight} in flight")
        if self._tokens:
            state.append(count_of(self._tokens, "token"))
        if self._cost:
            state.append(f"cost {self._cost:,.4g}")
        seconds = self._forecast.predict(left)
        if left > 0 and seconds is not None:
            state.append(f"{describe_seconds(seconds)} left")
        return ", ".join(state)

    def _tell(self) -> str:
        return f"{self._name}: {self._done}/{self._total}, {self._describe()}"


def pytest_configure() -> None:
    """Progress bars have signs that few encodings have, and so have names and replies."""
    escape_unencodable(sys.__stdout__, sys.__stderr__)


def pytest_collection_finish(session: pytest.Session) -> None:
    """No file names and dots between the pictures: an image's cases span four files."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and any(get_case(item) for item in session.items):
        reporter.showfspath = False


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Show progress where nothing else does: in the controller, without ``-v`` or ``-q``."""
    config = session.config
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not is_worker(config) and config.option.verbose == 0:
        config.pluginmanager.register(LiveProgress(session, reporter), "fakebench-progress")
