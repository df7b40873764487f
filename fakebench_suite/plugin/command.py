"""``python -m fakebench_suite run``: pytest over the suite's cases, and over nothing else.

It writes ``--data DIR`` as ``--data=DIR`` and names the suite's own configuration, so that pytest
neither reads nor runs anything of DIR or of the directory it is called in.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from fakebench_suite.errors import UserError
from fakebench_suite.plugin.invocation import join_values

ROOT = Path(__file__).resolve().parents[2]


class _OwnCases:
    """Asks the suite's cases where no others are named."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config, args: list[str]) -> None:
        """Name them, unless pytest finds them itself."""
        named = early_config.known_args_namespace.file_or_dir
        if not named and early_config.invocation_params.dir != ROOT:
            cases = str(ROOT / "cases")
            named.append(cases)
            args.append(cases)


def run_suite(arguments: Sequence[str]) -> int:
    """The exit status of a run; raises UserError where the cases are not beside the package."""
    settings = ROOT / "pyproject.toml"
    if not (ROOT / "conftest.py").is_file() or not settings.is_file():
        raise UserError(
            f"There are no cases beside {ROOT / 'fakebench_suite'}. Run the suite from its own "
            "repository, installed there with 'make .venv/ready' or 'pip install --editable .'."
        )
    own = ["-c", str(settings), f"--rootdir={ROOT}"]
    # This very package is there before pytest, which would say so.
    own += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*own, *join_values(arguments)], plugins=[_OwnCases()]))
