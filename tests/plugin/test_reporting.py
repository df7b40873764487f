"""What a run tells other tools: cards on demand, JUnit properties, a job page, a badge."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.plugin.sandbox import MODES, Run


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_junit_carries_each_case(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Id, task, generator, outcome and score are properties of the test case, missed or not."""
    result = run(f"--data={data}", "-m", "detection", "--junitxml=junit.xml", *mode)
    root = ElementTree.parse(project / "junit.xml").getroot()  # noqa: S314  # written just above
    cases = [
        {element.attrib["name"]: element.attrib["value"] for element in case.iter("property")}
        for case in root.iter("testcase")
        if case.attrib["classname"] != "gates"
    ]
    assert len(cases) == 16
    assert {properties["outcome"] for properties in cases} == {"correct", "incorrect"}
    assert all(properties["task"] == "detection" and properties["id"] for properties in cases)
    assert sum("generator" in properties for properties in cases) == 8
    own = [
        (element.attrib["name"], element.attrib["value"])
        for element in root.iterfind("testsuite/properties/property")
    ]
    output = result.stdout.str()
    assert [name for name, _ in own] == ["result", "reservation"]
    assert "not FakeBench scores" in own[1][1]
    assert all(value in output for _, value in own)


def test_cards_of_misses_come_on_demand(run: Run, data: Path) -> None:
    """``-rm`` prints asked, expected, said and why; a plain run does not; neither a traceback."""
    output = run(f"--data={data}", "-m", "detection", "--run=plain").stdout.str()
    assert "expected  real" not in output
    detailed_output = run(f"--data={data}", "-m", "detection", "--run=told", "-rm").stdout.str()
    assert detailed_output.count("expected  real") == 8
    assert "Traceback" not in detailed_output


def test_a_page_that_cannot_be_written_costs_nothing(
    run: Run, data: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said in a line, and the run is whole."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project))
    result = run(f"--data={data}")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["The summary was not added to GITHUB_STEP_SUMMARY, *"])
    assert (project / "reports/run/index.html").exists()


def test_a_job_page_gets_the_summary(
    run: Run, data: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The summary is added behind what the page holds, and a badge lies in the run directory."""
    page = project / "page.md"
    page.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    run(f"--data={data}", "-m", "detection")
    summary = (project / "reports/run/summary.md").read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8") == f"before\n{summary}"
    badge = json.loads((project / "reports/run/badge.json").read_text(encoding="utf-8"))
    assert badge["message"].startswith("NOT EVALUATED, 50.0% [")
    assert badge["message"].endswith("] balanced accuracy")
