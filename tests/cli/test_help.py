"""Every argument and every option of every command says what it is."""

import pytest
import typer

from fakebench_suite import __version__
from fakebench_suite.cli.main import app
from tests.helpers import call

GROUP = typer.main.get_group(app)
PARAMETERS = [
    (name, parameter)
    for name, command in GROUP.commands.items()
    for parameter in command.params
    if parameter.name != "help"
]


def test_the_version_is_printed() -> None:
    """That of the package, with no command."""
    assert call("--version").stdout == f"fakebench-suite {__version__}\n"


@pytest.mark.parametrize(("command", "parameter"), PARAMETERS, ids=str)
def test_each_parameter_has_help(command: str, parameter: object) -> None:
    """A stranger need not guess what to write."""
    assert getattr(parameter, "help", None), f"{command}: {parameter} has no help"
