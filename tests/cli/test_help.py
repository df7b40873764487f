"""Every argument and every option of every command says what it is."""

import pytest
import typer

from fakebench_suite.cli.main import app

GROUP = typer.main.get_group(app)
PARAMETERS = [
    (name, parameter)
    for name, command in GROUP.commands.items()
    for parameter in command.params
    if parameter.name != "help"
]


@pytest.mark.parametrize(("command", "parameter"), PARAMETERS, ids=str)
def test_each_parameter_has_help(command: str, parameter: object) -> None:
    """A stranger need not guess what to write."""
    assert getattr(parameter, "help", None), f"{command}: {parameter} has no help"
