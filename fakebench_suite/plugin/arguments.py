"""Nothing that is handed to the suite runs: ``--data DIR`` is refused, ``--data=DIR`` is not.

pytest looks for its configuration and for ``conftest.py`` before it knows an option of ours, so it
takes the DIR of ``--data DIR`` for a directory of tests. This module, an installed entry point
because it has to be there first, stops the run before a file of DIR is executed. What pytest.ini in
DIR names with ``-p`` is loaded even before: only ``--data=DIR`` and ``fakebench
run`` keep pytest from reading that.
"""

import ast
import copy
import itertools
import os
from collections.abc import Collection, Generator, Iterable, Sequence
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
    for path in Path(__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
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


_RESUME = "--resume"
_OF_ITS_DIRECTORY = ("--run", "--reports", _RESUME, "--rootdir", "-c", "--config-file", "-o", "-W")
"""Options that a resumed run is not given again: where it is, and what ``fakebench run`` adds."""
_SELECTING = frozenset({"--deselect", "--ignore", "--lf", "--last-failed", "--reuse", "--answers"})
"""Options that have no place beside ``--resume``, as ``-k`` and ``-m``."""
_OF_ITS_CACHE = frozenset({"--lf", "--last-failed", "--sw", "--stepwise", "--nf", "--ff"})
"""Options whose selection cannot be repeated."""


def list_resumed(arguments: Sequence[str], *, where: Path) -> list[str]:
    """The arguments of the run that ``--resume RUN`` names; raises UserError if it has none."""
    joined = join_option_values(arguments)
    named = [word.partition("=")[2] for word in joined if word.startswith(f"{_RESUME}=")]
    if not named:
        return []
    from fakebench_suite.errors import UserError
    from fakebench_suite.files.paths import expand_home
    from fakebench_suite.runs.last import find_run
    from fakebench_suite.runs.store import MANIFEST, RECORDS, read_manifest
    from fakebench_suite.text.redaction import MASK

    folder = find_run(where / expand_home(named[-1]))
    if (folder / RECORDS).exists() and not (folder / MANIFEST).exists():
        raise UserError(
            f"{folder} broke off before its first answer, so there is nothing to resume. "
            "Delete it, and start a new run."
        )
    earlier = read_manifest(folder).arguments
    if earlier is None:
        raise UserError(
            f"{folder} was written by a version of the suite whose runs cannot be resumed. "
            "Start a new run."
        )
    repeated = _drop_options(earlier, _OF_ITS_DIRECTORY)
    selecting = _OF_ITS_CACHE.intersection(repeated)
    if selecting:
        raise UserError(
            f"{folder} was run with {', '.join(sorted(selecting))}, whose selection of tests "
            "cannot be repeated. Start a new run."
        )
    given = {word.partition("=")[0] for word in joined}
    for word in repeated:
        option = word.partition("=")[0]
        if MASK in word and option not in given:
            raise UserError(
                f"{folder} was run with a secret in {option}, which is not kept. Give {option} "
                "again."
            )
    return [word for word in repeated if MASK not in word]


def _drop_options(arguments: Sequence[str], options: Collection[str]) -> list[str]:
    """The arguments without these options, their values, and directories of cases."""
    kept: list[str] = []
    words = iter(arguments)
    for word in words:
        if word in options:
            next(words, None)
        elif word.partition("=")[0] not in options and not (
            Path(word).is_absolute() and Path(word).name == "cases"
        ):
            kept.append(word)
    return kept


def find_mistaken(arguments: Sequence[str], *, where: Path) -> tuple[str, str] | None:
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


def in_suite_project(places: Iterable[Path]) -> bool:
    """Whether pytest was called in or upon this suite, and not another project."""
    above = {folder for place in places for folder in (place, *place.parents)}
    return any(b"fakebench_suite" in _read(folder / "conftest.py") for folder in above)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def check_options(unknown: Iterable[str]) -> None:
    """Raise UsageError where an unknown option is nearly one of the suite's."""
    import difflib  # Sessions that are not the suite's need it not.

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
                    f"There is no option {name}; nearest: {near[0]}. pytest --help lists all."
                )


def _repeat_arguments(config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Give a resumed run its own arguments again, here and in its workers; those of now win."""
    from fakebench_suite.errors import UserError

    if not any(word.partition("=")[0] == _RESUME for word in args):
        return
    call = config.invocation_params
    try:
        _check_beside_resume(call.args, places=config.known_args_namespace.file_or_dir)
        repeated = list_resumed(args, where=call.dir)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    args[:] = [*repeated, *args]
    given = copy.copy(config.option)
    config.known_args_namespace = parser.parse_known_args(args, namespace=given)
    config.invocation_params = pytest.Config.InvocationParams(
        args=(*repeated, *call.args), plugins=call.plugins, dir=call.dir
    )


def _check_beside_resume(arguments: Iterable[str], *, places: Sequence[str]) -> None:
    """Raise UserError where less than the whole run is to be resumed, or with other answers."""
    from fakebench_suite.errors import UserError

    selecting = [
        word
        for word in arguments
        if word.partition("=")[0] in _SELECTING or word[:2] in {"-k", "-m"}
    ]
    selecting += [place for place in places if "::" in place]
    if selecting:
        raise UserError(
            f"--resume goes on with the whole run, as it was started; leave {selecting[0]} out."
        )


def _is_worker() -> bool:
    """Whether this is a worker of pytest-xdist, whose arguments are the controller's already."""
    return "PYTEST_XDIST_WORKER" in os.environ


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Repeat the arguments of a resumed run, and stop at a mistaken or misspelt option."""
    where = early_config.invocation_params.dir
    tests = early_config.known_args_namespace.file_or_dir
    # The root is the suite's own where ``fakebench run`` is called anywhere else.
    places = (Path(where, text.partition("::")[0]) for text in tests)
    ours = in_suite_project([where, early_config.rootpath, *places])
    loaded = early_config.pluginmanager.has_plugin("fakebench_suite.plugin")
    if (ours or loaded) and not _is_worker():
        _repeat_arguments(early_config, parser, args)
    if ours:
        mistaken = find_mistaken(args, where=where)
        if mistaken is not None:
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
    try:
        made = yield
    except KeyboardInterrupt:  # pytest heeds none before it has imported the plugins.
        raise SystemExit(pytest.ExitCode.INTERRUPTED) from None
    if ours:
        given = copy.copy(early_config.option)
        check_options(parser.parse_known_and_unknown_args(args, namespace=given)[1])
    return made
