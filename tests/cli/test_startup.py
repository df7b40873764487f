"""Start-up stays fast: help and collection import neither torch nor transformers."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fakebench_suite import plugin

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
HEAVY = (
    "torch",
    "transformers",
    "vllm",
    "ray",
    "openai",
    "pandas",
    "scipy",
    "statsmodels",
    "sklearn",
    "skimage",
    "plotly",
    "jinja2",
    "itables",
)
GRAMMARS = "fakebench_suite.grading.labels.parser", "fakebench_suite.grading.claims.reader"
"""What compiles hundreds of regular expressions, for replies that are not there yet."""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--collect-only", "-q", "--model=coin"]], ids=["help", "collect"]
)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    """The modules loaded by ``pytest --help`` and ``--collect-only`` hold nothing heavy."""
    script = (
        "import sys, pytest; status = pytest.main(sys.argv[1:]); "
        f"loaded = [name for name in {(*HEAVY, *GRAMMARS)!r} if name in sys.modules]; "
        "print('loaded:', loaded); sys.exit(status)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert result.stdout.rstrip().endswith("loaded: []")


def test_the_commands_import_nothing_heavy() -> None:
    """``fakebench run`` begins with them, in the process that then asks the model."""
    script = (
        "import sys; import fakebench_suite.cli.main; "
        f"print([name for name in {(*HEAVY, *GRAMMARS)!r} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("module", "lack", "message"),
    [
        ("pytest", "sys.modules['msgspec'] = None", "has no package msgspec"),
        ("fakebench_suite", "sys.modules['msgspec'] = None", "has no package msgspec"),
        ("fakebench_suite", "sys.version_info = (3, 10, 13)", "is Python 3.10.13"),
    ],
)
def test_a_python_that_cannot_run_the_suite_is_one_sentence(
    module: str, lack: str, message: str
) -> None:
    """It says what is lacking and what to do."""
    script = f"import runpy, sys; {lack}; runpy.run_module({module!r}, run_name='__main__')"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == {"pytest": pytest.ExitCode.USAGE_ERROR}.get(module, 1)
    assert message in result.stderr
    assert len(result.stderr.rstrip().splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no current directory can be removed there")
def test_a_removed_directory_is_one_sentence(tmp_path: Path) -> None:
    """Nothing can be found or written from there."""
    script = (
        "import os, runpy; os.rmdir(os.getcwd())\n"
        "runpy.run_module('fakebench_suite', run_name='__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("The current directory is not there any more")
    assert result.stderr.count("\n") == 1


def test_an_old_python_is_one_sentence_of_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own library lacks what the features import."""
    manager = pytest.PytestPluginManager()
    monkeypatch.setattr(manager, "import_plugin", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        plugin.pytest_addoption(manager)
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(pytest.UsageError, match=r"is Python 3\.10\.13"):
        plugin.pytest_addoption(manager)


@pytest.mark.parametrize(
    "module", ["__init__", "__main__", "python_check", "cli/__init__", "cli/startup"]
)
def test_an_old_python_reads_what_says_so(module: str) -> None:
    """The syntax is that of Python 3.7, and no annotation is evaluated."""
    source = (ROOT / "fakebench_suite" / f"{module}.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    returns = (function.returns for function in functions if function.returns is not None)
    if not all(isinstance(value, ast.Constant | ast.Name) for value in returns):
        assert "from __future__ import annotations" in source
