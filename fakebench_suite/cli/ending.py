"""How a command ends before its end: in one sentence, with a status that says why."""

import os
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TextIO

import typer
from rich.console import Console
from typer.core import TyperGroup

from fakebench_suite.errors import EngineError, InternalError, MachineError, SuiteError
from fakebench_suite.text.display import to_single_line

USAGE, MACHINE = 2, 3
"""Exit statuses: the user can mend it; the machine cannot go on, or the suite is at fault."""
_NOT_USAGE = (EngineError, InternalError, MachineError)
_PIPE_CLOSED = 128 + 13
"""What a shell says of a program that SIGPIPE ended, on any system."""


class Commands(TyperGroup):
    """Commands whose errors are sentences."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run one; what nobody foresaw is a traceback and the status of an internal error."""
        try:
            with end_in_sentence():
                return super().main(*args, **options)
        except Exception:
            traceback.print_exc()
            raise SystemExit(MACHINE) from None

    def invoke(self, ctx: Any) -> Any:
        """Run one, within what Typer makes of a closed pipe."""
        with end_in_sentence():
            return super().invoke(ctx)


class Screen(Console):
    """A console that leaves it to the command what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        """Raise the error again."""
        raise BrokenPipeError


@contextmanager
def end_in_sentence() -> Generator[None]:
    """Exit where the suite, the machine or the place of the output is at fault."""
    try:
        yield
    except SuiteError as error:
        stop(str(error), status=MACHINE if isinstance(error, _NOT_USAGE) else USAGE)
    except BrokenPipeError:
        _forget(sys.stdout)
        raise SystemExit(_PIPE_CLOSED) from None
    except MemoryError:
        stop("There is no memory left on this machine.", status=MACHINE)
    except OSError as error:
        if error.filename is None:
            _forget(sys.stdout)
        what = "The output" if error.filename is None else os.fsdecode(error.filename)
        stop(f"{what} cannot be read or written: {error.strerror or error}.", status=MACHINE)


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line, on standard output by default, in the stream's own encoding.

    Without a stream Click would take one that says ASCII for one of UTF-8.
    """
    typer.echo(text, file=stream or sys.stdout)


def stop(message: str, *, status: int = USAGE) -> NoReturn:
    """Say it on standard error, and exit."""
    try:
        say(to_single_line(message), sys.stderr)
    except OSError:
        _forget(sys.stderr)
    raise SystemExit(status) from None


def _forget(stream: TextIO | None) -> None:
    """Send what a stream still holds nowhere: Python would try again to write it at its exit."""
    if stream is not None:
        with suppress(OSError, ValueError):  # A stream of a test has no file.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
