"""``reports/last``: what points at the last finished run, and how it is followed."""

import secrets
from pathlib import Path

from fakebench_suite.files.contents import read_file
from fakebench_suite.files.paths import resolve
from fakebench_suite.runs.store import write_whole

LAST = "last"
"""Name of the pointer, beside run directories."""


def find_run(place: Path) -> Path:
    """The run directory behind a place: a link, or a file that names one beside it, is resolved.

    What is neither is given back as it is: to read it says what is wrong with it.
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
    """Whether it can be the name of a directory, and no path."""
    return name.isprintable() and name not in {"", ".", ".."} and Path(name).name == name


def point_last(folder: Path) -> str | None:
    """Let ``last`` beside a finished run point at it; one sentence where it cannot.

    It is a relative link, or where links cannot be made a file with the run's name. A directory of
    that name is somebody's, and is left alone.
    """
    last = folder.parent / LAST
    draft = last.with_name(f".{LAST}.{secrets.token_hex(4)}.draft")
    try:
        if last.is_dir() and not last.is_symlink():
            return f"{last} is a directory of its own, and does not point at the last run."
        try:
            draft.symlink_to(folder.name, target_is_directory=True)
        except OSError:
            write_whole(last, f"{folder.name}\n".encode())
        else:
            draft.replace(last)
    except OSError as error:
        draft.unlink(missing_ok=True)
        return f"{last} does not point at this run: {error.strerror}."
    return None
