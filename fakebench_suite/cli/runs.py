"""``fakebench runs``: list and remove run directories."""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.text import Text

from fakebench_suite.cli.errors import BrokenPipeConsole
from fakebench_suite.errors import UserError
from fakebench_suite.files.contents import read_file
from fakebench_suite.files.paths import resolve
from fakebench_suite.runs.last import LAST, find_run, point_last
from fakebench_suite.runs.manifest import Manifest, RunStatus
from fakebench_suite.runs.store import BADGE, MANIFEST, RECORDS, read_manifest
from fakebench_suite.text.display import UNLIMITED_WIDTH, count_of, to_single_line

_RUNNING_TIMEOUT = timedelta(days=1)
"""A run without an end counts as running for this long after its last record."""
_MAX_DAYS = 36_500
_HEADER = ("run", "started", "size", "model", "data", "headline", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """One run directory."""

    folder: Path
    started: datetime
    size: int
    """Bytes of all its files."""
    model: str
    data: str
    headline: str
    status: str
    """``finished``, ``interrupted`` or ``running``, with reasons for a partial run and errors."""
    may_be_running: bool
    """True if it may still be written to."""


def list_runs(reports: Path) -> list[RunInfo]:
    """The run directories in ``reports``, the latest first; links are not followed."""
    try:
        places = [place for place in reports.iterdir() if not place.is_symlink()]
    except OSError as error:
        raise UserError(f"{reports} cannot be listed: {error.strerror}. See --reports.") from error
    infos = (_read_info(place) for place in places if _is_run(place))
    return sorted(filter(None, infos), key=lambda run: (run.started, run.folder.name), reverse=True)


def _is_run(place: Path) -> bool:
    """True if a directory has the two files that every run has from its first record on."""
    return place.is_dir() and all((place / name).is_file() for name in (MANIFEST, RECORDS))


def _read_info(folder: Path) -> RunInfo | None:
    try:
        manifest = read_manifest(folder)
        touched = datetime.fromtimestamp((folder / RECORDS).stat().st_mtime, UTC)
    except (UserError, OSError):
        return None  # malformed directories are neither listed nor removed
    running = manifest.status is RunStatus.RUNNING
    return RunInfo(
        folder=folder,
        started=_parse_time(manifest.started) or touched,
        size=_folder_size(folder),
        model=manifest.model.name,
        data=manifest.dataset.name,
        headline=_read_headline(folder),
        status=_describe_status(manifest),
        may_be_running=running and datetime.now(UTC) - touched < _RUNNING_TIMEOUT,
    )


def _parse_time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _folder_size(folder: Path) -> int:
    """Bytes of all files below a folder; links are not followed."""
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


def _describe_status(manifest: Manifest) -> str:
    words = [manifest.status, *(manifest.partial or ())]
    words += [count_of(manifest.errors, "error")] if manifest.errors else []
    return ", ".join(dict.fromkeys(words))


def select_old(
    runs: Sequence[RunInfo], *, keep: int | None, older: timedelta | None
) -> list[RunInfo]:
    """The runs to remove: all but the latest ``keep``, and of these only those that are ``older``.

    A run that may still be running is neither removed nor counted.
    """
    ended = [run for run in runs if not run.may_be_running]
    old = ended[keep or 0 :]
    if older is not None:
        now = datetime.now(UTC)
        old = [run for run in old if now - run.started > older]
    return old


def remove_run(run: RunInfo) -> None:
    """Remove a run directory without following links; raises UserError if that fails."""
    try:
        if run.folder.is_symlink() or not _is_run(run.folder):
            return
        shutil.rmtree(run.folder)
    except OSError as error:
        raise UserError(f"{run.folder} cannot be removed: {error.strerror}.") from error


def repair_last(reports: Path) -> None:
    """Let ``last`` point to the latest finished run if its own was removed."""
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
            min=0, max=_MAX_DAYS, metavar="DAYS", help="remove runs that are older than DAYS"
        ),
    ] = None,
) -> None:
    """List the runs with date, size, headline and status; with --prune or --older-than remove some.

    With both, runs that match both are removed. Other directories are left alone.
    """
    runs = list_runs(reports)
    if prune is None and older_than is None:
        _print_runs(runs, latest=resolve(find_run(reports / LAST)))
        return
    older = None if older_than is None else timedelta(days=older_than)
    for run in select_old(runs, keep=prune, older=older):
        remove_run(run)
        typer.echo(
            f"removed {to_single_line(str(run.folder))} ({decimal(run.size)})", file=sys.stdout
        )
    for run in runs:
        if run.may_be_running:
            line = f"kept {to_single_line(str(run.folder))}, which may still be running"
            typer.echo(line, file=sys.stdout)
    repair_last(reports)


def _print_runs(runs: Sequence[RunInfo], *, latest: Path) -> None:
    if not runs:
        typer.echo("There are no runs here.", file=sys.stdout)
        return
    from fakebench_suite.report.terminal import begin_table  # and scipy: as slow as a short run

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
    BrokenPipeConsole(width=UNLIMITED_WIDTH).print(table)
