"""pytest's entry point: acts before a file of a directory that is handed to the suite is executed.

It is imported in every session of an environment, so what only the suite's own runs need is
imported when one of them begins. What pytest.ini in the DIR of ``--data DIR`` names with ``-p`` is
loaded even before: only ``--data=DIR`` and ``fakebench run`` keep pytest from reading that.
"""

import copy
import os
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest


def in_suite_project(places: Iterable[Path]) -> bool:
    """Whether pytest was called in or upon this suite, and not another project."""
    above = {folder for place in places for folder in (place, *place.parents)}
    return any(b"fakebench_suite" in _read(folder / "conftest.py") for folder in above)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _is_worker() -> bool:
    """Whether this is a worker of pytest-xdist, whose arguments are the controller's already."""
    return "PYTEST_XDIST_WORKER" in os.environ


def _resumes(arguments: Iterable[str]) -> bool:
    return any(word.partition("=")[0] == "--resume" for word in arguments)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Repeat the arguments of a resumed run, and stop at a mistaken or misspelt option."""
    where = early_config.invocation_params.dir
    tests = early_config.known_args_namespace.file_or_dir
    # The root is the suite's own where ``fakebench run`` is called anywhere else.
    places = (Path(where, text.partition("::")[0]) for text in tests)
    loaded = early_config.pluginmanager.has_plugin("fakebench_suite.plugin")
    ours = loaded or in_suite_project([where, early_config.rootpath, *places])
    if ours and _resumes(args) and not _is_worker():
        from fakebench_suite.plugin.resumed_arguments import repeat_arguments

        repeat_arguments(early_config, parser, args)
    checked = ours or any(text.startswith("fakebench_suite.cases") for text in tests)
    if checked:
        from fakebench_suite.plugin.arguments import check_values

        check_values(args, where=where)
    try:
        made = yield
    except KeyboardInterrupt:  # pytest heeds none before it has imported the plugins.
        raise SystemExit(pytest.ExitCode.INTERRUPTED) from None
    if checked:
        from fakebench_suite.plugin.arguments import check_options

        given = copy.copy(early_config.option)
        check_options(parser.parse_known_and_unknown_args(args, namespace=given)[1])
    return made
