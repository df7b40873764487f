"""Locate the cases, model cards and gates that the suite ships.

A checkout has them next to the package, a wheel inside it.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
"""Directory of the package ``fakebench_suite``."""


def find_bundled(name: str) -> Path:
    """Return the path of ``cases``, ``models`` or ``gates.toml``."""
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name
