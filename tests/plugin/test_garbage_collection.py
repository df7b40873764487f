"""What lives as long as the session is not searched for garbage; what a model leaves is."""

from pathlib import Path

import pytest

from tests.helpers import use_model
from tests.plugin.sandbox import MODES, Run


@pytest.mark.parametrize("mode", MODES[:2], ids=" ".join)
def test_only_what_a_model_leaves_is_garbage(
    run: Run, data: Path, project: Path, mode: tuple[str, ...]
) -> None:
    """Collected cases are out of the collector's sight, and cycles made later are collected."""
    use_model(project, "LitteringModel()")
    result = run(f"--data={data}", "-m", "detection", "--gates=none", *mode)
    assert result.ret == 0, result.stdout.str()


WATCHER = """
import gc
import pytest

gc.disable() if {off} else gc.enable()
seen = []

def pytest_collection_modifyitems():
    seen.append(gc.isenabled())

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish():
    seen.append(gc.isenabled())

def pytest_unconfigure():
    seen.append(gc.isenabled())
    assert seen == [False, False, {after}], seen
    gc.enable()
"""


@pytest.mark.parametrize("disabled", [False, True])
def test_garbage_is_left_alone_while_cases_are_made_and_scored(
    run: Run, data: Path, project: Path, disabled: bool
) -> None:
    """And afterwards looked for as before, unless somebody had switched that off."""
    source = WATCHER.format(off=disabled, after=not disabled)
    (project / "cases" / "conftest.py").write_text(source, encoding="utf-8")
    result = run(f"--data={data}", "-m", "detection", "--gates=none", "-n0")
    assert result.ret == 0, result.stdout.str()


LAST_LOOK = """
import gc
import sys
import pytest

sys.modules.pop("torch", None)

def count_reports():
    return sum(isinstance(one, pytest.TestReport) for one in gc.get_objects())

@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session):
    result = yield
    if {has_torch}:  # Once all is scored: other libraries would use it.
        sys.modules["torch"] = sys
    kept = list(gc.get_objects())  # So that no report is freed meanwhile.
    close = session.config._ensure_unconfigure

    def look_last():
        close()
        found = count_reports()
        assert (found > 0) is {has_torch}, found
        kept.clear()

    session.config._ensure_unconfigure = look_last
    return result

def pytest_unconfigure():
    assert count_reports() == 0
"""


@pytest.mark.parametrize("has_torch", [False, True])
def test_what_a_session_leaves_is_searched_only_after_a_model_in_its_process(
    run: Run, data: Path, project: Path, has_torch: bool
) -> None:
    """And last of all, when pytest has looked for garbage as often as it does.

    Else records, reports and items are out of the collector's sight until the process ends.
    """
    source = LAST_LOOK.format(has_torch=has_torch)
    (project / "cases" / "conftest.py").write_text(source, encoding="utf-8")
    result = run(f"--data={data}", "-m", "detection", "--gates=none", "-n0")
    assert result.ret == 0, result.stdout.str()
