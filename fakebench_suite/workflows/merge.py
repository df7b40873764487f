"""Merge the shards of a run."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.datasets import DataSource
from fakebench_suite.errors import UserError
from fakebench_suite.extras import Extra, has_extra
from fakebench_suite.files.drafts import write_directory
from fakebench_suite.files.paths import resolve
from fakebench_suite.gates.config import GateConfig, common_gates
from fakebench_suite.gates.preconditions import RunIntent, check_gates
from fakebench_suite.metrics.names import Need
from fakebench_suite.provenance import read_identity
from fakebench_suite.report.thumbnails import (
    DatasetImages,
    ReportImageSize,
    check_size,
    copy_thumbnails,
    open_run_data,
)
from fakebench_suite.runs.differences import (
    COMPARED_KEYS,
    check_data,
    describe_pixel_change,
    list_differences,
)
from fakebench_suite.runs.last import point_last
from fakebench_suite.runs.partial import FILTERED, SAMPLED
from fakebench_suite.runs.store import (
    RunStore,
    check_folder,
    read_manifest,
    read_records,
    read_timings,
)
from fakebench_suite.types import Record
from fakebench_suite.workflows.finalize import FinalizedRun, finalize_run, read_run_view
from fakebench_suite.workflows.shards import ShardRun, merge_coverage

_MAX_DIFFERENCES = 8


def merge_runs(
    folders: Sequence[Path],
    into: Path,
    *,
    gates: GateConfig | None = None,
    baseline: Path | None = None,
    data: DataSource | Path | None = None,
    size: ReportImageSize = ReportImageSize.THUMBNAIL,
) -> FinalizedRun:
    """Write the run whose parts are in ``folders``, and evaluate its gates.

    ``gates`` defaults to the gates of the parts. All parts must have the same settings. A case in
    several parts counts once: an answer replaces an error, and answers must be equal. With the
    data set at ``data``, a run over FakeBench's own files gets its submission. The run is written
    beside ``into`` and renamed when it is complete. Raises UserError, before anything is written,
    if the parts do not belong together.
    """
    _check_place(into, folders)
    parts = [_read_part(folder) for folder in folders]
    for number, part in enumerate(parts[1:], start=1):
        _check_compatible(parts[:number], part)
    records = combine_records(parts)
    gate_config = gates or common_gates({part.folder: part.manifest for part in parts})
    manifest = merge_manifests(parts, records)
    # A missing shard is an error, unlike a sample or a filter.
    intended = {SAMPLED, FILTERED}.issuperset(manifest["partial"])
    gate_config = msgspec.structs.replace(gate_config, strict=gate_config.strict or not intended)
    check_gates(gate_config, merged_intent(manifest, parts, baseline=baseline is not None))
    if baseline is not None:
        described = manifest["dataset"]
        check_data(baseline, name=described["name"], digest=described["digest"])
        read_run_view(baseline)  # raises before anything is written
    dataset = open_run_data(manifest, data, run=folders[0])
    check_size(size, None if dataset is None else DatasetImages(dataset))
    with write_directory(into) as folder:
        store = RunStore(folder, name=into.name)
        store.open()
        try:
            for record in records:
                store.append(record)
        except BaseException:
            store.discard()
            raise
        store.close()
        for part in parts:
            copy_thumbnails(folder, part.folder)
        timed = (read_timings(part.folder) for part in parts)
        timings = next(
            filter(None, timed), None
        )  # of one machine: timings of several are not comparable
        if timings is not None:
            store.write_timings(timings)
        finalized = finalize_run(
            store,
            manifest,
            records,
            gates=gate_config,
            baseline=baseline,
            dataset=dataset,
            size=size,
        )
    if any(resolve(folder).parent == resolve(into).parent for folder in folders):
        point_last(into)  # only in a directory of runs
    page = into / Path(finalized.report).name
    report = str(page) if page.is_file() else finalized.report
    notes = list(finalized.notes)
    if gates is not None:
        file = gates.file or "none"
        notes.append(f"the gates are those of --gates={file}, not those of the merged runs")
    return replace(finalized, folder=into, report=report, notes=notes)


def _check_place(into: Path, folders: Sequence[Path]) -> None:
    """Raise UserError if the merged run cannot be written, or would be inside one of its parts."""
    check_folder(into)
    around = set(map(resolve, folders)) & set(resolve(into).parents)
    if around:
        raise UserError(
            f"{into} is inside {min(around)}, which is merged. Choose another directory."
        )
    if into.is_symlink() or (into.exists() and any(into.iterdir())):
        raise UserError(f"{into} is a link or is not empty. Choose another directory.")
    places = Counter(map(resolve, folders))
    repeated = [place for place, count in places.items() if count > 1]
    if repeated:
        raise UserError(f"{repeated[0]} is given twice. Name each part once.")


def _read_part(folder: Path) -> ShardRun:
    manifest = read_manifest(folder)
    if not {*COMPARED_KEYS, "shard", "hardware", "started", "population"} <= set(manifest):
        raise UserError(f"{folder} was made by a version of the suite that could not merge runs.")
    return ShardRun(folder=folder, manifest=manifest, records=list(read_records(folder)))


def _check_compatible(before: Sequence[ShardRun], part: ShardRun) -> None:
    first = before[0]
    names = list_differences(first.manifest, part.manifest)
    changed = describe_pixel_change([r for part in before for r in part.records], part.records)
    if changed is not None:
        names.insert(0, changed)
    if (read_identity(first.manifest) is None) != (read_identity(part.manifest) is None):
        names.insert(0, "identity (one of them has none)")
    if names:
        more = f" and {len(names) - _MAX_DIFFERENCES} more" if len(names) > _MAX_DIFFERENCES else ""
        raise UserError(
            f"{part.folder} and {first.folder} are not parts of one run: they differ in "
            f"{', '.join(names[:_MAX_DIFFERENCES])}{more}. Run all shards with the same "
            "options, versions, weights and data."
        )


def combine_records(parts: Sequence[ShardRun]) -> list[Record]:
    """The records of all parts, each case once: an answer replaces an error.

    Of two errors, the later part's is kept. Raises UserError if two answers to a case differ.
    """
    combined: dict[str, tuple[Path, Record]] = {}
    for part in parts:
        for record in part.records:
            owner, other = combined.get(record.case.id, (part.folder, record))
            if other.verdict.outcome.is_error:
                combined[record.case.id] = part.folder, record
            elif not record.verdict.outcome.is_error and not _same_answer(other, record):
                raise UserError(
                    f"{owner} and {part.folder} both hold an answer to {record.case.id}, and they "
                    "differ. A case counts once: leave one of them out."
                )
            else:
                combined[record.case.id] = owner, other
    return [record for _, record in combined.values()]


def _same_answer(one: Record, two: Record) -> bool:
    """True if two records have the same prompt, reply and verdict; times may differ."""
    texts = [side.answer.text if side.answer else None for side in (one, two)]
    verdict, other_verdict = one.verdict, two.verdict
    return (
        texts[0] == texts[1]
        and one.prompt == two.prompt
        and (verdict.outcome, verdict.label, verdict.score)
        == (other_verdict.outcome, other_verdict.label, other_verdict.score)
    )


def merge_manifests(parts: Sequence[ShardRun], records: Sequence[Record]) -> dict[str, Any]:
    """The manifest of the merged run: settings of any part, sessions listed under ``merged``."""
    manifests = [part.manifest for part in parts]
    first = manifests[0]
    machines = [manifest["hardware"] for manifest in manifests]
    alike = all(machine == machines[0] for machine in machines)
    recorded = len(records)
    selected = sum(manifest.get("selected", 0) for manifest in manifests)
    repeated = sum(len(part.records) for part in parts) - recorded
    calibrations = [
        manifest["judge"]["audit"] for manifest in manifests if "audit" in manifest["judge"]
    ]
    sessions = [session for part in parts for session in _list_sessions(part)]
    # Engines give the same answers, so shards of several engines can be merged.
    engines = _list_distinct([manifest["engine"]] for manifest in sessions if "engine" in manifest)
    # A judge that failed its calibration in one session failed it for the merged run.
    calibration = min(calibrations, key=lambda manifest: bool(manifest["passed"]), default=None)
    judge = {name: value for name, value in first["judge"].items() if name != "audit"}
    return (
        {name: first[name] for name in COMPARED_KEYS}
        | {name: first[name] for name in ("protocol", "identity") if name in first}
        | {"judge": judge | ({} if calibration is None else {"audit": calibration})}
        | {
            "started": min(manifest["started"] for manifest in manifests),
            "shard": None,
            "hardware": machines[0] if alike else {"mixed": machines},
            "selected": max(recorded, selected - repeated),
            "recorded": recorded,
            "errors": sum(record.verdict.outcome.is_error for record in records),
            "wall_seconds": max(manifest.get("wall_seconds", 0.0) for manifest in manifests),
            "workers": sum(manifest.get("workers", 0) for manifest in manifests),
            "engine": engines[0] if len(engines) == 1 else {"name": "mixed", "mixed": engines},
            "routes": _list_distinct(manifest.get("routes", []) for manifest in manifests),
            "merged": sessions,
        }
        | {name: first[name] for name in ("population", "drawn", "deselected") if name in first}
        | {name: _join_distinct(manifests, name) for name in ("command", "commit", "filter")}
        | merge_coverage(parts, records)
    )


def _join_distinct(manifests: Sequence[Mapping[str, Any]], name: str) -> str:
    """The distinct values of a key; of several, the first and the number of others."""
    values = list(dict.fromkeys(manifest[name] for manifest in manifests if manifest.get(name)))
    return " and ".join([*values[:1], *([f"{len(values) - 1} more"] if values[1:] else [])])


def _list_distinct(lists: Iterable[list[Any]]) -> list[Any]:
    items: list[Any] = []
    for item in chain.from_iterable(lists):
        if item not in items:
            items.append(item)
    return items


def _list_sessions(part: ShardRun) -> list[dict[str, Any]]:
    """The sessions that a part was merged from, or its own."""
    if part.manifest.get("merged"):
        return list(part.manifest["merged"])
    names = ("started", "shard", "hardware", "wall_seconds", "workers", "engine", "command")
    own = {name: part.manifest[name] for name in names if name in part.manifest}
    return [{"run": part.folder.resolve().name} | own]


def merged_intent(
    manifest: Mapping[str, Any], parts: Sequence[ShardRun], *, baseline: bool
) -> RunIntent:
    """The intent of a merged run, for checks of gates."""
    unmet = set() if manifest["judge"]["label"] == "likelihood" else {Need.LIKELIHOOD}
    if not has_extra(Extra.SIMILARITY):
        unmet.add(Need.ENCODER)
    return RunIntent(
        data=manifest["dataset"]["name"],
        population=manifest["population"],
        drawn=manifest.get("drawn", manifest["population"]),
        sample=manifest.get("sample"),
        selected={task: coverage["recorded"] for task, coverage in manifest["tasks"].items()},
        baseline=baseline,
        timed=any(read_timings(part.folder) for part in parts),
        # No manifest says whether a judge gives ratings.
        met={*Need} - unmet,
        shard=False,
    )
