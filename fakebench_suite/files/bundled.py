"""What the suite brings along: its cases, model cards and gates.

In a checkout they lie beside the package; a wheel holds them inside it.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
"""The directory of this package."""


def find_bundled(name: str) -> Path:
    """Where ``cases``, ``models`` or ``gates.toml`` lies."""
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name
