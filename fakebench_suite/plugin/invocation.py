"""``--data DIR`` works like ``--data=DIR``.

pytest looks for its configuration before it loads any plugin, so it takes the DIR of an option it
does not know yet for a directory of tests, and looks for the configuration there. This module,
an installed entry point because it has to be there first, starts the same command line over with
the value joined to its option.
"""

import os
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

_OPTIONS = frozenset({"--model", "--data", "--reports", "--run"})
"""Options whose value may be the name of something that exists."""


def join_values(arguments: Sequence[str]) -> list[str]:
    """The arguments with ``--data DIR`` written as ``--data=DIR`` where DIR exists."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in _OPTIONS and os.path.exists(argument):  # noqa: PTH110
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def is_suite(folder: Path) -> bool:
    """Whether pytest was called in this suite, and not in another project of the environment."""
    conftests = [place / "conftest.py" for place in (folder, *folder.parents)]
    return any(path.is_file() and "fakebench_suite" in path.read_text() for path in conftests)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Start over when a value was taken for a directory of tests; otherwise do nothing."""
    arguments = list(early_config.invocation_params.args)
    joined = join_values(arguments)
    if joined != arguments and is_suite(early_config.invocation_params.dir):
        if sys.orig_argv[-len(arguments) :] != arguments:
            raise pytest.UsageError(
                "Write the value of an option into the same argument, as in --data=DIR: pytest "
                "takes a separate one for a directory of tests."
            )
        command = [sys.executable, *sys.orig_argv[1 : -len(arguments)], *joined]
        os.execv(sys.executable, command)  # noqa: S606  # the very command we were started with
    return (yield)
