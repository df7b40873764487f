"""Node ids that can be pasted back where the suite's cases lie outside the root of pytest.

``pytest --pyargs fakebench_suite.cases`` would call them by their file's name alone.
"""

from pathlib import Path

import pytest

from fakebench_suite.files.bundled import find_bundled


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Name a module of the suite's own cases by its path; None leaves a module to pytest."""
    if module_path.is_relative_to(parent.config.rootpath):
        return None
    if module_path.parent != find_bundled("cases"):
        return None
    module: pytest.Module = pytest.Module.from_parent(
        parent, path=module_path, nodeid=module_path.as_posix()
    )
    return module
