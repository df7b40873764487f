"""Misses and errors as pytest's own tools see them: ``-x``, ``--lf``, the summary and JUnit."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fakebench_suite.datasets.fakebench import load_fakebench
from fakebench_suite.datasets.sampling import order_cases
from fakebench_suite.types import Task
from tests.helpers import read_run
from tests.plugin.sandbox import FLOOR, MODES, Run

DETECTION = ("--tasks=detection", "--junit-xml=junit.xml")


def read_junit(project: Path) -> ElementTree.Element:
    """The test suite of a JUnit file; its counts are those of its test cases."""
    suite = ElementTree.parse(project / "junit.xml").getroot().find("testsuite")  # noqa: S314  # just written
    assert suite is not None
    assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[count]) == len(suite.findall(f"testcase/{tag}"))
    return suite


def read_gates(suite: ElementTree.Element) -> dict[str, str]:
    """What became of each gate: a tag and its message, or nothing where it passed."""
    return {
        case.attrib["name"]: " ".join(f"{child.tag}: {child.attrib['message']}" for child in case)
        for case in suite.iter("testcase")
        if case.attrib["classname"] == "gates"
    }


def break_image(data: Path, index: int) -> None:
    """Make the picture of one detection case unreadable, the ``index``-th in order."""
    cases = order_cases(load_fakebench(data).cases, seed=0, sample=None)
    image = [case.image for case in cases if case.task == Task.DETECTION][index]
    next(data.rglob(image)).write_bytes(b"no picture")


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_misses_are_no_failures_to_pytest(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Half of the cases are missed; ``-x`` stops at none, and JUnit has no failure."""
    result = run(f"--data={data}", *DETECTION, "-x", *mode)
    assert result.ret == 0
    assert len(read_run(project).records) == 16
    suite = read_junit(project)
    counts = {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "17", "failures": "0", "errors": "0", "skipped": "1"}
    assert [gate.partition(":")[0] for gate in read_gates(suite).values()] == ["skipped"]
    outcomes = [
        element.get("value")
        for element in suite.iter("property")
        if element.get("name") == "outcome"
    ]
    assert sorted(map(str, outcomes)) == ["correct"] * 8 + ["incorrect"] * 8


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_strict_misses_are_failures_to_pytest(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Status 1, which is explained, FAILED lines, and failures in JUnit."""
    result = run(f"--data={data}", *DETECTION, "--strict-cases", *mode)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*exit status 1*8 incorrect*", "FAILED cases/*::test_detection*", "*8 failed*8 correct*"]
    )
    assert len(re.findall("^FAILED cases/", result.stdout.str(), re.MULTILINE)) == 8
    assert "traceback" not in result.stdout.str().lower()
    assert read_junit(project).attrib["failures"] == "8"


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_the_first_error_stops_x(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """An error is an error in JUnit, and named in the short summary.

    The status is 1, and under xdist 2, as whenever ``-x`` stops a run there.
    """
    break_image(data, 9)
    result = run(f"--data={data}", *DETECTION, "-x", *mode)
    assert result.ret == (2 if "-n2" in mode else 1)
    outcomes = [record["verdict"]["outcome"] for record in read_run(project).records]
    assert outcomes.count("image_error") == 1
    if "-n2" not in mode:
        assert outcomes.index("image_error") == 9 == len(outcomes) - 1
        assert "incorrect" in outcomes
    suite = read_junit(project)
    assert (suite.attrib["errors"], suite.attrib["failures"]) == ("1", "0")
    result.stdout.fnmatch_lines(["IMAGE ERROR cases/*::test_detection*"])


def test_the_first_miss_stops_x_where_misses_fail(run: Run, data: Path, project: Path) -> None:
    """With --strict-cases, as in plain pytest."""
    result = run(f"--data={data}", *DETECTION, "-x", "--strict-cases")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    outcomes = [record["verdict"]["outcome"] for record in read_run(project).records]
    assert outcomes.index("incorrect") == len(outcomes) - 1


def test_lf_asks_what_was_missed(run: Run, data: Path, project: Path) -> None:
    """Misses and errors are run again, and nothing else."""
    break_image(data, 9)
    first = run(f"--data={data}", *DETECTION)
    assert first.ret == pytest.ExitCode.TESTS_FAILED
    records = read_run(project).records
    missed = {r["case"]["id"] for r in records if r["verdict"]["outcome"] != "correct"}
    run(f"--data={data}", *DETECTION, "--lf", "--run=again")
    assert {record["case"]["id"] for record in read_run(project, "again").records} == missed


def test_gates_are_test_cases_in_junit(run: Run, data: Path, project: Path) -> None:
    """Passed, failed with the reason, or skipped with it."""
    gates = FLOOR.format(bar=0.9) + FLOOR.format(bar=0.1).replace("floor", "bottom")
    gates += FLOOR.format(bar=0.5).replace("detection", "reasoning").replace("floor", "other")
    (project / "gates.toml").write_text(gates, encoding="utf-8")
    result = run(f"--data={data}", *DETECTION, "--gates=gates.toml")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    results = read_gates(read_junit(project))
    assert results["floor"].startswith("failure: ")
    assert results["bottom"] == ""
    assert results["other"].startswith("skipped: inconclusive: ")
