"""Paths as people write them."""

import os
from pathlib import Path


def expand_home(argument: str) -> str:
    """Expand a leading ``~`` in a path or in the path of ``--option=path``.

    Shells leave the ``~`` of ``--data=~/x`` to the program. An unknown user leaves it unchanged.
    """
    named = argument.startswith("--")
    option, equals, path = argument.partition("=") if named else ("", "", argument)
    return option + equals + os.path.expanduser(path)  # noqa: PTH111  # Path.expanduser raises


def is_utf8(name: str) -> bool:
    """Whether a name or path can be written as UTF-8, as in manifests and reports.

    File systems take any bytes, and Python makes half surrogate pairs of those that are none.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def resolve(path: Path) -> Path:
    """Return the absolute path with links resolved; never raises.

    A loop of links or a name with a NUL yields the absolute path as it is.
    """
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # a NUL, or half a surrogate pair
        return path.absolute()
