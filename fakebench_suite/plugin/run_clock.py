"""What is measured while a run is asked, for its progress and for ``fakebench plan``."""

import sys
from pathlib import Path  # noqa: TC003

import pytest

from fakebench_suite.execution import work_units
from fakebench_suite.execution.forecast import TimePredictor
from fakebench_suite.plugin.engines import find_unit_size
from fakebench_suite.plugin.options import SETTINGS, count_workers
from fakebench_suite.plugin.reporting import RECORDER, get_record


def make_predictor(config: pytest.Config) -> TimePredictor:
    """A predictor for the processes of this session, and the size of their work units."""
    least = find_unit_size(config, config.stash[RECORDER].selected)
    return TimePredictor(
        workers=max(1, count_workers(config)), least=least or work_units.MIN_UNIT_PROMPTS
    )


def count_times(predictor: TimePredictor, report: pytest.TestReport) -> None:
    """Count the case on a report, if its model was asked for it."""
    record = get_record(report)
    # The death of a worker has no times.
    if record is None or record.reused or not hasattr(report, "start"):
        return
    predictor.add(
        str(record.worker),
        image=record.case.image,
        start=report.start,
        stop=report.stop,
        answer_seconds=None if record.answer is None else record.answer.seconds,
    )


class RunClock:
    """Watches one session: when its cases began and ended, and where it was recorded."""

    def __init__(self) -> None:
        self.forecast: TimePredictor | None = None
        """None until a case has ended."""
        self.folder: Path | None = None
        """The run's directory; None where no case was recorded."""

    def pytest_configure(self, config: pytest.Config) -> None:
        """Keep what says how cases are asked."""
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a case when its record arrives; workers have collected their tests by then."""
        if self.forecast is None and get_record(report) is not None:
            self.forecast = make_predictor(self._config)
        if self.forecast is not None:
            count_times(self.forecast, report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Note the directory, which has its name once the first case is recorded."""
        if self.forecast is not None:
            self.forecast.finish()
        self.folder = session.config.stash[SETTINGS].folder


def measure_peak_memory() -> dict[str, int]:
    """The most memory that this process, or a worker of it, has taken so far, in bytes, by place.

    On a GPU only the allocations of this process's PyTorch are known.
    """
    peaks = {}
    if sys.platform != "win32":
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        usages = [
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        peaks["memory"] = max(usage.ru_maxrss for usage in usages) * unit
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        peaks["GPU memory"] = torch.cuda.max_memory_allocated()
    return peaks
