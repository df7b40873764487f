"""``--junit-xml``: what pytest wrote, completed by what it cannot know.

A miss is a test case that passed, with its outcome among the properties: the run is green unless a
gate fails, and Jenkins, GitLab and Azure Pipelines colour a run by its failures. Skipped would say
that the case was not run: Azure takes such cases out of its pass rate, and GitLab and Jenkins hide
them among those that nobody asked. With ``--strict-cases`` a miss is a failure here as well.

An error is an ``<error>``; pytest writes a ``<failure>`` where it arose in the test. Every gate is
a test case of the class ``gates``: failed with its reason, or skipped with it where it was not
evaluated. The test suite has a property ``result``, of a partial run a property ``partial``, which
says why, and for each sentence that limits what the scores mean a property ``reservation``.
"""

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from fakebench_suite.plugin.options import is_worker
from fakebench_suite.plugin.session import find_closed
from fakebench_suite.text.display import to_single_line
from fakebench_suite.types import GateOutcome, GateResult, Outcome

if TYPE_CHECKING:
    from fakebench_suite.workflows.finalize import FinalizedRun

CLASS_NAME = "gates"
_ERRORS = frozenset(outcome for outcome in Outcome if outcome.is_error)


class JUnitFile:
    """Completes the file when the run has been closed."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self._config, self._path = config, path

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        """After everything else: pytest has written the file, and the gates are evaluated."""
        yield
        closed = find_closed(self._config)
        if closed is None or not self._path.is_file():
            return
        decisions = closed.decisions or [
            GateResult(
                gate="no gate", outcome=GateOutcome.NOT_EVALUATED, reason=closed.result.reason
            )
        ]
        complete_file(self._path, decisions, properties=_list_properties(closed))


def _list_properties(closed: "FinalizedRun") -> Iterator[tuple[str, str]]:
    """What the terminal says of the whole run besides its scores."""
    from fakebench_suite.report.headline import describe_result
    from fakebench_suite.report.markdown import describe_run

    yield "result", describe_result(closed.result)
    if closed.result.partial:
        yield "partial", closed.result.partial
    yield from (("reservation", text) for text in describe_run(closed.manifest)[1:])


def complete_file(
    path: Path, decisions: Sequence[GateResult], *, properties: Iterable[tuple[str, str]]
) -> None:
    """Keep the last try of every test, make errors of cases errors, and add the gates.

    ``properties`` are names and values for the test suite.
    """
    tree = ElementTree.parse(path)  # noqa: S314  # pytest has just written it
    suite = tree.getroot().find("testsuite")
    if suite is None:
        return
    _drop_earlier_tries(suite)
    for failure in _list_failed_errors(suite):
        failure.tag = "error"
    suite.extend(_make_case(decision) for decision in decisions)
    suite.set("tests", str(len(suite.findall("testcase"))))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    for name, value in properties:
        _add_property(suite, name, value)
    tree.write(path, encoding="utf-8", xml_declaration=True)


def _add_property(suite: ElementTree.Element, name: str, value: str) -> None:
    """Add a property of the test suite, before its test cases."""
    properties = suite.find("properties")
    if properties is None:
        properties = ElementTree.Element("properties")
        suite.insert(0, properties)
    ElementTree.SubElement(properties, "property", name=name, value=to_single_line(value))


def _drop_earlier_tries(suite: ElementTree.Element) -> None:
    """Of test cases of one name, leave the last: what plugins try again counts as it ended."""
    last = {(case.get("classname"), case.get("name")): case for case in suite.iter("testcase")}
    for case in suite.findall("testcase"):
        if last[case.get("classname"), case.get("name")] is not case:
            suite.remove(case)


def _list_failed_errors(suite: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The ``<failure>`` of every case whose outcome is an error."""
    for case in suite.iter("testcase"):
        outcomes = {p.get("value") for p in case.iter("property") if p.get("name") == "outcome"}
        failure = case.find("failure")
        if failure is not None and outcomes & _ERRORS:
            yield failure


def _make_case(decision: GateResult) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase", classname=CLASS_NAME, name=to_single_line(decision.gate), time="0.000"
    )
    reason = to_single_line(decision.reason)
    match decision.outcome:
        case GateOutcome.FAIL:
            ElementTree.SubElement(case, "failure", message=reason).text = reason
        case GateOutcome.INCONCLUSIVE | GateOutcome.NOT_EVALUATED:
            message = f"{decision.outcome}: {reason}"
            ElementTree.SubElement(case, "skipped", message=message).text = message
    return case


def pytest_configure(config: pytest.Config) -> None:
    """Complete the file of ``--junit-xml``, in the process that writes it."""
    name = config.option.xmlpath
    if name and not is_worker(config):
        path = Path(os.path.expandvars(name)).expanduser().absolute()
        config.pluginmanager.register(JUnitFile(config, path), "fakebench-junit")
