"""The runs below a reports directory: what they came to, how large they are, and which to keep."""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.filesize import decimal
from rich.text import Text

from fakebench_suite.cli.ending import Screen
from fakebench_suite.errors import UserError
from fakebench_suite.files.contents import read_file
from fakebench_suite.files.paths import resolve
from fakebench_suite.report.terminal import begin_table
from fakebench_suite.runs.last import LAST, find_run, point_last
from fakebench_suite.runs.store import BADGE, MANIFEST, RECORDS, read_manifest
from fakebench_suite.text.display import count_of, to_single_line

_AT_WORK = timedelta(days=1)
"""How long after its last record a run that has not ended may still be at work."""
_MOST_DAYS = 36_500
_HEADER = ("run", "started", "size", "model", "data", "headline", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One run directory."""

    folder: Path
    started: datetime
    size: int
    """Bytes of all its files."""
    model: str
    data: str
    headline: str
    status: str
    """``finished``, ``interrupted`` or ``running``, with what else is to be said."""
    at_work: bool
    """Whether it may still be being written to."""


def list_runs(reports: Path) -> list[Listed]:
    """The run directories right below ``reports``, the latest first; links are not followed."""
    try:
        places = [place for place in reports.iterdir() if not place.is_symlink()]
    except OSError as error:
        raise UserError(f"{reports} cannot be listed: {error.strerror}. See --reports.") from error
    found = (_look(place) for place in places if _is_run(place))
    return sorted(filter(None, found), key=lambda run: (run.started, run.folder.name), reverse=True)


def _is_run(place: Path) -> bool:
    """Whether a place holds the two files that every run has had since its first record."""
    return place.is_dir() and all((place / name).is_file() for name in (MANIFEST, RECORDS))


def _look(folder: Path) -> Listed | None:
    try:
        manifest = read_manifest(folder)
        touched = datetime.fromtimestamp((folder / RECORDS).stat().st_mtime, UTC)
    except (UserError, OSError):
        return None  # what is not as a run wrote it is not ours to list or to remove
    running = manifest.get("status") not in ("finished", "interrupted")
    return Listed(
        folder=folder,
        started=_read_time(manifest.get("started")) or touched,
        size=_measure(folder),
        model=str(manifest["model"]["name"]),
        data=str(manifest["dataset"]["name"]),
        headline=_read_headline(folder),
        status=_describe_status(manifest),
        at_work=running and datetime.now(UTC) - touched < _AT_WORK,
    )


def _read_time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _measure(folder: Path) -> int:
    """Bytes of all files below a folder; links count as what they are."""
    return sum(
        os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118  # os.walk gives texts
        for place, _, names in os.walk(folder)
        for name in names
    )


def _read_headline(folder: Path) -> str:
    try:
        badge = json.loads(read_file(folder / BADGE))
        return str(badge["message"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def _describe_status(manifest: dict[str, Any]) -> str:
    errors = manifest.get("errors", 0)
    words = [str(manifest.get("status") or "unknown"), *map(str, manifest.get("partial", ()))]
    words += [count_of(errors, "error")] if errors else []
    return ", ".join(dict.fromkeys(words))


def choose_old(
    runs: Sequence[Listed], *, keep: int | None, older: timedelta | None
) -> list[Listed]:
    """The runs to remove: all but the latest ``keep``, and of these only those that are ``older``.

    A run that may still be at work is kept, and does not count.
    """
    ended = [run for run in runs if not run.at_work]
    old = ended[keep or 0 :]
    if older is not None:
        now = datetime.now(UTC)
        old = [run for run in old if now - run.started > older]
    return old


def remove_run(run: Listed) -> None:
    """Remove a run directory and what lies in it, following no link; UserError where it fails."""
    try:
        if run.folder.is_symlink() or not _is_run(run.folder):
            return
        shutil.rmtree(run.folder)
    except OSError as error:
        raise UserError(f"{run.folder} cannot be removed: {error.strerror}.") from error


def mend_last(reports: Path) -> None:
    """Let ``last`` point at the latest finished run that is left, where its own is gone."""
    last = reports / LAST
    if not (last.is_symlink() or last.is_file()) or find_run(last).is_dir():
        return
    last.unlink()
    left = [run for run in list_runs(reports) if run.status.startswith("finished")]
    if left:
        point_last(left[0].folder)


def show_runs(
    reports: Annotated[Path, typer.Option(help="the directory of run directories")] = Path(
        "reports"
    ),
    prune: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="remove all runs but the latest N")
    ] = None,
    older_than: Annotated[
        int | None,
        typer.Option(
            min=0, max=_MOST_DAYS, metavar="DAYS", help="remove runs begun before so many days"
        ),
    ] = None,
) -> None:
    """List the runs with date, size, headline and status; with --prune or --older-than remove some.

    With both, those are removed that neither keeps. What is not a run directory is left alone.
    """
    runs = list_runs(reports)
    if prune is None and older_than is None:
        _print_runs(runs, latest=resolve(find_run(reports / LAST)))
        return
    older = None if older_than is None else timedelta(days=older_than)
    for run in choose_old(runs, keep=prune, older=older):
        remove_run(run)
        typer.echo(
            f"removed {to_single_line(str(run.folder))} ({decimal(run.size)})", file=sys.stdout
        )
    for run in runs:
        if run.at_work:
            kept = f"kept {to_single_line(str(run.folder))}, which may still be running"
            typer.echo(kept, file=sys.stdout)
    mend_last(reports)


def _print_runs(runs: Sequence[Listed], *, latest: Path) -> None:
    if not runs:
        typer.echo("There are no runs here.", file=sys.stdout)
        return
    table = begin_table(_HEADER, numbers=("size",))
    for run in runs:
        mark = " (last)" if resolve(run.folder) == latest else ""
        cells = (
            f"{run.folder.name}{mark}",
            run.started.astimezone().strftime("%Y-%m-%d %H:%M"),
            decimal(run.size),
            run.model,
            run.data,
            run.headline,
            run.status,
        )
        table.add_row(*(Text(to_single_line(cell)) for cell in cells))
    Screen(width=250).print(table)
