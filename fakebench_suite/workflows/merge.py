"""Merge the shards of a run."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec

from fakebench_suite.datasets import DataSource
from fakebench_suite.errors import UserError
from fakebench_suite.extras import Extra, has_extra
from fakebench_suite.files.atomic_directory import write_directory
from fakebench_suite.files.paths import resolve
from fakebench_suite.gates.config import GateConfig, common_gates
from fakebench_suite.gates.preconditions import RunIntent, check_gates
from fakebench_suite.metrics.names import Need
from fakebench_suite.report.thumbnails import (
    DatasetImages,
    ReportImageSize,
    check_size,
    copy_thumbnails,
    open_run_data,
)
from fakebench_suite.runs.completeness import FILTERED, SAMPLED, list_reasons
from fakebench_suite.runs.coverage import find_drawn, replace_coverage
from fakebench_suite.runs.differences import (
    check_data,
    describe_pixel_change,
    list_differences,
)
from fakebench_suite.runs.last import LAST, point_last
from fakebench_suite.runs.manifest import (
    Manifest,
    ManifestEngine,
    ManifestHardware,
    ManifestReuse,
    ManifestSession,
)
from fakebench_suite.runs.store import (
    RunWriter,
    check_folder,
    read_manifest,
    read_records,
    read_timings,
)
from fakebench_suite.types import Record
from fakebench_suite.workflows.finalize import FinalizedRun, finalize_run, read_run_view
from fakebench_suite.workflows.shards import ShardRun, merge_coverage

T = TypeVar("T")
_MAX_DIFFERENCES = 8
_SAME_CHANCE = 1e-3
"""P(fake) that differs by no more is one answer, computed beside other prompts."""


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
    intended = {SAMPLED, FILTERED}.issuperset(list_reasons(manifest))
    gate_config = msgspec.structs.replace(gate_config, strict=gate_config.strict or not intended)
    check_gates(gate_config, merged_intent(manifest, parts, baseline=baseline is not None))
    if baseline is not None:
        if resolve(baseline) in map(resolve, folders):
            raise UserError(
                f"{baseline} is merged, and would be compared with itself. Name an earlier run."
            )
        check_data(baseline, name=manifest.dataset.name, digest=manifest.dataset.digest)
        read_run_view(baseline)  # raises before anything is written
    dataset = open_run_data(manifest, data, run=folders[0])
    check_size(size, None if dataset is None else DatasetImages(dataset))
    with write_directory(into) as folder:
        store = RunWriter(folder, name=into.name)
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
    notes = list(finalized.notes)
    if any(resolve(folder).parent == resolve(into).parent for folder in folders):
        # Only in a directory of runs.
        notes += filter(None, [point_last(into)])
    page = into / Path(finalized.report).name
    report = str(page) if page.is_file() else finalized.report
    if gates is not None:
        file = gates.file or "none"
        notes.append(f"the gates are those of --gates={file}, not those of the merged runs")
    return replace(finalized, folder=into, report=report, notes=notes)


def _check_place(into: Path, folders: Sequence[Path]) -> None:
    """Raise UserError if the merged run cannot be written, or would be inside one of its parts."""
    if into.name == LAST:
        raise UserError(f"{into} is what points at the last run. Choose another directory.")
    if into.is_symlink() or into.is_file() or (into.is_dir() and any(into.iterdir())):
        raise UserError(f"{into} is a link, a file or not empty. Choose another directory.")
    check_folder(into)
    around = set(map(resolve, folders)) & set(resolve(into).parents)
    if around:
        raise UserError(
            f"{into} is inside {min(around)}, which is merged. Choose another directory."
        )
    places = Counter(map(resolve, folders))
    repeated = [place for place, count in places.items() if count > 1]
    if repeated:
        raise UserError(f"{repeated[0]} is given twice. Name each part once.")


def _read_part(folder: Path) -> ShardRun:
    manifest = read_manifest(folder)
    if manifest.population is None:
        raise UserError(f"{folder} was made by a version of the suite that could not merge runs.")
    return ShardRun(folder=folder, manifest=manifest, records=list(read_records(folder)))


def _check_compatible(before: Sequence[ShardRun], part: ShardRun) -> None:
    first = before[0]
    names = list_differences(first.manifest, part.manifest)
    changed = describe_pixel_change([r for part in before for r in part.records], part.records)
    if changed is not None:
        names.insert(0, changed)
    if first.manifest.robustness != part.manifest.robustness:
        names.append("robustness")
    if (first.manifest.identity is None) != (part.manifest.identity is None):
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


def _same_answer(record: Record, other: Record) -> bool:
    """True if two records have the same prompt, reply and verdict; times may differ.

    Probabilities count as the same where only rounding tells them apart.
    """
    texts = [side.answer.text if side.answer else None for side in (record, other)]
    chances = [side.answer.p_fake if side.answer else None for side in (record, other)]
    verdict, other_verdict = record.verdict, other.verdict
    return (
        texts[0] == texts[1]
        and _is_same_chance(*chances)
        and record.prompt == other.prompt
        and (verdict.outcome, verdict.label, verdict.score)
        == (other_verdict.outcome, other_verdict.label, other_verdict.score)
    )


def _is_same_chance(chance: float | None, other: float | None) -> bool:
    if chance is None or other is None:
        return chance is other
    return abs(chance - other) <= _SAME_CHANCE


def merge_manifests(parts: Sequence[ShardRun], records: Sequence[Record]) -> Manifest:
    """The manifest of the merged run: settings of any part, sessions listed under ``merged``."""
    manifests = [part.manifest for part in parts]
    first = manifests[0]
    machines = _list_distinct(manifest.hardware for manifest in manifests)
    sessions = [session for part in parts for session in _list_sessions(part)]
    # Engines give the same answers, so shards of several engines can be merged.
    engines = _list_distinct(session.engine for session in sessions if session.engine is not None)
    calibrations = [
        manifest.judge.calibration for manifest in manifests if manifest.judge.calibration
    ]
    # A judge that failed its calibration in one session failed it for the merged run.
    calibration = min(calibrations, key=lambda calibration: calibration.passed, default=None)
    recorded = len(records)
    selected = sum(manifest.selected or 0 for manifest in manifests)
    repeated = sum(len(part.records) for part in parts) - recorded
    merged = msgspec.structs.replace(
        first,
        judge=msgspec.structs.replace(
            first.judge,
            calibration=calibration,
            given_up=next(filter(None, (part.judge.given_up for part in manifests)), None),
        ),
        started=min(manifest.started for manifest in manifests),
        shard=None,
        hardware=machines[0] if len(machines) == 1 else ManifestHardware(mixed=machines),
        selected=max(recorded, selected - repeated),
        recorded=recorded,
        errors=sum(record.verdict.outcome.is_error for record in records),
        wall_seconds=max(manifest.wall_seconds or 0.0 for manifest in manifests),
        workers=sum(manifest.workers or 0 for manifest in manifests),
        engine=engines[0] if len(engines) == 1 else ManifestEngine(name="mixed", mixed=engines),
        inference=_list_distinct(chain.from_iterable(m.inference for m in manifests)),
        merged=sessions,
        resumed=[resumption for manifest in manifests for resumption in manifest.resumed],
        reused=_merge_reuse(manifests, records),
        command=_join_distinct(manifest.command for manifest in manifests),
        commit=_join_distinct(manifest.commit for manifest in manifests),
        filter=_join_distinct(manifest.filter for manifest in manifests),
    )
    return replace_coverage(merged, merge_coverage(parts, records))


def _merge_reuse(manifests: Sequence[Manifest], records: Sequence[Record]) -> ManifestReuse | None:
    """The answers that all parts together took over; None where no part took any."""
    parts = [manifest.reused for manifest in manifests if manifest.reused is not None]
    if not parts:
        return None
    asked = sum((Counter(part.asked) for part in parts), Counter[str]())
    return ManifestReuse(
        run=_join_distinct(part.run for part in parts),
        started=min(part.started for part in parts),
        taken=sum(record.reused for record in records),
        asked=dict(sorted(asked.items())),
    )


def _join_distinct(texts: Iterable[str | None]) -> str:
    """The distinct texts; of several, the first and the number of others."""
    values = _list_distinct(filter(None, texts))
    return " and ".join([*values[:1], *([f"{len(values) - 1} more"] if values[1:] else [])])


def _list_distinct(items: Iterable[T]) -> list[T]:
    distinct: list[T] = []
    for item in items:
        if item not in distinct:
            distinct.append(item)
    return distinct


def _list_sessions(part: ShardRun) -> list[ManifestSession]:
    """The sessions that a part was merged from, or its own."""
    manifest = part.manifest
    return manifest.merged or [
        ManifestSession(
            run=part.folder.resolve().name,
            started=manifest.started,
            shard=manifest.shard,
            hardware=manifest.hardware,
            wall_seconds=manifest.wall_seconds,
            workers=manifest.workers,
            engine=manifest.engine,
            command=manifest.command,
        )
    ]


def merged_intent(manifest: Manifest, parts: Sequence[ShardRun], *, baseline: bool) -> RunIntent:
    """The intent of a merged run, for checks of gates."""
    unmet = set() if manifest.judge.label == "likelihood" else {Need.LIKELIHOOD}
    if not has_extra(Extra.SIMILARITY):
        unmet.add(Need.ENCODER)
    return RunIntent(
        data=manifest.dataset.name,
        population=manifest.population or {},
        drawn=find_drawn(manifest),
        sample=manifest.sample,
        selected={task: counts.recorded for task, counts in (manifest.tasks or {}).items()},
        baseline=baseline,
        timed=any(read_timings(part.folder) for part in parts),
        # No manifest says whether a judge gives ratings.
        met={*Need} - unmet,
        shard=False,
    )
