"""What ``fakebench plan`` measures while a sample of a run is asked."""

import sys
from pathlib import Path  # noqa: TC003

import pytest

from fakebench_suite.execution.forecast import TimePredictor
from fakebench_suite.plugin.options import SETTINGS
from fakebench_suite.plugin.reporting import get_record


class RunClock:
    """Watches one session: when its cases began and ended, and where it was recorded."""

    def __init__(self) -> None:
        self.forecast = TimePredictor()
        self.folder: Path | None = None
        """The run's directory; None where no case was recorded."""

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a case when its record arrives."""
        record = get_record(report)
        if record is not None and hasattr(report, "start"):  # A worker's death has no times.
            self.forecast.add(str(record.worker), start=report.start, stop=report.stop)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Note the directory, which has its name once the first case is recorded."""
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
