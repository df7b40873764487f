"""Pytest's capture of log records costs time in every case: it is there where somebody looks."""

from pathlib import Path

import pytest

from tests.plugin.sandbox import MODES, Run

LOGGING = """
import logging
import pytest
from fakebench_suite.backends.scripted import ScriptedBackend

plain = ScriptedBackend.run

def run(self, requests):
    logging.getLogger("model").warning("the model is %s", "hot")
    logging.getLogger("model").info("the model is asked")
    raise RuntimeError("no answer")

ScriptedBackend.run = run

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    captures = item.config.pluginmanager.has_plugin("logging-plugin")
    item.add_report_section("setup", "capture", f"captures: {captures}")
"""
OPTIONS = ("-m", "detection", "--sample=1", "--gates=none")


@pytest.fixture
def logs(project: Path, data: Path) -> str:
    """A model that logs a warning and fails; the option with the data."""
    (project / "cases" / "conftest.py").write_text(LOGGING, encoding="utf-8")
    return f"--data={data}"


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_warnings_are_shown_without_the_capture(run: Run, logs: str, mode: tuple[str, ...]) -> None:
    """As standard error; what is below a warning is not, as it is not by default."""
    result = run(logs, *OPTIONS, *mode)
    output = result.stdout.str()
    assert "captures: False" in output
    assert "captures: True" not in output
    assert "the model is hot" in output
    assert "the model is asked" not in output


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_who_asks_for_log_records_has_them(run: Run, logs: str, mode: tuple[str, ...]) -> None:
    """By an option or by the configuration."""
    output = run(logs, *OPTIONS, "--log-level=INFO", *mode).stdout.str()
    assert "captures: False" not in output
    assert "the model is asked" in output
    output = run(logs, *OPTIONS, "-o", "log_level=INFO", "--run=second", *mode).stdout.str()
    assert "the model is asked" in output


def test_other_tests_of_the_session_have_it(run: Run, project: Path, logs: str) -> None:
    """A team's tests beside the cases may look at log records by ``caplog``."""
    source = (
        "import logging\ndef test_own(caplog):\n    logging.warning('x')\n    assert caplog.text\n"
    )
    (project / "test_own.py").write_text(source, encoding="utf-8")
    output = run(logs, *OPTIONS[2:], "-n0", "cases", "test_own.py").stdout.str()
    assert "1 passed" in output
    assert "captures: False" not in output


def test_a_session_without_the_plugin_runs(run: Run, logs: str) -> None:
    """``-p no:logging`` takes its options away, too."""
    result = run(logs, *OPTIONS, "-p", "no:logging", "-n0")
    assert "captures: False" in result.stdout.str()
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_fixture_of_a_team_may_ask_for_it(run: Run, project: Path, logs: str) -> None:
    """By ``getfixturevalue``, which nobody sees before the case runs."""
    source = (project / "cases" / "conftest.py").read_text(encoding="utf-8") + (
        "@pytest.fixture(autouse=True)\n"
        "def logs(request):\n"
        "    return request.getfixturevalue('caplog')\n"
    )
    (project / "cases" / "conftest.py").write_text(source, encoding="utf-8")
    output = run(logs, *OPTIONS, "-n0").stdout.str()
    assert "captures: False" not in output
    assert "KeyError" not in output
