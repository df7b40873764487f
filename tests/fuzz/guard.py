"""What no input may do: take long, take much memory, write elsewhere, or run anything."""

import contextlib
import faulthandler
import os
import resource
import signal
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from types import FrameType

SECONDS = 10
"""Of this process, for one input."""
_PATIENCE = 60
"""Seconds on the clock, for what waits instead of working; others may need the machine, too."""
MEMORY = 2 << 30
"""Bytes that one input may take beyond what the process has."""


class HangError(BaseException):
    """An input took longer than it may; no handler of the suite's may swallow it."""


class _Watch:
    """Where this process may write, while an input is tried, and what it did elsewhere."""

    allowed: Sequence[str] | None = None
    """None while nothing is tried."""
    inside: str = ""
    seen: Sequence[str] = ()


_PLACES = {
    "os.mkdir": ((0, 2),), "os.rename": ((0, 2), (1, 3)), "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),), "os.chmod": ((0, 2),), "os.symlink": ((1, 2),), "os.link": ((1, 3),),
    "os.truncate": ((0, None),), "shutil.rmtree": ((0, None),),
}  # fmt: skip
"""Which arguments of an event are a path, and the descriptor of the directory it is relative to."""
_STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"})
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    """Note what is written, started or executed; Python calls this for each such event."""
    if _Watch.allowed is None:
        return
    if event in _STARTS:
        _Watch.seen = [*_Watch.seen, f"{event} {arguments[0]}"]
    elif event == "open":
        path, _, flags = arguments
        if isinstance(path, str | bytes) and isinstance(flags, int) and flags & _WRITES:
            _note(event, path)
    elif event == "exec":
        name = getattr(arguments[0], "co_filename", "")
        if str(name).startswith(_Watch.inside):
            _Watch.seen = [*_Watch.seen, f"executed {name}"]
    elif event in _PLACES:
        for path_index, folder_index in _PLACES[event]:
            path, folder = (
                arguments[path_index],
                -1 if folder_index is None else arguments[folder_index],
            )
            if isinstance(path, str | bytes | os.PathLike) and isinstance(folder, int):
                _note(event, path, folder)


def _note(event: str, path: str | bytes | os.PathLike[str], folder: int = -1) -> None:
    """Keep what is written outside the allowed places in mind; pathlib raises on odd names."""
    above, name = os.path.split(os.fsdecode(path))
    ground = "" if folder < 0 else os.readlink(f"/proc/self/fd/{folder}")  # noqa: PTH115
    real_path = os.path.join(os.path.realpath(os.path.join(ground, above)), name)  # noqa: PTH118
    allowed = tuple(_Watch.allowed or ())
    if real_path == os.devnull or "__pycache__" in real_path or real_path.startswith(allowed):
        return
    _Watch.seen = [*_Watch.seen, f"{event} {real_path}"]


def _add_audit() -> None:
    if not getattr(sys, "_fakebench_fuzz", False):
        sys._fakebench_fuzz = True  # type: ignore[attr-defined]  # hooks cannot be taken back
        sys.addaudithook(_audit)


def _stop(signum: int, frame: FrameType | None) -> None:
    del signum, frame
    raise HangError(f"longer than {SECONDS} s of work, or {_PATIENCE} s of waiting")


@contextlib.contextmanager
def guard(box: Path, *outputs: Path) -> Generator[None, None, None]:
    """Within: time and memory are bounded; what is written anywhere but below ``outputs`` raises.

    Raises HangError, MemoryError, or AssertionError. ``box`` holds the input, of which nothing may
    be executed.
    """
    _add_audit()
    soft_limit, hard_limit = resource.getrlimit(resource.RLIMIT_AS)
    signals = (signal.SIGALRM, signal.SIGPROF)
    before = [signal.signal(number, _stop) for number in signals]
    faulthandler.dump_traceback_later(3 * _PATIENCE, exit=True)  # C code may hold signals back
    resource.setrlimit(resource.RLIMIT_AS, (_measure() + MEMORY, hard_limit))
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    _Watch.inside, _Watch.seen = os.path.realpath(box), ()
    _Watch.allowed = list(map(os.path.realpath, outputs))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        violations, _Watch.allowed = _Watch.seen, None
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
        faulthandler.cancel_dump_traceback_later()
        resource.setrlimit(resource.RLIMIT_AS, (soft_limit, hard_limit))
    assert not violations, f"it did what no input may do: {violations}"


def _measure() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf(
        "SC_PAGE_SIZE"
    )
