"""Shards of one run, made anywhere, put together into the run they are parts of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.errors import UserError
from fakebench_suite.gates.files import Gates, agree_gates
from fakebench_suite.gates.partial import FILTERED, SAMPLED
from fakebench_suite.gates.preconditions import Intent, check_gates
from fakebench_suite.metrics.names import Need
from fakebench_suite.report.pictures import (
    DatasetImages,
    Pictures,
    ReportImages,
    adopt_pictures,
    check_size,
    open_run_data,
)
from fakebench_suite.report.store import (
    RunStore,
    check_folder,
    read_manifest,
    read_records,
    read_timings,
)
from fakebench_suite.runs.closing import ClosedRun, close_run, read_evidence
from fakebench_suite.runs.difference import SETTING, check_data, list_differences
from fakebench_suite.runs.parts import Part, cover_parts
from fakebench_suite.types import Task

_SHOWN = 4


def merge_runs(
    folders: Sequence[Path],
    into: Path,
    *,
    gates: Gates | None = None,
    baseline: Path | None = None,
    data: Path | None = None,
    size: ReportImages = ReportImages.THUMBNAIL,
) -> ClosedRun:
    """Write the run that the runs in ``folders`` are parts of, and rule it by the gates.

    Without ``gates`` these are the ones that the parts were made for. The parts must have been made
    alike, and no case may be in two of them. With the data set at ``data`` a run over FakeBench's
    own files gets its submission. Raises UserError, before anything is written, where the parts do
    not belong together or a gate lacks what it needs.
    """
    check_folder(into)
    around = {folder.resolve() for folder in folders} & set(into.resolve().parents)
    if around:
        raise UserError(
            f"{into} lies inside {min(around)}, which is merged. Choose a place beside it."
        )
    parts = [_read_part(folder) for folder in folders]
    for part in parts[1:]:
        _check_alike(parts[0], part)
    _check_apart(parts)
    rules = gates or agree_gates({part.folder: part.manifest for part in parts})
    manifest = merge_manifests(parts)
    # A shard that is missing is no exploration.
    meant = {SAMPLED, FILTERED}.issuperset(manifest["partial"])
    rules = msgspec.structs.replace(rules, strict=rules.strict or not meant)
    check_gates(rules, describe_intent(manifest, parts, baseline=baseline is not None))
    if baseline is not None:
        described = manifest["dataset"]
        check_data(baseline, name=described["name"], digest=described["digest"])
        read_evidence(baseline)  # what is wrong with it is said before anything is written
    dataset = open_run_data(manifest, data, run=folders[0])
    images = None if dataset is None else DatasetImages(dataset)
    check_size(size, images)
    store = RunStore(into)
    store.open()
    records = [record for part in parts for record in part.records]
    for record in records:
        store.append(record)
    store.close()
    for part in parts:
        adopt_pictures(into, part.folder)
    timed = (read_timings(part.folder) for part in parts)
    timings = next(filter(None, timed), None)  # one machine's; a mixture would be nobody's
    if timings is not None:
        store.write_timings(timings)
    names = sorted({record.case.image for record in records})
    with Pictures(into, names, images, size) as pictures:
        closed = close_run(
            store,
            manifest,
            records,
            gates=rules,
            baseline=baseline,
            dataset=dataset,
            pictures=pictures,
        )
    if gates is None:
        return closed
    file = gates.file or "none"
    note = f"ruled by --gates={file}, not by the gates that the runs were made for"
    return replace(closed, notes=[*closed.notes, note])


def _read_part(folder: Path) -> Part:
    manifest = read_manifest(folder)
    if not {*SETTING, "shard", "hardware", "started", "population"} <= set(manifest):
        raise UserError(f"{folder} was made by a version of the suite that could not merge runs.")
    return Part(folder=folder, manifest=manifest, records=list(read_records(folder)))


def _check_alike(one: Part, two: Part) -> None:
    names = list_differences(one.manifest, two.manifest)
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise UserError(
            f"{two.folder} and {one.folder} are not parts of one run: they differ in "
            f"{', '.join(names[:_SHOWN])}{more}. Run all shards with the same options, versions, "
            "weights and data."
        )


def _check_apart(parts: Sequence[Part]) -> None:
    owners: dict[str, Path] = {}
    for part in parts:
        for record in part.records:
            if record.case.id in owners:
                raise UserError(
                    f"{owners[record.case.id]} and {part.folder} both hold {record.case.id}, and "
                    "a case counts once. Leave one of them out."
                )
            owners[record.case.id] = part.folder


def merge_manifests(parts: Sequence[Part]) -> dict[str, Any]:
    """The manifest of the whole: settings from any part, sittings listed under ``merged``."""
    manifests = [part.manifest for part in parts]
    first = manifests[0]
    machines = [one["hardware"] for one in manifests]
    alike = all(machine == machines[0] for machine in machines)
    audits = [one["judge"]["audit"] for one in manifests if "audit" in one["judge"]]
    sittings = [sitting for part in parts for sitting in _list_sittings(part)]
    # Engines answer alike, so that shards of several belong together; the manifest names them.
    engines = _list_distinct([one["engine"]] for one in sittings if "engine" in one)
    # One sitting in which the judge was unfit makes it unfit for the whole.
    audit = min(audits, key=lambda one: bool(one["passed"]), default=None)
    judge = {name: value for name, value in first["judge"].items() if name != "audit"}
    return (
        {name: first[name] for name in SETTING}
        | {"judge": judge | ({} if audit is None else {"audit": audit})}
        | {
            "started": min(one["started"] for one in manifests),
            "shard": None,
            "hardware": machines[0] if alike else {"mixed": machines},
            "selected": sum(one.get("selected", 0) for one in manifests),
            "recorded": sum(len(part.records) for part in parts),
            "errors": sum(r.verdict.outcome.is_error for part in parts for r in part.records),
            "wall_seconds": max(one.get("wall_seconds", 0.0) for one in manifests),
            "workers": sum(one.get("workers", 0) for one in manifests),
            "engine": engines[0] if len(engines) == 1 else {"name": "mixed", "mixed": engines},
            "routes": _list_distinct(one.get("routes", []) for one in manifests),
            "merged": sittings,
        }
        | {name: first[name] for name in ("population", "drawn") if name in first}
        | {name: _join(manifests, name) for name in ("command", "commit", "filter")}
        | cover_parts(parts)
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


def _list_sittings(part: Part) -> list[dict[str, Any]]:
    """The sittings a part was merged from, or the one that it is."""
    if part.manifest.get("merged"):
        return list(part.manifest["merged"])
    names = ("started", "shard", "hardware", "wall_seconds", "workers", "engine", "command")
    own = {name: part.manifest[name] for name in names if name in part.manifest}
    return [{"run": part.folder.resolve().name} | own]


def describe_intent(
    manifest: Mapping[str, Any], parts: Sequence[Part], *, baseline: bool
) -> Intent:
    """What gates can count on in a merged run."""
    likelihood = manifest["judge"]["label"] == "likelihood"
    return Intent(
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
