"""The terminal keeps of setups and teardowns what tells something."""

from pathlib import Path

import pytest

from tests.plugin.sandbox import MODES, Run

NOISY = """
import pytest

@pytest.fixture(autouse=True)
def noisy(request):
    yield
    if request.node.callspec.params["case"].image == "glide-00.png":
        print("taken down")

@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    phases = [report.when for report in terminalreporter.stats[""]]
    terminalreporter.line(f"kept: {sorted(phases)}")
"""


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_only_what_was_printed_is_kept(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Of the setups none, and of the teardowns the one that printed."""
    (project / "cases" / "conftest.py").write_text(NOISY, encoding="utf-8")
    result = run(f"--data={data}", "-m", "detection", "--gates=none", *mode)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["kept: ['teardown']"])


def test_all_are_kept_where_durations_are_told(run: Run, data: Path) -> None:
    """Every phase has its line."""
    result = run(f"--data={data}", "-m", "detection", "--gates=none", "-n0", "-vv", "--durations=0")
    assert result.ret == 0, result.stdout.str()
    told = [line for line in result.outlines if "s setup" in line or "s teardown" in line]
    assert len(told) > 2
