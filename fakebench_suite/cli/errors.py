"""Errors of commands: one sentence on standard error, and an exit status."""

import os
import sys
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TextIO

import typer
from rich.console import Console
from rich.status import Status
from typer.core import TyperGroup

from fakebench_suite.errors import (
    EngineError,
    InternalError,
    MachineError,
    SuiteError,
    UserError,
)
from fakebench_suite.text.display import to_single_line

USAGE, MACHINE = 2, 3
"""Exit statuses: the user can mend it; the machine cannot go on, or the suite is at fault."""
_NOT_USAGE = (EngineError, InternalError, MachineError)
_PIPE_CLOSED = 128 + 13
"""The exit status that a shell reports for SIGPIPE, on any system."""


class SentenceErrorGroup(TyperGroup):
    """A group of commands whose errors are sentences."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command; an unexpected error prints a traceback and ends with status 3."""
        try:
            with end_in_sentence():
                return super().main(*args, **options)
        except Exception:
            traceback.print_exc()
            raise SystemExit(MACHINE) from None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty paths before they are taken for the current directory."""
        check_paths(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command before Typer handles a closed pipe."""
        with end_in_sentence():
            return super().invoke(ctx)


_OWN_CHECKS = frozenset({"run", "plan", "data"})
"""Commands that say themselves what is empty: pytest's options, and a data set."""
_PATHS = frozenset({"--baseline=", "--into=", "--reports="})


def check_paths(arguments: Sequence[str]) -> None:
    """Raise UserError where the path of a run or of a directory is empty."""
    if _OWN_CHECKS.intersection(arguments[:1]):
        return
    before = ""
    for word in arguments:
        if word in _PATHS or not word.strip():
            option = word if word in _PATHS else before
            name = option.removesuffix("=") if option.startswith("--") else "An argument"
            raise UserError(f"{name} is empty, as where a variable is not set: give it a value.")
        before = word


class BrokenPipeConsole(Console):
    """A console that raises BrokenPipeError for a closed pipe."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError."""
        raise BrokenPipeError


@contextmanager
def end_in_sentence() -> Generator[None]:
    """Turn errors of the user, the suite, the machine or the output into an exit."""
    try:
        yield
    except SuiteError as error:
        stop(str(error), status=MACHINE if isinstance(error, _NOT_USAGE) else USAGE)
    except BrokenPipeError:
        _discard_output(sys.stdout)
        raise SystemExit(_PIPE_CLOSED) from None
    except MemoryError:
        stop("There is no memory left on this machine.", status=MACHINE)
    except OSError as error:
        if error.filename is None:
            _discard_output(sys.stdout)
        what = "The output" if error.filename is None else os.fsdecode(error.filename)
        stop(f"{what} cannot be read or written: {error.strerror or error}.", status=MACHINE)


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line, on standard output by default, in the encoding of the stream.

    Without a stream, Click would treat an ASCII stream as UTF-8.
    """
    typer.echo(text, file=stream or sys.stdout)


def shows_colour() -> bool:
    """Whether standard output is a terminal with colours, and NO_COLOR does not forbid them."""
    console = Console()
    return console.color_system is not None and not console.no_color


def show_status(doing: str) -> Status:
    """Show on a terminal's standard error what is being done."""
    return Console(stderr=True).status(doing)


def stop(message: str, *, status: int = USAGE) -> NoReturn:
    """Print a message on standard error, and exit."""
    try:
        say(to_single_line(message), sys.stderr)
    except OSError:
        _discard_output(sys.stderr)
    raise SystemExit(status) from None


def _discard_output(stream: TextIO | None) -> None:
    """Discard the buffer of a stream, which Python would otherwise write again at exit."""
    if stream is not None:
        with suppress(OSError, ValueError):  # streams of tests have no file
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
