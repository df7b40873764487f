"""Read a run directory for the report, with records in the order of the page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fakebench_suite.errors import FormatError, UserError
from fakebench_suite.files.contents import read_file
from fakebench_suite.files.parsing import decode_json
from fakebench_suite.gates.status import conclude
from fakebench_suite.metrics.scores import score_records
from fakebench_suite.report.headline import make_result
from fakebench_suite.runs.completeness import CUT_OFF
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.old_names import rename_result
from fakebench_suite.runs.run_result import RunResult
from fakebench_suite.runs.store import (
    GATES,
    TEXTS,
    read_all_records,
    read_manifest,
    read_scores,
    read_timings,
)
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.types import GateOutcome, GateResult, LatencyTiming, Record, Score

_TEXTS = msgspec.json.Decoder(dict[str, str | float | None])


class _GateRow(msgspec.Struct, frozen=True):
    """A gate's result in ``gates.json``."""

    gate: str
    outcome: str
    reason: str | None = None


class _GateRows(msgspec.Struct, frozen=True):
    """The part of ``gates.json`` that is not the run's result."""

    results: list[_GateRow]


_LIST = msgspec.json.Decoder(list[_GateRow])
_ROWS = msgspec.json.Decoder(_GateRows)
_RESULT = msgspec.json.Decoder(RunResult)
_OLD_GATES = "rulings.json"
"""Name of ``gates.json`` in runs of older versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedGate:
    """A gate's outcome and its reason, as ``gates.json`` has them."""

    gate: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """A finished run; ``texts`` holds scores against reference texts by case id."""

    name: str
    manifest: Manifest
    records: Sequence[Record]
    scores: Sequence[Score]
    texts: Mapping[str, Mapping[str, float | None]]
    gates: Sequence[ReportedGate]
    result: RunResult
    timings: Sequence[LatencyTiming]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBaseline:
    """Another run, with which the cases of a report are compared."""

    folder: Path
    shifts: Sequence[MetricDelta] = ()
    """The changes of the metrics since."""
    reservations: Sequence[str] = ()
    """What limits the comparison, besides the reservations in the manifest of the report's run."""

    @property
    def name(self) -> str:
        """Name of its directory."""
        return self.folder.resolve().name


def load_run(
    folder: Path, *, name: str | None = None, records: Sequence[Record] | None = None
) -> ReportData:
    """The run in ``folder``, with records by image and task; raises UserError if it is not one.

    Its name is the directory's, or ``name``. An interrupted run is scored here and marked as such.
    ``records`` are those of the folder, where they have been read already.
    """
    manifest = read_manifest(folder)
    records = sort_records(read_all_records(folder, manifest) if records is None else records)
    try:
        if manifest.partial is None:
            manifest, scores = _finalize_interrupted(manifest, records), score_records(records)
        else:
            scores = read_scores(folder)
        gates, result = _read_gates(folder, manifest, scores)
        return ReportData(
            name=name or folder.resolve().name,
            manifest=manifest,
            records=records,
            scores=scores,
            texts=_read_texts(folder / TEXTS),
            gates=gates,
            result=result,
            timings=read_timings(folder),
        )
    except OSError as error:
        raise UserError(
            f"{folder} is not a whole run directory: {error.filename} cannot be read."
        ) from error
    except (FormatError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{folder} holds a malformed file: {error}.") from error


def _finalize_interrupted(manifest: Manifest, records: Sequence[Record]) -> Manifest:
    """The manifest of an interrupted run, completed with the counts of its records."""
    errors = sum(record.verdict.outcome.is_error for record in records)
    return msgspec.structs.replace(
        manifest, partial=[CUT_OFF], recorded=len(records), errors=errors
    )


def load_records(folder: Path) -> Sequence[Record]:
    """The records of a run, ordered so that cases on one image are adjacent."""
    return sort_records(read_all_records(folder, read_manifest(folder)))


def sort_records(records: Iterable[Record]) -> Sequence[Record]:
    """The records by image, and those of an image by task."""
    places = {task: place for place, task in enumerate(list_tasks())}

    def sort_key(record: Record) -> tuple[str, int, str]:
        case = record.case
        return case.base_image, places[case.task], case.id

    return sorted(records, key=sort_key)


def _read_texts(path: Path) -> Mapping[str, Mapping[str, float | None]]:
    if not path.exists():
        return {}
    rows = [decode_json(line, _TEXTS) for line in read_file(path).splitlines()]
    if not all("id" in row for row in rows):
        raise FormatError(f"a line of {path.name} has no id")
    return {
        str(row["id"]): {name: value for name, value in row.items() if not isinstance(value, str)}
        for row in rows
    }


def _read_gates(
    folder: Path, manifest: Manifest, scores: Sequence[Score]
) -> tuple[Sequence[ReportedGate], RunResult]:
    """The results of the gates and of the run; an interrupted run has neither.

    A file of an early version is the list of the gates' results alone.
    """
    path = next((p for p in (folder / GATES, folder / _OLD_GATES) if p.exists()), None)
    if path is None:
        conclusion = conclude((), absent="the run did not come to its end")
        return (), make_result(manifest, conclusion, scores)
    content = read_file(path)
    is_list = content.lstrip().startswith(b"[")
    if is_list:
        rows = decode_json(content, _LIST, rename=rename_result)
    else:
        rows = decode_json(content, _ROWS, rename=rename_result).results
    gates = [
        ReportedGate(gate=row.gate, outcome=row.outcome, reason=row.reason or "") for row in rows
    ]
    if not is_list:
        return gates, decode_json(content, _RESULT, rename=rename_result)
    results = [
        GateResult(gate=gate.gate, outcome=GateOutcome(gate.outcome), reason=gate.reason)
        for gate in gates
        if gate.outcome in set(GateOutcome)
    ]
    return gates, make_result(manifest, conclude(results), scores)
