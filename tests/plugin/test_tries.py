"""A case that is tried again counts as its last try ended, and what breaks a try off is its own."""

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.helpers import read_run, use_model
from tests.plugin.sandbox import MODES, WITHOUT_XDIST, Run

FLAKY = {"glide-08.png:isfake", "5.png:isreal"}
# As pytest-rerunfailures does it: reports are judged before they are logged.
RERUN = """
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl
def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for tries in range(3):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        again = tries < 2 and any(report.failed for report in reports)
        for report in reports:
            if again and report.failed:
                report.outcome = "rerun"
            item.ihook.pytest_runtest_logreport(report=report)
        if not again:
            break
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True

def pytest_report_teststatus(report):
    return ("rerun", "R", "RERUN") if report.outcome == "rerun" else None
"""
# As pytest-retry does it: one report is made, and changed by what comes of the next tries. pytest
# sets a test up anew only after it was torn down.
RETRY = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    tries = 0
    while call.when == "call" and call.excinfo is not None and tries < 2:
        tries += 1
        if tries == 1:
            report.outcome = "retried"
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_teardown(item=item, nextitem=item.parent)
        item._initrequest()
        pytest.CallInfo.from_call(lambda: item.ihook.pytest_runtest_setup(item=item), "setup")
        call = pytest.CallInfo.from_call(lambda: item.ihook.pytest_runtest_call(item=item), "call")
        again = pytest.TestReport.from_item_and_call(item, call)
        report.outcome, report.longrepr = again.outcome, again.longrepr
    return report

def pytest_report_teststatus(report):
    return ("retried", "R", "RETRY") if report.outcome == "retried" else None
"""
# Every try is logged as if it were the only one.
REPEAT = """
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl
def pytest_runtest_protocol(item, nextitem):
    reports = runtestprotocol(item, nextitem=nextitem)
    if any(report.failed for report in reports):
        runtestprotocol(item, nextitem=nextitem)
    return True
"""
EVERY_WAY = [(RERUN, MODES[0]), (RERUN, MODES[1]), (RETRY, WITHOUT_XDIST), (RETRY, MODES[1])]
EVERY_WAY += [(REPEAT, MODES[0]), (REPEAT, MODES[1])]


@pytest.mark.parametrize(("plugin", "mode"), EVERY_WAY)
def test_a_case_that_is_tried_again_counts_as_it_ended(
    run: Run, data: Path, project: Path, plugin: str, mode: tuple[str, ...]
) -> None:
    """Records, scores, counts and status are those of the last tries; a miss is not repeated."""
    use_model(project, f"FlakyModel(cases={FLAKY})")
    (project / "again.py").write_text(plugin, encoding="utf-8")
    result = run(f"--data={data}", "-p", "again", "-m", "detection", "--gates=none", *mode)
    assert result.ret == 0
    records = read_run(project).records
    assert Counter(line["verdict"]["outcome"] for line in records) == {"correct": 8, "incorrect": 8}
    assert len({line["case"]["id"] for line in records}) == 16
    manifest = read_run(project).manifest
    assert (manifest["recorded"], manifest["errors"], manifest["partial"]) == (16, 0, [])
    counts = result.parseoutcomes()
    assert (counts["missed"], counts["correct"]) == (8, 8)
    assert "error" not in counts
    assert counts.get("rerun", counts.get("retried", 2)) == 2
    assert result.stdout.str().count("8 missed, 0 errors") == 1


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_case_whose_last_try_failed_is_an_error(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Three failed tries are one error, in one record, and status 1."""
    use_model(project, f"FlakyModel(cases={FLAKY}, failures=9)")
    (project / "again.py").write_text(RERUN, encoding="utf-8")
    options = ("-p", "again", "-m", "detection", "--gates=none", "--junit-xml=junit.xml")
    result = run(f"--data={data}", *options, *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    records = read_run(project).records
    assert len(records) == 16
    assert read_run(project).manifest["errors"] == 2
    assert {line["verdict"]["reason"] for line in records if not line["answer"]} == {"out of tape"}
    counts = result.parseoutcomes()
    assert (counts.get("errors"), counts["rerun"]) == (2, 4)
    (suite,) = ElementTree.parse(project / "junit.xml").getroot()  # noqa: S314  # just written
    cases = [
        element for element in suite.findall("testcase") if element.get("classname") != "gates"
    ]
    assert len({case.get("name") for case in cases}) == len(cases) == 16
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["17", "0", "2"]
    outcomes = Counter(
        prop.get("value") for prop in suite.iter("property") if prop.get("name") == "outcome"
    )
    assert outcomes == {"correct": 7, "incorrect": 7, "model_error": 2}


TROUBLES = {
    # pytest-timeout's method "signal" fails the test from a signal's handler.
    "signal": "import pytest, signal, time;"
    " signal.signal(signal.SIGALRM, lambda *_: pytest.fail('Timeout (>0.2s)'));"
    " signal.setitimer(signal.ITIMER_REAL, 0.2); time.sleep(60)",
    "fail": "import pytest; pytest.fail('no')",
    "skip": "import pytest; pytest.skip('no')",
    "cancelled": "import asyncio; raise asyncio.CancelledError",
    "exit": "raise SystemExit(3)",
    "generator": "raise GeneratorExit",
}


@pytest.mark.parametrize(
    ("failure", "mode", "errors"),
    [
        ("signal", MODES[0], 1),
        ("signal", MODES[1], 1),
        ("signal", WITHOUT_XDIST, 1),
        ("fail", MODES[0], 1),
        ("skip", MODES[1], 1),
        ("cancelled", WITHOUT_XDIST, 0),
        ("exit", MODES[0], 0),
        ("generator", MODES[1], 0),
    ],
)
def test_what_breaks_a_slice_off_costs_one_case(
    run: Run, data: Path, project: Path, failure: str, mode: tuple[str, ...], errors: int
) -> None:
    """A time-out is the error of the case that was waiting, and the others are asked one by one.

    What a model itself lets through is tried again with each case alone, as any exception is.
    """
    use_model(project, f"TroubledModel(trouble={TROUBLES[failure]!r})")
    result = run(f"--data={data}", "-m", "detection", "--gates=none", *mode)
    assert result.ret == errors
    records = read_run(project).records
    assert len(records) == len({line["case"]["id"] for line in records}) == 16
    failed = [line for line in records if line["verdict"]["outcome"] == "model_error"]
    assert len(failed) == read_run(project).manifest["errors"] == errors
    if failure == "signal":
        assert failed[0]["verdict"]["reason"] == "Timeout (>0.2s)"
    assert {line["answer"]["batch_size"] for line in records if line["answer"]} == {1}


def test_a_model_that_loads_longer_than_a_test_may_take_ends_the_run(
    run: Run, data: Path, project: Path
) -> None:
    """In one sentence: pytest would fail every case with what the first one's fixture raised."""
    (project / "slow.py").write_text(
        "import pytest\n"
        "import fakebench_suite.plugin.fixtures as execution\n"
        "def load(*_, **__): pytest.fail('Timeout (>2.0s)')\n"
        "execution.load_model = load\n",
        encoding="utf-8",
    )
    result = run(f"--data={data}", "-p", "slow", "--gates=none", "-n0")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*was not loaded, because the first test was stopped*"])
    assert not (project / "reports" / "run").exists()
