"""What the fixtures ask, judge and record keep of a case."""

from pathlib import Path

import pytest

from tests.helpers import read_run, use_model
from tests.plugin.sandbox import EVERY_MODE, MODES, Run

INCONCLUSIVE = 6
GATE = """
[[gate]]
name = "no errors"
kind = "errors"
task = "detection"
"""
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
OWN_FIXTURES = """
import pytest

@pytest.fixture(scope="session")
def note():
    return None
"""
ONE_PER_CASE = """
from pathlib import Path
import pytest

pytestmark = pytest.mark.detection

@pytest.fixture
def note():
    with Path("notes").open("a") as file:
        file.write("one\\n")

def test_noted(case, ask, judge, record, note):
    record(judge(case, ask(case)))
"""
OWN_JUDGE = """
import pytest
from fakebench_suite.types import Outcome, Verdict

pytestmark = pytest.mark.detection

class TestStrict:
    @pytest.fixture
    def judge(self):
        return lambda case, answer: Verdict(outcome=Outcome.INCORRECT, reason="own judge")

    def test_own(self, case, ask, judge, record):
        record(judge(case, ask(case)))
"""
TAKES_REQUEST = """
import pytest

pytestmark = pytest.mark.detection

class TestOwn:
    def test_named(self, case, ask, judge, record, request):
        assert case.id in request.node.name
        record(judge(case, ask(case)))

def test_plain(case, ask):
    assert ask(case).text
"""
CHECKS_LOCATIONS = """
import os

def pytest_runtest_setup(item):
    path, line, name = item.reportinfo()
    assert item.location == (os.path.relpath(path, item.config.rootpath), line, name)
"""
MARKED = """
import pytest

@pytest.mark.detection
def test_detection(case, ask, judge, record):
    record(judge(case, ask(case)))

@pytest.mark.detection
def test_own():
    assert False
"""
UNRECORDED = """
import pytest

@pytest.mark.detection
def test_detection(case, ask, judge):
    judge(case, ask(case))
"""
OWN_MODEL = """
import pytest
from fakes import FakeModel

@pytest.fixture{options}
def model():
    return FakeModel()
"""
FAILING_MODEL = """
import pytest

@pytest.fixture(scope="session")
def weights(tmp_path):
    return tmp_path

@pytest.fixture(scope="session")
def model(weights):
    return weights
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


def test_a_fixture_of_one_test_is_made_for_every_case(run: Run, data: Path, project: Path) -> None:
    """Also where it gives what a session's fixture of the same name gives."""
    leave_one_test(project, ONE_PER_CASE)
    (project / "cases" / "conftest.py").write_text(OWN_FIXTURES, encoding="utf-8")
    (project / "cases" / "test_all.py").write_text(
        "def test_session(note):\n    assert note is None\n", encoding="utf-8"
    )
    assert run(f"--data={data}", "--gates=none").ret == 0
    assert (project / "notes").read_text(encoding="utf-8").split() == ["one"] * 16


def test_a_fixture_of_a_class_is_used_for_every_case(run: Run, data: Path, project: Path) -> None:
    """And not the suite's, which other tests of the run were given."""
    leave_one_test(project, OWN_JUDGE)
    assert run(f"--data={data}", "--gates=none").ret == 0
    reasons = {line["verdict"]["reason"] for line in read_run(project).records}
    assert reasons == {"own judge"}


def test_every_case_has_its_own_request_and_line(run: Run, data: Path, project: Path) -> None:
    """As pytest would give them, though it is not asked for either in each case."""
    leave_one_test(project, TAKES_REQUEST)
    (project / "cases" / "conftest.py").write_text(CHECKS_LOCATIONS, encoding="utf-8")
    result = run(f"--data={data}", "--gates=none", "-n0")
    assert result.ret == 0, result.stdout.str()
    assert len(read_run(project).records) == 16


def test_a_verdict_on_nothing_is_refused(run: Run, data: Path, project: Path) -> None:
    """The test fails in a sentence, and no record is made up."""
    leave_one_test(project, RECORDS_UNASKED)
    result = run(f"--data={data}", "--gates=none")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*the model was not asked: ask(case) first*"])
    assert not (project / "reports" / "run").exists()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_cases_without_a_record_are_not_taken_for_a_run(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """A test may ask for answers alone; one that forgets its record is told of it."""
    leave_one_test(project, UNRECORDED)
    said = "No case was recorded*no gate was evaluated*"
    result = run(f"--data={data}", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines([said])
    (project / "mine.toml").write_text(GATE, encoding="utf-8")
    result = run(f"--data={data}", "--gates=mine.toml", *mode)
    assert result.ret == INCONCLUSIVE
    result.stdout.fnmatch_lines([said])
    result = run(f"--data={data}", "--collect-only", *mode)
    result.stdout.no_fnmatch_line("No case was recorded*")


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_marked_test_without_a_case_is_run(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """The names of tasks are names that a team may have marks of; only cases are selected."""
    leave_one_test(project, MARKED)
    result = run(f"--data={data}", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["failed"] == 1
    assert len(read_run(project).records) == 16


def test_fixtures_of_other_tests_are_their_own(run: Run, project: Path) -> None:
    """A test that asks no case may have a ``model`` and a ``record`` of any scope."""
    fixtures = "import pytest\n\n@pytest.fixture\ndef model(): return 1\n"
    fixtures += "@pytest.fixture\ndef record(): return 1\n"
    leave_one_test(
        project, f"{fixtures}\ndef test_own(model, record):\n    assert model == record\n"
    )
    assert run().ret == 0


def test_a_model_that_cannot_be_asked_ends_the_run(run: Run, data: Path, project: Path) -> None:
    """A fixture that gives no backend is named, with what to do; no case is an error of a model."""
    (project / "cases" / "conftest.py").write_text(NO_BACKEND, encoding="utf-8")
    result = run(f"--data={data}", "--gates=none")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*'model' gives a object, which has no run, no capabilities*"])


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "has the scope 'function'*scope=\"session\"*"),
        ('(scope="session", params=["a", "b"])', "has parameters*"),
    ],
    ids=["scope", "params"],
)
def test_a_model_that_cases_cannot_share_is_refused(
    run: Run, data: Path, project: Path, options: str, message: str, mode: tuple[str, ...]
) -> None:
    """Once, in a sentence that names its file, before any case."""
    use_model(project, "FakeModel()")
    conftest = OWN_MODEL.format(options=options)
    (project / "cases" / "conftest.py").write_text(conftest, encoding="utf-8")
    result = run(f"--data={data}", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: The fixture 'model' of cases/conftest.py {message}"])
    assert "ScopeMismatch" not in result.stdout.str() + result.stderr.str()
    assert not (project / "reports" / "run").exists()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_model_that_fails_ends_the_run(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """And not every case, with the same words."""
    (project / "cases" / "conftest.py").write_text(FAILING_MODEL, encoding="utf-8")
    result = run(f"--data={data}", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*The fixture 'model' failed: *ScopeMismatch*"])
