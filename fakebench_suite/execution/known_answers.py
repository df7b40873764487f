"""Resume a run: keep the answers that it recorded before it broke off, and ask the rest."""

import os
import socket
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from fakebench_suite.errors import UserError
from fakebench_suite.runs.differences import list_differences
from fakebench_suite.runs.manifest import Manifest, ManifestResumption, RunStatus
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Case, Outcome, Record

_VERSIONS = "versions."
"""Differences between package versions do not stop a resumption; the manifest lists them."""


def select_known(records: Iterable[Record]) -> dict[str, Record]:
    """The records whose answers are kept, by case id.

    Errors are asked again. An answer that could not be judged is kept, and judged again.
    """
    return {
        record.case.id: record
        for record in records
        if not record.verdict.outcome.is_error
        or (record.verdict.outcome is Outcome.JUDGE_ERROR and record.answer is not None)
    }


def check_resumable(folder: Path, earlier: Manifest, planned: Manifest) -> None:
    """Raise UserError if the answers of a run do not belong with those that would be asked now."""
    if earlier.merged:
        raise UserError(
            f"{folder} was merged from {', '.join(part.run for part in earlier.merged)}. Resume "
            "those runs, and merge them again."
        )
    differences = [
        name for name in list_differences(earlier, planned) if not name.startswith(_VERSIONS)
    ]
    if earlier.robustness != planned.robustness:
        differences.append("robustness")
    if earlier.shard != planned.shard:
        differences.append("shard")
    if differences:
        raise UserError(
            f"{folder} cannot be resumed, because its answers would not belong together: it had "
            f"another {', another '.join(differences)}. Give the options of then, or start a new "
            "run without --resume."
        )


def check_selected(folder: Path, known: Collection[str], selected: Collection[str]) -> None:
    """Raise UserError if recorded cases are not among the selected ones; both are case ids.

    Scores over them would be those of no selection.
    """
    missing = len(set(known).difference(selected))
    if missing:
        raise UserError(
            f"{folder} has answers to {count_of(missing, 'case')} that are not selected now. "
            "Resume it without options or paths that leave cases out, also in PYTEST_ADDOPTS."
        )


def check_unchanged(
    folder: Path, known: Mapping[str, Record], selected: Mapping[str, Case]
) -> None:
    """Raise UserError if a kept record holds another case than the data set; both are by case id.

    The data set is the one of then, so that a record whose label, generator or question differs was
    edited or damaged, and its verdict is not one on the case that is scored.
    """
    for name, record in known.items():
        case = selected.get(name, record.case)
        if case == record.case:
            continue
        changed = [
            field.name
            for field in fields(Case)
            if getattr(case, field.name) != getattr(record.case, field.name)
        ]
        raise UserError(
            f"{folder} holds a record of {name} that differs from the data set in "
            f"{', '.join(changed)}: it was edited or damaged after it was written. Put back the "
            "file of then, or start a new run without --resume."
        )


def resume_manifest(
    earlier: Manifest, planned: Manifest, *, kept: int, dropped_bytes: int, command: str
) -> Manifest:
    """The manifest of a run that goes on: as it began, without the end it came to.

    ``planned`` is the manifest of the same run if it began now; ``kept`` counts the answers that
    are kept, and ``dropped_bytes`` are those of a last line that was not written to its end.
    """
    resumption = ManifestResumption(
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        kept=kept,
        dropped_bytes=dropped_bytes,
        seconds_before=earlier.wall_seconds,
        changed_versions=_list_changes(earlier.versions, planned.versions),
    )
    return msgspec.structs.replace(
        planned,
        status=RunStatus.RUNNING,
        started=earlier.started,
        command=earlier.command,
        arguments=earlier.arguments,
        commit=earlier.commit,
        inference=earlier.inference,
        resumed=[*earlier.resumed, resumption],
    )


def _list_changes(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    return {
        name: f"{before.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in dict.fromkeys([*before, *now])
        if before.get(name) != now.get(name)
    }


def name_process() -> str:
    """Name this process, so that a person can find it."""
    return f"process {os.getpid()} on {socket.gethostname()}"
