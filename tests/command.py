"""The command line, called as its users call it: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path


def call(
    *arguments: str, at: Path | None = None, told: str = "", output: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    """One call of ``python -m fakebench_suite`` in the directory ``at``, with standard input.

    ``output`` is the encoding of the terminal it writes to.
    """
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
