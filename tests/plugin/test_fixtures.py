"""What the fixtures ask, judge and record keep of a case."""

from pathlib import Path

import pytest

from tests.helpers import read_run
from tests.plugin.sandbox import MODES, Run

ASKS_TWICE = """
import pytest

pytestmark = pytest.mark.detection

def test_twice(case, ask, judge, record):
    first = ask(case)
    verdict = judge(case, first)
    second = ask(case)
    assert (first.batch_size, second.batch_size) == (16, 1)
    record(verdict)
"""
RECORDS_UNASKED = """
import pytest
from fakebench_suite.types import Outcome, Verdict

pytestmark = pytest.mark.detection

def test_unasked(case, record):
    record(Verdict(outcome=Outcome.CORRECT, reason="It was not asked."))
"""
NO_BACKEND = """
import pytest

@pytest.fixture(scope="session")
def model():
    return object()
"""


def leave_one_test(project: Path, source: str) -> None:
    """Put the cases of a project down to one file."""
    for path in (project / "cases").glob("test_*.py"):
        path.unlink()
    (project / "cases" / "test_own.py").write_text(source, encoding="utf-8")


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_the_answer_that_was_judged_is_recorded(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """And not the one that the model gave last."""
    leave_one_test(project, ASKS_TWICE)
    assert run(f"--data={data}", "--gates=none", *mode).ret == 0
    records = read_run(project).records
    assert len(records) == 16
    assert {line["answer"]["batch_size"] for line in records} == {16}


def test_a_verdict_on_nothing_is_refused(run: Run, data: Path, project: Path) -> None:
    """The test fails in a sentence, and no record is made up."""
    leave_one_test(project, RECORDS_UNASKED)
    result = run(f"--data={data}", "--gates=none")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the model was not asked: ask(case) first*"])
    assert not (project / "reports" / "run").exists()


def test_a_model_that_cannot_be_asked_ends_the_run(run: Run, data: Path, project: Path) -> None:
    """A fixture that gives no backend is named, with what to do; no case is an error of a model."""
    (project / "cases" / "conftest.py").write_text(NO_BACKEND, encoding="utf-8")
    result = run(f"--data={data}", "--gates=none")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*'model' gives a object, which has no run, no capabilities*"])
