"""What a JUnit file says of the whole run."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from fakebench_suite.plugin.junit import complete_file

SUITE = '<testsuites><testsuite name="pytest">{}<testcase classname="a" name="b" /></testsuite>'
OWN = '<properties><property name="own" value="kept" /></properties>'


@pytest.mark.parametrize("properties", ["", OWN], ids=["none", "own"])
@pytest.mark.parametrize("added", [[], [("partial", "sampled: 8 images"), ("reservation", "a\nb")]])
def test_what_limits_a_run_is_said(
    tmp_path: Path, properties: str, added: list[tuple[str, str]]
) -> None:
    """Before the test cases, beside properties that others record."""
    path = tmp_path / "junit.xml"
    path.write_text(f"{SUITE.format(properties)}</testsuites>", encoding="utf-8")
    complete_file(path, [], properties=added)
    suite = ElementTree.parse(path).getroot().find("testsuite")  # noqa: S314  # just written
    assert suite is not None
    found = {element.attrib["name"]: element.attrib["value"] for element in suite.iter("property")}
    expected = {"own": "kept"} if properties else {}
    assert found == expected | {name: value.replace("\n", " ") for name, value in added}
    tags = [element.tag for element in suite]
    assert tags == [*(["properties"] if found else []), "testcase"]
