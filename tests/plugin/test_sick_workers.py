"""A worker that dies, hangs or fails at everything costs a whole and right run nothing."""

import os
from pathlib import Path

import pytest

from fakebench_suite.plugin import direct_stderr, timeouts
from fakebench_suite.plugin.direct_stderr import DIRECT_STDERR, DirectStderr
from fakebench_suite.plugin.timeouts import ModelWatchdog
from tests.helpers import read_run, use_model
from tests.plugin.sandbox import Run

SMALL = """
from fakebench_suite.execution import work_units
work_units.MIN_UNIT_PROMPTS = 8
"""
IGNORES = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
"""
# The first worker dies once, between two cases, after the first of them was recorded.
DIES = """
import os
import signal
ended = []

def pytest_runtest_teardown(item):
    ended.append(item)
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw0" and len(ended) == 10:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_that_dies_between_cases_changes_no_status(
    run: Run, data: Path, project: Path
) -> None:
    """All cases are recorded and counted once, and none is reported as not run."""
    (project / "dies.py").write_text(SMALL + DIES, encoding="utf-8")
    result = run(f"--data={data}", "-p", "dies", "-n2", "--gates=none")
    assert result.ret == 0
    records = read_run(project).records
    assert len(records) == len({line["case"]["id"] for line in records}) == 48
    result.stdout.no_fnmatch_line("*did not run*")
    counts = result.parseoutcomes()
    assert sum(counts[name] for name in ("missed", "correct", "unscored")) == 48


@pytest.mark.parametrize("good_batches", [0, 1])
def test_a_sick_worker_costs_no_case(
    run: Run, data: Path, project: Path, good_batches: int
) -> None:
    """From the start or after it has answered: what it fails at is answered by the other."""
    use_model(project, f"SickModel(workers={{'gw1'}}, sound={good_batches})")
    (project / "small.py").write_text(SMALL, encoding="utf-8")
    result = run(f"--data={data}", "-p", "small", "-n2", "--gates=none")
    assert result.ret == 0
    records = read_run(project).records
    assert len(records) == 48
    assert all(line["answer"] for line in records)
    assert read_run(project).manifest["errors"] == 0
    assert "error" not in str(result.parseoutcomes())


def test_a_model_that_fails_in_every_worker_is_an_error(
    run: Run, data: Path, project: Path
) -> None:
    """The errors stand, one a case."""
    use_model(project, "SickModel(workers={'gw0', 'gw1'})")
    (project / "small.py").write_text(SMALL, encoding="utf-8")
    result = run(f"--data={data}", "-p", "small", "-n2", "--gates=none")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    records = read_run(project).records
    assert len(records) == 48
    assert not any(line["answer"] for line in records)
    assert result.parseoutcomes()["errors"] == 48
    result.stdout.no_fnmatch_line("*is retired*")


@pytest.mark.parametrize("ignored", ["", IGNORES], ids=["foreground", "background"])
def test_a_model_that_hangs_ends_a_run_in_one_process(
    run: Run, data: Path, project: Path, ignored: str
) -> None:
    """In a sentence, with scores of what was recorded, also where a shell has Ctrl-C ignored."""
    use_model(project, "HangingModel(case='vqdm-02.png:Q1-edge')")  # not of the first slice
    (project / "small.py").write_text(SMALL + ignored, encoding="utf-8")
    result = run(f"--data={data}", "-p", "small", "-n0", "--unit-timeout=2", "--gates=none")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    output = result.stdout.str() + result.stderr.str()
    assert "did not answer within --unit-timeout=2" in output
    assert "Traceback" not in output
    assert 0 < len(read_run(project).records) < 48
    assert (project / "reports/run/scores.json").exists()


def test_a_prompt_that_hangs_costs_workers_and_no_other_case(
    run: Run, data: Path, project: Path
) -> None:
    """The worker ends, its cases are asked one by one, and only the one at fault is an error."""
    use_model(project, "HangingModel(case='glide-08.png:isfake')")
    result = run(f"--data={data}", "-m", "detection", "-n1", "--unit-timeout=2", "--gates=none")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    records = read_run(project).records
    assert len(records) == 16
    assert [r["case"]["id"] for r in records if not r["answer"]] == ["glide-08.png:isfake"]


class Config:
    """What a Waiting needs of pytest's configuration."""

    def __init__(self) -> None:
        self.stash = pytest.Stash()

    def add_cleanup(self, cleanup: object) -> None:
        """The test closes what it opens."""


def test_a_line_says_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, then after twice the time, and never again once it is there."""
    reader, writer = os.pipe()
    monkeypatch.setattr(timeouts, "FIRST", 0.05)
    monkeypatch.setattr(direct_stderr, "_copy_stderr", lambda: writer)
    config = Config()
    config.stash[DIRECT_STDERR] = DirectStderr(config)  # type: ignore[arg-type]
    waiting = ModelWatchdog(config, unit=None, case=None)  # type: ignore[arg-type]
    with waiting.wait("64 prompts"):
        lines = os.read(reader, 1000).decode()
        while lines.count("waiting for the model: 64 prompts since") < 2:
            lines += os.read(reader, 1000).decode()
    for end in (reader, writer):
        os.close(end)


def test_a_limit_of_nothing_is_refused(run: Run, data: Path) -> None:
    """It is a number of seconds above 0."""
    result = run(f"--data={data}", "--unit-timeout=0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
