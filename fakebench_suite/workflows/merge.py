"""Shards of one run, made anywhere, put together into the run they are parts of."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.errors import UserError
from fakebench_suite.files.drafts import write_directory
from fakebench_suite.files.paths import resolve
from fakebench_suite.gates.config import GateConfig, common_gates
from fakebench_suite.gates.preconditions import RunIntent, check_gates
from fakebench_suite.metrics.names import Need
from fakebench_suite.provenance import read_identity
from fakebench_suite.report.thumbnails import (
    DatasetImages,
    ReportImages,
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
from fakebench_suite.types import Record, Task
from fakebench_suite.workflows.finalize import FinalizedRun, finalize_run, read_run_view
from fakebench_suite.workflows.shards import ShardRun, cover_parts

_SHOWN = 8


def merge_runs(
    folders: Sequence[Path],
    into: Path,
    *,
    gates: GateConfig | None = None,
    baseline: Path | None = None,
    data: Path | None = None,
    size: ReportImages = ReportImages.THUMBNAIL,
) -> FinalizedRun:
    """Write the run that the runs in ``folders`` are parts of, and rule it by the gates.

    Without ``gates`` these are the ones that the parts were made for.
    The parts must have been made alike. A case that several of them hold counts once: an answer
    takes the place of an error, and answers must agree. With the data set at ``data`` a run over
    FakeBench's own files gets its submission. The run is written beside ``into`` and gets its name
    when it is whole. Raises UserError, before anything is written, where the parts do not belong
    together.
    """
    _check_place(into, folders)
    parts = [_read_part(folder) for folder in folders]
    for number, part in enumerate(parts[1:], start=1):
        _check_alike(parts[:number], part)
    records = combine_records(parts)
    rules = gates or common_gates({part.folder: part.manifest for part in parts})
    manifest = merge_manifests(parts, records)
    # A shard that is missing is no exploration.
    meant = {SAMPLED, FILTERED}.issuperset(manifest["partial"])
    rules = msgspec.structs.replace(rules, strict=rules.strict or not meant)
    check_gates(rules, describe_intent(manifest, parts, baseline=baseline is not None))
    if baseline is not None:
        described = manifest["dataset"]
        check_data(baseline, name=described["name"], digest=described["digest"])
        read_run_view(baseline)  # what is wrong with it is said before anything is written
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
        timings = next(filter(None, timed), None)  # one machine's; a mixture would be nobody's
        if timings is not None:
            store.write_timings(timings)
        closed = finalize_run(
            store,
            manifest,
            records,
            gates=rules,
            baseline=baseline,
            dataset=dataset,
            size=size,
        )
    if any(resolve(folder).parent == resolve(into).parent for folder in folders):
        point_last(into)  # where runs lie beside it; elsewhere the link would be in the way
    page = into / Path(closed.report).name
    report = str(page) if page.is_file() else closed.report
    notes = list(closed.notes)
    if gates is not None:
        file = gates.file or "none"
        notes.append(f"ruled by --gates={file}, not by the gates that the runs were made for")
    return replace(closed, folder=into, report=report, notes=notes)


def _check_place(into: Path, folders: Sequence[Path]) -> None:
    """Raise UserError where the whole could not be written, or would lie in one of its parts."""
    check_folder(into)
    around = set(map(resolve, folders)) & set(resolve(into).parents)
    if around:
        raise UserError(
            f"{into} lies inside {min(around)}, which is merged. Choose a place beside it."
        )
    if into.is_symlink() or (into.exists() and any(into.iterdir())):
        raise UserError(f"{into} is a link, or holds something already. Choose a new place.")
    places = Counter(map(resolve, folders))
    twice = [place for place, count in places.items() if count > 1]
    if twice:
        raise UserError(f"{twice[0]} is given twice. Name every part once.")


def _read_part(folder: Path) -> ShardRun:
    manifest = read_manifest(folder)
    if not {*COMPARED_KEYS, "shard", "hardware", "started", "population"} <= set(manifest):
        raise UserError(f"{folder} was made by a version of the suite that could not merge runs.")
    return ShardRun(folder=folder, manifest=manifest, records=list(read_records(folder)))


def _check_alike(before: Sequence[ShardRun], two: ShardRun) -> None:
    one = before[0]
    names = list_differences(one.manifest, two.manifest)
    changed = describe_pixel_change([r for part in before for r in part.records], two.records)
    if changed is not None:
        names.insert(0, changed)
    if (read_identity(one.manifest) is None) != (read_identity(two.manifest) is None):
        names.insert(0, "identity (one of them has none)")
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise UserError(
            f"{two.folder} and {one.folder} are not parts of one run: they differ in "
            f"{', '.join(names[:_SHOWN])}{more}. Run all shards with the same options, versions, "
            "weights and data."
        )


def combine_records(parts: Sequence[ShardRun]) -> list[Record]:
    """The records of the whole, each case once: an answer takes the place of an error.

    Of two errors the later part's counts. Raises UserError where two answers to one case differ.
    """
    found: dict[str, tuple[Path, Record]] = {}
    for part in parts:
        for record in part.records:
            owner, known = found.get(record.case.id, (part.folder, record))
            if known.verdict.outcome.is_error:
                found[record.case.id] = part.folder, record
            elif not record.verdict.outcome.is_error and not _agree(known, record):
                raise UserError(
                    f"{owner} and {part.folder} both hold an answer to {record.case.id}, and they "
                    "differ. A case counts once: leave one of them out."
                )
            else:
                found[record.case.id] = owner, known
    return [record for _, record in found.values()]


def _agree(one: Record, two: Record) -> bool:
    """Whether two records say the same of a case; what it took to answer may differ."""
    texts = [side.answer.text if side.answer else None for side in (one, two)]
    ours, theirs = one.verdict, two.verdict
    return (
        texts[0] == texts[1]
        and one.prompt == two.prompt
        and (ours.outcome, ours.label, ours.score) == (theirs.outcome, theirs.label, theirs.score)
    )


def merge_manifests(parts: Sequence[ShardRun], records: Sequence[Record]) -> dict[str, Any]:
    """The manifest of the whole: settings from any part, sittings listed under ``merged``."""
    manifests = [part.manifest for part in parts]
    first = manifests[0]
    machines = [one["hardware"] for one in manifests]
    alike = all(machine == machines[0] for machine in machines)
    recorded = len(records)
    selected = sum(one.get("selected", 0) for one in manifests)
    repeated = sum(len(part.records) for part in parts) - recorded
    audits = [one["judge"]["audit"] for one in manifests if "audit" in one["judge"]]
    sittings = [sitting for part in parts for sitting in _list_sittings(part)]
    # Engines answer alike, so that shards of several belong together; the manifest names them.
    engines = _list_distinct([one["engine"]] for one in sittings if "engine" in one)
    # One sitting in which the judge was unfit makes it unfit for the whole.
    audit = min(audits, key=lambda one: bool(one["passed"]), default=None)
    judge = {name: value for name, value in first["judge"].items() if name != "audit"}
    return (
        {name: first[name] for name in COMPARED_KEYS}
        | {name: first[name] for name in ("protocol", "identity") if name in first}
        | {"judge": judge | ({} if audit is None else {"audit": audit})}
        | {
            "started": min(one["started"] for one in manifests),
            "shard": None,
            "hardware": machines[0] if alike else {"mixed": machines},
            "selected": max(recorded, selected - repeated),
            "recorded": recorded,
            "errors": sum(record.verdict.outcome.is_error for record in records),
            "wall_seconds": max(one.get("wall_seconds", 0.0) for one in manifests),
            "workers": sum(one.get("workers", 0) for one in manifests),
            "engine": engines[0] if len(engines) == 1 else {"name": "mixed", "mixed": engines},
            "routes": _list_distinct(one.get("routes", []) for one in manifests),
            "merged": sittings,
        }
        | {name: first[name] for name in ("population", "drawn") if name in first}
        | {name: _join(manifests, name) for name in ("command", "commit", "filter")}
        | cover_parts(parts, records)
    )


def _join(manifests: Sequence[Mapping[str, Any]], name: str) -> str:
    """What the parts have under a name, each once; of many the first, and how many more."""
    found = list(dict.fromkeys(one[name] for one in manifests if one.get(name)))
    return " and ".join([*found[:1], *([f"{len(found) - 1} more"] if found[1:] else [])])


def _list_distinct(lists: Iterable[list[Any]]) -> list[Any]:
    found: list[Any] = []
    for one in chain.from_iterable(lists):
        if one not in found:
            found.append(one)
    return found


def _list_sittings(part: ShardRun) -> list[dict[str, Any]]:
    """The sittings a part was merged from, or the one that it is."""
    if part.manifest.get("merged"):
        return list(part.manifest["merged"])
    names = ("started", "shard", "hardware", "wall_seconds", "workers", "engine", "command")
    own = {name: part.manifest[name] for name in names if name in part.manifest}
    return [{"run": part.folder.resolve().name} | own]


def describe_intent(
    manifest: Mapping[str, Any], parts: Sequence[ShardRun], *, baseline: bool
) -> RunIntent:
    """What gates can count on in a merged run."""
    likelihood = manifest["judge"]["label"] == "likelihood"
    return RunIntent(
        data=manifest["dataset"]["name"],
        population=manifest["population"],
        drawn=manifest.get("drawn", manifest["population"]),
        sample=manifest.get("sample"),
        selected={Task(task): one["recorded"] for task, one in manifest["tasks"].items()},
        baseline=baseline,
        timed=any(read_timings(part.folder) for part in parts),
        # Whether a judge is one that gives marks is in no manifest.
        met={*Need} - ({Need.LIKELIHOOD} if not likelihood else set()),
        shard=False,
    )
