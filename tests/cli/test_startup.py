"""Start-up stays fast: help and collection import neither torch nor transformers."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "ray", "openai", "pandas", "plotly", "jinja2", "itables")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--collect-only", "-q", "--model=coin"]], ids=["help", "collect"]
)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    """The modules loaded by ``pytest --help`` and ``--collect-only`` hold no heavy package."""
    script = (
        "import sys, pytest; status = pytest.main(sys.argv[1:]); "
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules]); sys.exit(status)"
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
