"""Tests of a case that have further parameters: a record per case, counted alike in every mode."""

from dataclasses import replace
from pathlib import Path

import pytest

from fakebench_suite.plugin.collection import match_cases
from fakebench_suite.types import Outcome
from tests.factories import make_record
from tests.helpers import read_run, use_model
from tests.plugin.sandbox import EVERY_MODE, Run
from tests.plugin.test_fixtures import leave_one_test

TEMPERATURES = """
import pytest

pytestmark = pytest.mark.detection

@pytest.mark.parametrize("temperature", {values})
def test_own(case, ask, judge, record, temperature):
    record(judge(case, ask(case)))
"""
UNRECORDED = """

@pytest.mark.parametrize("url", ["http://a", "http://b"])
def test_asked_again(case, ask, url):
    assert ask(case).text
"""
WITHOUT_A_CASE = """
import pytest

@pytest.mark.parametrize("url", ["http://a", "http://b"])
def test_without_a_case(url):
    assert url
"""
LATE = """
import pytest

pytestmark = pytest.mark.detection

def test_own(case, ask, judge, record):
    record(judge(case, ask(case)))

def test_late(case, ask, judge, request):
    request.getfixturevalue("record")(judge(case, ask(case)))
"""


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_further_parameters_do_not_change_the_counts(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Cases are counted by their ids, however many tests are given them."""
    leave_one_test(project, TEMPERATURES.format(values="[0.5]") + UNRECORDED)
    (project / "cases" / "test_urls.py").write_text(WITHOUT_A_CASE, encoding="utf-8")
    result = run(f"--data={data}", "--tasks=detection", "--strict-cases", *mode)
    manifest = read_run(project).manifest
    assert (manifest["selected"], manifest["recorded"], manifest["partial"]) == (16, 16, [])
    assert manifest["tasks"]["detection"]["selected"] == 16
    assert result.parseoutcomes()["passed"] == 34


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_a_case_that_two_tests_record_is_refused(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """In one sentence before the model is asked; one of the tests can be chosen."""
    leave_one_test(project, TEMPERATURES.format(values="['low', 'high']"))
    result = run(f"--data={data}", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: The case * would be recorded by two tests, *-low] and *-high]*"]
    )
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not (project / "reports" / "run").exists()
    assert run(f"--data={data}", "--gates=none", "-k", "low", *mode).ret == 0
    manifest = read_run(project).manifest
    assert (manifest["selected"], manifest["recorded"], manifest["partial"]) == (16, 16, [])


@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_a_second_record_of_a_case_fails_its_test(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Where collection does not show that a test records, its record is not dropped silently."""
    leave_one_test(project, LATE)
    result = run(f"--data={data}", "--gates=none", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["failed"] == 16
    result.stdout.fnmatch_lines(["*was recorded by *test_own?*? before*"])
    assert len(read_run(project).records) == 16


def test_a_worker_that_dies_over_a_parametrized_case_is_on_record(
    run: Run, data: Path, project: Path
) -> None:
    """The case is known by its test, though the node id holds more than the case's."""
    leave_one_test(project, TEMPERATURES.format(values="[0.5]"))
    use_model(project, "DyingModel(deaths=2)")
    assert run(f"--data={data}", "-n2").ret == pytest.ExitCode.TESTS_FAILED
    records = read_run(project).records
    assert len({line["case"]["id"] for line in records}) == len(records) == 16
    assert [line["verdict"]["outcome"] for line in records].count("model_error") == 1


def test_a_node_id_with_a_parameter_can_be_pasted(run: Run, data: Path, project: Path) -> None:
    """Its case is asked, and no other."""
    leave_one_test(project, TEMPERATURES.format(values="[0.5]"))
    nodeid = "cases/test_own.py::test_own[5.png:isreal-0.5]"
    assert run(f"--data={data}", "--gates=none", nodeid).ret == 0
    assert [line["case"]["id"] for line in read_run(project).records] == ["5.png:isreal"]


def test_a_case_is_found_before_parameters_that_look_like_its_id() -> None:
    """Ids may hold hyphens, and end as parameters do."""
    case = make_record("a.png", Outcome.CORRECT).case
    cases = [replace(case, id=name) for name in ("a.png:p", "a.png:p-2", "ä.png:p")]
    nodeids = ["t.py::t[a.png:p-2]", "t.py::t[a.png:p]", "t.py::t[\\xe4.png:p]"]
    suffixed_nodeids = ["t.py::u[a.png:p-2]", "t.py::u[a.png:p-2-2]", "t.py::u[\\xe4.png:p-2]"]
    matches = match_cases(
        cases, [*nodeids, *suffixed_nodeids, "t.py::v[3]", "t.py::v[x:y-2]", "t.py::w"]
    )
    assert [matches[nodeid].id for nodeid in nodeids] == ["a.png:p-2", "a.png:p", "ä.png:p"]
    assert [matches[nodeid].id for nodeid in suffixed_nodeids] == [
        "a.png:p",
        "a.png:p-2",
        "ä.png:p",
    ]
    assert len(matches) == 6
