"""What ``from fakebench_suite import ...`` gives."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fakebench_suite
from fakebench_suite.types import Outcome
from tests.docs.markdown import ROOT, list_blocks
from tests.factories import make_records, write_run

PAGE = ROOT / "docs" / "python.md"


def test_every_name_is_the_one_of_its_module() -> None:
    """And ``dir`` lists it before its first use."""
    assert set(fakebench_suite.__all__) <= set(dir(fakebench_suite))
    for name in fakebench_suite.__all__:
        value = getattr(fakebench_suite, name)
        assert getattr(value, "__name__", name) == name or name in {"OPTIONS"}


def test_type_checkers_and_the_interpreter_import_the_same_names() -> None:
    """From the same modules; ``__all__`` has each of them once."""
    tree = ast.parse(Path(fakebench_suite.__file__).read_bytes())
    (branch,) = (node for node in tree.body if isinstance(node, ast.If))
    modules = {
        alias.name: node.module.removeprefix("fakebench_suite.")
        for node in branch.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert modules == fakebench_suite._PLACES
    assert sorted(fakebench_suite.__all__) == sorted(modules)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As Python words it."""
    with pytest.raises(AttributeError, match="has no attribute 'run_fakebench'"):
        _ = fakebench_suite.run_fakebench


def test_the_page_lists_every_name() -> None:
    """In the table of ``docs/python.md``."""
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in fakebench_suite.__all__ if f"`{name}`" not in text] == []


@pytest.mark.process
def test_importing_the_package_imports_nothing_else() -> None:
    """Pytest's entry point imports it in sessions that have nothing to do with the suite."""
    script = (
        "import sys; before = set(sys.modules); import fakebench_suite;"
        "print(*sorted(set(sys.modules) - before))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert result.stdout.split() == ["fakebench_suite"]


def test_the_notebook_example_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It prints the accuracy that a coin has on eight images."""
    monkeypatch.chdir(ROOT)
    block, _ = list_blocks(PAGE, "python")
    exec(compile(block.text, block.place, "exec"), {})  # noqa: S102  # the documents' own code
    assert capsys.readouterr().out.rstrip().endswith(" of 24 cases")


def test_the_example_of_reading_a_run_counts_outcomes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Over the records of a finished run."""
    write_run(tmp_path / "reports" / "last", make_records(Outcome.CORRECT, Outcome.INCORRECT))
    monkeypatch.chdir(tmp_path)
    _, block = list_blocks(PAGE, "python")
    exec(compile(block.text, block.place, "exec"), {})  # noqa: S102  # the documents' own code
    assert "detection" in capsys.readouterr().out
