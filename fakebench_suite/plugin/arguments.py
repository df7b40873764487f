"""The arguments of a run before pytest knows an option of ours: which take values, which are wrong.

pytest looks for its configuration and for ``conftest.py`` first, so it takes the DIR of
``--data DIR`` for a directory of tests.
"""

import ast
import difflib
import itertools
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest


@cache
def list_options(*, flags: bool = False) -> frozenset[str]:
    """Every option of the suite that takes a value: pytest could take any value for a path.

    With ``flags`` those that take none, too.
    They are read from the plugin's source: what is imported before pytest's own turn comes is not
    prepared by it, and says so in a warning.
    """
    options: set[str] = set()
    sources = map(Path.read_bytes, Path(__file__).parent.rglob("*.py"))
    for source in (source for source in sources if b"addoption(" in source):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "addoption":
                action = {word.arg: word.value for word in node.keywords}.get("action")
                flag = isinstance(action, ast.Constant) and action.value not in {"store", "append"}
                if flags or not flag:
                    names = [
                        str(name.value) for name in node.args if isinstance(name, ast.Constant)
                    ]
                    options |= {name for name in names if name.startswith("--")}
    return frozenset(options)


def join_option_values(arguments: Sequence[str]) -> list[str]:
    """The arguments with ``--data DIR`` written as ``--data=DIR``."""
    options = list_options()
    joined: list[str] = []
    open_option = False
    for argument in expand_files(arguments):
        if open_option and not argument.startswith("-"):
            joined[-1] += f"={argument}"
            open_option = False
        else:
            joined.append(argument)
            open_option = argument in options
    return joined


def expand_files(arguments: Iterable[str], *, depth: int = 5) -> list[str]:
    """The arguments with those in place that a file holds, one a line: pytest reads ``@FILE``."""
    expanded: list[str] = []
    for argument in arguments:
        lines = None
        if argument.startswith("@") and depth:
            # What cannot be read pytest says itself.
            with suppress(OSError, ValueError):
                lines = Path(argument[1:]).read_text(encoding="utf-8").splitlines()
        expanded += [argument] if lines is None else expand_files(lines, depth=depth - 1)
    return expanded


def find_mistaken(arguments: Iterable[str], *, where: Path) -> tuple[str, str] | None:
    """The first option and its separate value that pytest takes for a place with tests."""
    pairs = [
        (option, value)
        for option, value in itertools.pairwise(expand_files(arguments))
        if option.startswith("--") and "=" not in option and not value.startswith("-")
        # os.path answers where Path raises: a value may be longer than the file system allows.
        if os.path.lexists(where / value.partition("::")[0])
    ]
    options = list_options() if pairs else frozenset()
    return next((pair for pair in pairs if pair[0] in options), None)


def check_values(arguments: Iterable[str], *, where: Path) -> None:
    """Raise UsageError where pytest takes the value of an option for a place with tests."""
    mistaken = find_mistaken(arguments, where=where)
    if mistaken is None:
        return
    option, value = mistaken
    if option == "--robustness":  # It may have no value, and this is none of its modes.
        raise pytest.UsageError(
            f"{option} takes {value!r} for its mode. If it is a path, put it before "
            f"{option}, or write {option}=ladder."
        )
    raise pytest.UsageError(
        f"Write {option}={value}: pytest takes a separate value for a directory of tests, "
        "and would run what lies there."
    )


def check_options(unknown: Iterable[str]) -> None:
    """Raise UsageError where an unknown option is nearly one of the suite's."""
    for argument in unknown:
        name = argument.partition("=")[0]
        if name.startswith("--"):
            options = list_options(flags=True)
            if name in options:
                raise pytest.UsageError(
                    f"{name} is an option of FakeBench's suite, whose plugin is not loaded for "
                    "these tests. Add -p fakebench_suite.plugin."
                )
            near = difflib.get_close_matches(name, sorted(options), n=1)
            if near:
                raise pytest.UsageError(
                    f"There is no option {name}; nearest: {near[0]}. --help lists all."
                )
