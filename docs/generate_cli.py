"""Write ``docs/cli.md`` from the commands' and the options' own help.

``python docs/generate_cli.py`` writes the page; ``tests/docs/test_cli_page.py`` compares it.
"""

import argparse
import contextlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from fakebench_suite.cli.main import app

PAGE = Path(__file__).with_name("cli.md")
_INTRODUCTION = """\
# Command line

This page is generated from the help of the commands: `python docs/generate_cli.py`.

Two programs run the cases. `pytest` runs them in a checkout; `fakebench run` runs them in any
directory and takes the same options. The other commands of `fakebench` work on runs, replies,
judges and data sets. `python -m fakebench_suite` is the same as `fakebench`, and
`fakebench --version` prints the version of the suite.

Write every value with `=`, as in `--data=DIR`: pytest takes the `DIR` of `--data DIR` for a
directory of tests and stops in one sentence. `fakebench run` takes either spelling.

[The exit statuses](ci.md#exit-status) are on the page about CI.

## Options of a run

For `pytest` and `fakebench run`, beside [pytest's own](https://docs.pytest.org/en/stable/reference/reference.html#command-line-flags).
"""


class _OptionGroup:
    """A plugin that keeps the suite's option group."""

    def __init__(self) -> None:
        self.options: list[Any] = []

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        """The list is filled while other plugins add their options to the group."""
        self.options = parser.getgroup("fakebench").options


def list_run_options() -> list[tuple[str, str]]:
    """The option as it is written, and its help, for each option of a run."""
    group = _OptionGroup()
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(
            ["--version", "--version", "-p", "fakebench_suite.plugin", "--noconftest"],
            plugins=[group],
        )
    options = []
    for option in group.options:
        attributes = option.attrs()
        metavar = attributes.get("metavar")
        value = "" if metavar is None and attributes.get("nargs") == 0 else f"={metavar or 'N'}"
        text = str(attributes.get("help") or "")
        if text == argparse.SUPPRESS:
            continue
        text = text.replace("%(default)s", str(attributes.get("default"))).replace("%%", "%")
        options.append((f"{option.names()[-1]}{value}", text))
    return options


def format_table(header: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The lines of a Markdown table whose first column is code."""
    yield "| {} | {} |".format(*header)
    yield "|---|---|"
    for name, text in rows:
        yield f"| `{_escape(name)}` | {_escape(text)} |"


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def format_command(name: str, command: Any) -> Iterator[str]:
    """The section of one command: its usage, what it does, arguments and options."""
    context = command.make_context(name, [], resilient_parsing=True)
    yield f"## fakebench {name}"
    yield ""
    yield f"`{' '.join(['fakebench', name, *command.collect_usage_pieces(context)])}`"
    yield ""
    yield (command.help or "").replace("\b\n", "").strip()
    records = [param.get_help_record(context) for param in command.params]
    if any(records):
        yield ""
        yield from format_table(("argument or option", "meaning"), filter(None, records))
    yield ""


def list_commands(group: Any, *above: str) -> Iterator[tuple[str, Any]]:
    """The name of each command that is not hidden, below those of its groups, and the command."""
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from list_commands(command, *above, name)
        else:
            yield " ".join((*above, name)), command


def format_page() -> str:
    """The whole page."""
    lines = [_INTRODUCTION]
    lines += format_table(("option", "meaning"), list_run_options())
    lines += [""]
    group = typer.main.get_command(app)
    for name, command in list_commands(group):
        lines += format_command(name, command)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(format_page(), encoding="utf-8")
