"""Node ids of the installed cases, which lie among the packages: by module, and not by place.

``pytest --pyargs fakebench_suite.cases`` would call them by their file's name alone, and of a path
pytest would look for the settings and the conftest.py beside that path. A module's name it finds
from anywhere, and takes with or without ``--pyargs`` here.
"""

import os
from pathlib import Path

import pytest

from fakebench_suite.files.bundled import PACKAGE, find_bundled

PREFIX = "fakebench_suite.cases."
"""The beginning of the names of the modules that hold the installed cases."""


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Name a module of the installed cases; None leaves other modules to pytest.

    Where the package is the root, as for ``fakebench run``, their paths below it are short.
    """
    cases = find_bundled("cases")
    if module_path.parent != cases or cases.parent != PACKAGE:
        return None
    if parent.config.rootpath == PACKAGE:
        return None
    module: pytest.Module = pytest.Module.from_parent(
        parent, path=module_path, nodeid=PREFIX + module_path.stem
    )
    return module


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take pasted ids for the names of modules, in the controller and in workers."""
    names = [find_module(argument) for argument in config.args]
    if any(names):
        config.option.pyargs = True
        config.args[:] = [
            name or argument for name, argument in zip(names, config.args, strict=True)
        ]


def find_module(argument: str) -> str | None:
    """The node id by module that was pasted; None for any other argument.

    Where pytest is called below its root, it prints ids with a path to the root before them.
    """
    place, separator, rest = argument.partition("::")
    name = Path(place).name
    if not name.startswith(PREFIX) or os.path.lexists(place):
        return None
    return f"{name}{separator}{rest}"
