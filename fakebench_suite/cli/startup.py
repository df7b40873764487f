"""The entry point of ``fakebench``, which imports the rest when signals are set up."""

from __future__ import annotations

import os
import sys

from fakebench_suite.python_check import describe_missing_package, describe_old_python

_ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 2))  # noqa: PTH118, PTH120  # pathlib is not imported yet


def start() -> None:
    """Run ``fakebench``; an old Python or a missing package is reported in one sentence."""
    old = describe_old_python()
    if old is not None:
        sys.exit(old)
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        sys.exit("The current directory is not there any more. Change to another one.")
    leave_out_current_directory()
    end_at_interrupts()
    open_closed_streams()
    try:
        from fakebench_suite.cli.main import main
    except ModuleNotFoundError as error:
        missing = describe_missing_package(error)
        if missing is None:
            raise
        sys.exit(missing)
    main()


def leave_out_current_directory() -> None:
    """Import nothing from the directory the command is called in, unless it is the checkout.

    ``python -m`` puts that directory first on ``sys.path``, and its files are not trusted.
    """
    if sys.flags.safe_path or not sys.path:
        return
    here = os.getcwd()  # noqa: PTH109
    if sys.path[0] in {"", here} and os.path.realpath(here) != _ROOT:
        del sys.path[0]


def open_closed_streams() -> None:
    """Replace standard streams that the caller closed by the null device."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def end_at_interrupts() -> None:
    """End with status 130 and no traceback at Ctrl-C during imports."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def unwind_at_signals() -> None:
    """Let signals raise exceptions, so that incomplete files are removed.

    Ctrl-C raises KeyboardInterrupt; SIGTERM and SIGHUP exit with 128 plus their number. Ignored
    signals, as under nohup, stay ignored.
    """
    import signal

    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in _list_endings():
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _unwind)


def reset_signals() -> None:
    """Restore the signals that :func:`unwind_at_signals` set, because pytest handles its own."""
    import signal

    for number in _list_endings():
        if signal.getsignal(number) is _unwind:
            signal.signal(number, signal.SIG_DFL)


def _list_endings() -> list[int]:
    """The signals that end a process; Windows has one of them."""
    import signal

    return [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _end(number: int, frame: object) -> None:
    del frame
    os._exit(128 + number)


def _unwind(number: int, frame: object) -> None:
    import signal

    del frame
    for other in _list_endings():  # a second one must not interrupt the removal
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)
