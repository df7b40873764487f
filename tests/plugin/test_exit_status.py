"""Every exit status, provoked: the gates speak only where pytest has nothing of its own to say."""

import json
from pathlib import Path

import pytest

from tests.plugin.sandbox import EVERY_MODE, FLOOR, Run

STOP = """
def pytest_runtest_logreport(report):
    if getattr(report, "fakebench_record", None):
        raise {error}
"""

FAILS_AFTERWARDS = """
import pytest

@pytest.mark.detection
def test_detection(case, ask, judge, record):
    verdict = judge(case, ask(case))
    record(verdict)
    assert str(verdict.outcome) != {outcome!r}
"""


def read_status(project: Path) -> tuple[str, list[str]]:
    """How the manifest says the run ended, and why it is partial."""
    text = (project / "reports/run/manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    return manifest["status"], manifest["partial"]


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("KeyboardInterrupt", pytest.ExitCode.INTERRUPTED),
        ("RuntimeError", pytest.ExitCode.INTERNAL_ERROR),
    ],
)
def test_a_session_that_breaks_off_keeps_pytests_status(
    run: Run, data: Path, project: Path, mode: tuple[str, ...], error: str, status: int
) -> None:
    """Interrupted is 2 and an internal error 3, though a gate fails; what was answered is kept."""
    (project / "gates.toml").write_text(FLOOR.format(bar=1.0), encoding="utf-8")
    (project / "stopper.py").write_text(STOP.format(error=error), encoding="utf-8")
    result = run(f"--data={data}", "-p", "stopper", *mode)
    assert result.ret == status
    assert read_status(project) == ("interrupted", ["interrupted"])
    assert (project / "reports/run/records.jsonl").read_bytes().count(b"\n") >= 1


def test_nothing_collected_is_5(run: Run, data: Path, project: Path) -> None:
    """No case, no run directory."""
    assert run(f"--data={data}", "-k", "nothing").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert not (project / "reports").exists()


def test_a_broken_test_beside_the_cases_is_1(run: Run, data: Path, project: Path) -> None:
    """A failed test that is no case is red, whatever the gates say."""
    (project / "cases/test_own.py").write_text("def test_own():\n    assert False\n", "utf-8")
    assert run(f"--data={data}").ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
@pytest.mark.parametrize("outcome", ["correct", "incorrect"])
def test_a_case_that_fails_after_its_record_is_1(
    run: Run, data: Path, project: Path, mode: tuple[str, ...], outcome: str
) -> None:
    """By an assertion of its own, whatever its verdict; the record is kept all the same."""
    path = project / "cases" / "test_detection.py"
    path.write_text(FAILS_AFTERWARDS.format(outcome=outcome), encoding="utf-8")
    result = run(f"--data={data}", "--tasks=detection", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    kept = {"correct": "missed", "incorrect": "correct"}[outcome]
    counts = result.parseoutcomes()
    counts.pop("deselected", None)
    assert counts == {"failed": 8, kept: 8}
    result.stdout.no_fnmatch_line("*--strict-cases*")
    records = (project / "reports/run/records.jsonl").read_bytes()
    assert records.count(b"\n") == 16
