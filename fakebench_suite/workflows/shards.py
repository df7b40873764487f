"""The parts of a merged run, and their coverage of each task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakebench_suite.runs.coverage import (
    Coverage,
    count_planned,
    count_records,
    describe_coverage,
)
from fakebench_suite.runs.partial import FILTERED, INTERRUPTED, SAMPLED
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.tasks.subgroups import ALL
from fakebench_suite.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRun:
    """One run to be merged."""

    folder: Path
    manifest: Mapping[str, Any]
    records: Sequence[Record]

    @property
    def shards(self) -> Sequence[str]:
        """The shards in this run, each as ``K/N``: its own, or those it was merged from."""
        sessions = [self.manifest, *self.manifest.get("merged", ())]
        return [session["shard"] for session in sessions if session.get("shard")]

    @property
    def is_interrupted(self) -> bool:
        """True if it recorded fewer cases than it selected, or never wrote its final manifest."""
        reasons = self.manifest.get("partial", ("interrupted",))
        return "interrupted" in reasons or len(self.records) < self.manifest.get("selected", 0)


def merge_coverage(parts: Sequence[ShardRun], records: Sequence[Record]) -> dict[str, Any]:
    """The coverage of each task by all parts, and why the merged run is partial.

    ``records`` are those of the merged run, each case once.
    """
    first = parts[0].manifest
    recorded, errors = count_records(records)
    in_parts, _ = count_records(record for part in parts for record in part.records)
    planned = count_planned(first)
    covered, reasons = {}, {}
    for task in list_tasks():
        asked = [part.manifest.get("tasks", {}).get(task, {}) for part in parts]
        cut_off = any("tasks" not in part.manifest for part in parts)
        if task not in planned or not (any(asked) or recorded[task] or cut_off):
            continue
        covered[task] = Coverage(
            cases=first["population"][task][ALL],
            planned=planned[task],
            offered=planned[task],
            selected=max(
                recorded[task],
                sum(coverage.get("selected", 0) for coverage in asked)
                - in_parts[task]
                + recorded[task],
            ),
            recorded=recorded[task],
            errors=errors[task],
        )
        drawn = SAMPLED if first.get("sample") is not None else FILTERED
        partial = [drawn] if planned[task] < covered[task].cases else []
        partial += missing_reasons(parts, task) if recorded[task] < planned[task] else []
        reasons[task] = list(dict.fromkeys(partial))
    return describe_coverage(covered, reasons)


def missing_reasons(parts: Sequence[ShardRun], task: str) -> list[str]:
    """Why cases of a task are missing: absent shards, filters, interruptions."""
    gaps = []
    shards = [shard.split("/") for part in parts for shard in part.shards]
    if len({total for _, total in shards}) == 1:
        total = int(shards[0][1])
        present = {int(number) for number, _ in shards}
        gaps += [f"no shard {k}/{total}" for k in range(1, total + 1) if k not in present]
    reasons = [part.manifest.get("tasks", {}).get(task, {}).get("partial", ()) for part in parts]
    if any(FILTERED in reason for reason in reasons):
        gaps.append(FILTERED)
    if any(part.is_interrupted for part in parts):
        gaps.append(INTERRUPTED)
    return gaps or [FILTERED]
