"""``reports/last``, a pointer to the last finished run."""

import secrets
from pathlib import Path

from fakebench_suite.files.contents import read_file
from fakebench_suite.files.paths import resolve
from fakebench_suite.runs.store import write_whole

LAST = "last"
"""Name of the pointer, beside run directories."""


def find_run(place: Path) -> Path:
    """The run directory that a link, or a file with the name of a run beside it, points to.

    Any other path is returned unchanged.
    """
    try:
        if place.is_symlink():
            return resolve(place)
        if place.name == LAST and place.is_file():
            name = read_file(place).decode("utf-8", "replace").strip()
            return place.with_name(name) if _is_plain(name) else place
    except OSError:
        return place
    return place


def _is_plain(name: str) -> bool:
    """True if it is the name of a directory, not a path."""
    return name.isprintable() and name not in {"", ".", ".."} and Path(name).name == name


def point_last(folder: Path) -> str | None:
    """Let ``last`` beside a finished run point to it; a sentence if that is impossible.

    It is a relative link, or a file with the run's name if links are not supported. A directory
    named ``last`` is left alone.
    """
    last = folder.parent / LAST
    draft = last.with_name(f".{LAST}.{secrets.token_hex(4)}.draft")
    try:
        if last.is_dir() and not last.is_symlink():
            return f"{last} is a directory and cannot point to the last run."
        try:
            draft.symlink_to(folder.name, target_is_directory=True)
        except OSError:
            write_whole(last, f"{folder.name}\n".encode())
        else:
            draft.replace(last)
    except OSError as error:
        draft.unlink(missing_ok=True)
        return f"{last} does not point to this run: {error.strerror}."
    return None
