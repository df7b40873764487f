"""What this Python lacks to run the suite, as a sentence; older Pythons import this module, too."""

from __future__ import annotations

import sys


def describe_old_python() -> str | None:
    """Why this Python is too old; None where it is not."""
    if sys.version_info >= (3, 11):  # noqa: UP036  # This is what says so.
        return None
    version = ".".join(map(str, sys.version_info[:3]))
    return (
        f"{sys.executable} is Python {version}, and the suite needs 3.11 or newer. Install it into "
        "such a one, or in a checkout run 'make .venv/ready PYTHON=python3.11' and then "
        "'.venv/bin/fakebench'."
    )


def describe_missing_package(error: BaseException | None) -> str | None:
    """Which package of another project an import did not find; None for any other error."""
    name = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if name is None or name.partition(".")[0] == "fakebench_suite":
        return None
    return (
        f"{sys.executable} has no package {name}. Install the suite into it, "
        "'python -m pip install fakebench-suite', or in a checkout run 'make .venv/ready' and then "
        "'.venv/bin/fakebench'."
    )
