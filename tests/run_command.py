"""The command line, called as its users call it; in this process where nothing speaks against."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from fakebench_suite.cli.main import app
from fakebench_suite.files.paths import expand_home

Called = subprocess.CompletedProcess[str]


def call(*arguments: str, at: Path | None = None, told: str = "") -> Called:
    """One call of ``fakebench`` in the directory ``at``, with standard input.

    It is made in this process, so that nothing has to be imported again; ``call_apart`` is the same
    in a process of its own.
    """
    with contextlib.chdir(at or Path()):
        result = CliRunner().invoke(
            app,
            list(map(expand_home, arguments)),
            input=told,
            prog_name="fakebench",
        )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Called(arguments, result.exit_code, result.stdout, result.stderr)


def call_apart(
    *arguments: str, at: Path | None = None, told: str = "", output: str = "utf-8"
) -> Called:
    """``call`` in a process of its own; ``output`` is the encoding of the terminal it writes to."""
    root = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "fakebench_suite", *arguments],
        input=told,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=at,
        env=os.environ | {"PYTHONPATH": str(root), "PYTHONIOENCODING": output},
    )
