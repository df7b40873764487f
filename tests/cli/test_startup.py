"""Start-up stays fast: help and collection import neither torch nor transformers."""

import subprocess
import sys
from pathlib import Path

import pytest

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


def test_a_python_without_the_packages_is_one_sentence() -> None:
    """It says which is lacking and what to do."""
    script = (
        "import sys; sys.modules['msgspec'] = None\n"
        "from fakebench_suite.cli.startup import start\n"
        "start()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "has no package msgspec" in result.stderr
    assert result.stderr.count("\n") == 1
