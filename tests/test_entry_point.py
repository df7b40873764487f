"""Sessions of other people's in the same environment see nothing of the suite."""

from pathlib import Path

from tests.wheel import call_installed

SESSION = """
import sys
import pytest

pytest.main(["-v", *sys.argv[1:]])
print("modules:", *sorted(name for name in sys.modules if name.startswith("fakebench_suite")))
"""
MODULES = "modules: fakebench_suite fakebench_suite.plugin fakebench_suite.plugin.entry_point"
"""What the entry point imports; benchmarks/entry_point.py measures what that costs."""


def test_an_entry_point_is_all_there_is(site: Path, tmp_path: Path) -> None:
    """One module is imported, and pytest's list of plugins is the only line that has the name."""
    (tmp_path / "test_theirs.py").write_text("def test_theirs(): pass\n", encoding="utf-8")
    result = call_installed(site, tmp_path, "-c", SESSION)
    *lines, modules = result.stdout.splitlines()
    assert modules == MODULES
    assert any("1 passed" in line for line in lines)
    matching = [line for line in lines if "fakebench" in line.lower()]
    assert [line.split(":")[0] for line in matching] == ["plugins"]
    assert result.stderr == ""


def test_the_entry_point_imports_nothing_else(site: Path, tmp_path: Path) -> None:
    """What pytest has imported is enough for it."""
    code = (
        "import sys, pytest; before = set(sys.modules); import fakebench_suite.plugin.entry_point;"
        "print('modules:', *sorted(set(sys.modules) - before))"
    )
    assert call_installed(site, tmp_path, "-c", code).stdout.strip() == MODULES


def test_no_option_is_added(site: Path, tmp_path: Path) -> None:
    """Without ``-p`` or a conftest.py that asks for the plugin, its options are unknown."""
    result = call_installed(site, tmp_path, "-m", "pytest", "--help")
    assert "--strict-cases" not in result.stdout
    assert call_installed(site, tmp_path, "-m", "pytest", "--model=coin").returncode == 4


def test_an_option_of_theirs_keeps_its_meaning(site: Path, tmp_path: Path) -> None:
    """``--resume`` and ``--reuse`` are the suite's only where its plugin is loaded."""
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--resume')\n", encoding="utf-8"
    )
    (tmp_path / "test_theirs.py").write_text(
        "def test_theirs(pytestconfig):\n    assert pytestconfig.option.resume == 'somewhere'\n",
        encoding="utf-8",
    )
    words = ("--resume=somewhere", "test_theirs.py")
    result = call_installed(site, tmp_path, "-m", "pytest", *words)
    assert "1 passed" in result.stdout
