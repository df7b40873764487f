"""``docs/cli.md`` says what the commands' help says."""

import subprocess
import sys

import pytest

from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "cli.md"


@pytest.mark.process
def test_the_page_is_what_the_generator_writes() -> None:
    """Whoever changes an option or a help text runs ``python docs/generate_cli.py``."""
    script = "import runpy; print(runpy.run_path('docs/generate_cli.py')['format_page'](), end='')"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    page = result.stdout
    assert PAGE.read_text(encoding="utf-8") == page, "run: python docs/generate_cli.py"
    assert "`--model=" in page
    assert "## fakebench merge" in page
