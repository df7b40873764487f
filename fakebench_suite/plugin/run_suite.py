"""``fakebench run``: pytest over the suite's cases, and over nothing else.

It writes ``--data DIR`` as ``--data=DIR`` and names the suite's own configuration, so that pytest
neither reads nor runs anything of DIR or of the directory it is called in.
"""

import copy
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.files.bundled import PACKAGE, find_bundled
from fakebench_suite.plugin.arguments import check_options, join_option_values, list_options
from fakebench_suite.plugin.node_ids import PREFIX, find_module

ROOT = find_bundled("cases").parent
"""The root that node ids are relative to."""
_VARIABLE = "PYTEST_ADDOPTS"
COMMAND = pytest.StashKey[str]()
"""The command line as it was typed, where it was not one of pytest's."""


class _OwnCases:
    """Asks the suite's cases: those that are named, or all of them."""

    def __init__(self, command: str) -> None:
        self._command = command

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(
        self, early_config: pytest.Config, parser: pytest.Parser, args: list[str]
    ) -> None:
        """Name them, unless pytest finds them itself; raises UsageError where others are named."""
        early_config.stash[COMMAND] = self._command
        where = early_config.invocation_params.dir
        named = early_config.known_args_namespace.file_or_dir
        # argparse takes an option that is not known yet for a place, if its value has a blank.
        places = [text for text in named if not text.startswith("-")]
        strange = [text for text in places if not _is_inside(where, text.partition("::")[0])]
        if strange:
            given = copy.copy(early_config.option)
            check_options(
                set(parser.parse_known_and_unknown_args(args, namespace=given)[1])
                - list_options(flags=True)
            )
            raise pytest.UsageError(
                f"{strange[0]!r} names none of the suite's cases; they lie in {ROOT / 'cases'}. "
                "Tests of others are run by pytest."
            )
        if not places and where != ROOT:
            cases = str(ROOT / "cases")
            named.append(cases)
            args.insert(0, cases)  # At the end it would be the value of --cache-show.
            # Workers read the command line again, and these are its words.
            call = early_config.invocation_params
            early_config.invocation_params = pytest.Config.InvocationParams(
                args=(cases, *call.args), plugins=call.plugins, dir=call.dir
            )


def _is_inside(where: Path, text: str) -> bool:
    """Whether there is such a file or directory in the checkout.

    Without one pytest would begin where it is called, and run a conftest.py that lies there.
    """
    place = os.path.realpath(where / text)  # It answers where Path raises: for endless names.
    return os.path.exists(place) and Path(place).is_relative_to(ROOT)  # noqa: PTH110


def run_suite(arguments: Sequence[str], plugins: Sequence[object] = ()) -> int:
    """The exit status of a run, which ``plugins`` of pytest's may watch.

    Raises UserError where the package has lost its cases.
    """
    installed = ROOT == PACKAGE
    settings = PACKAGE / "plugin" / "pytest.ini" if installed else ROOT / "pyproject.toml"
    if not (ROOT / "cases").is_dir() or not settings.is_file():
        raise UserError(
            f"There are no cases in {ROOT}. Install the suite again: pip install fakebench-suite."
        )
    own = ["-c", str(settings), f"--rootdir={ROOT}"]
    if installed:  # What pytest remembers lies where it is called, and not among the packages.
        own += ["-o", f"cache_dir={Path.cwd() / '.pytest_cache'}"]
    # This very package is there before pytest, which would say so.
    own += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    _join_variable()
    words = [_locate(word) for word in join_option_values(arguments)]
    own_cases = _OwnCases(shlex.join(["fakebench", "run", *arguments]))
    return int(pytest.main([*own, *words], plugins=[own_cases, *plugins]))


def _locate(word: str) -> str:
    """A node id as the summary prints it, relative to the root, as a path from anywhere."""
    path, separator, rest = (find_module(word) or word).partition("::")
    if path.startswith(PREFIX):
        path = f"cases/{path.removeprefix(PREFIX)}.py"
    if Path(path).parts[:1] != ("cases",) or os.path.lexists(path):
        return word
    return f"{ROOT / path}{separator}{rest}"


def _join_variable() -> None:
    """Join the values in PYTEST_ADDOPTS, which pytest and its workers read."""
    try:
        words = shlex.split(os.environ.get(_VARIABLE, ""))
    except ValueError as error:
        raise UserError(f"{_VARIABLE} cannot be read: {error}. Close its quotation.") from error
    if words:
        os.environ[_VARIABLE] = shlex.join(join_option_values(words))
