"""Paths as people write them."""

import os
from pathlib import Path


def expand_home(argument: str) -> str:
    """A path, or ``--option=path``, with the home directory in the place of a leading ``~``.

    A shell leaves the ``~`` of ``--data=~/x`` to the program. Where there is no such user, nothing
    changes: the path is missing, and said to be.
    """
    named = argument.startswith("--")
    option, equals, path = argument.partition("=") if named else ("", "", argument)
    return option + equals + os.path.expanduser(path)  # noqa: PTH111  # Path.expanduser raises


def resolve(path: Path) -> Path:
    """The place behind links, absolute; nothing is raised for a loop of links or an odd name."""
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # a NUL, or half a surrogate pair
        return path.absolute()
