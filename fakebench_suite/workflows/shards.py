"""The runs that are merged, and how much of each task they hold together."""

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
from fakebench_suite.tasks.subgroups import ALL
from fakebench_suite.types import Record, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRun:
    """One run to be merged."""

    folder: Path
    manifest: Mapping[str, Any]
    records: Sequence[Record]

    @property
    def shards(self) -> Sequence[str]:
        """The shards it holds, each as ``K/N``: its own, or those it was merged from."""
        sittings = [self.manifest, *self.manifest.get("merged", ())]
        return [sitting["shard"] for sitting in sittings if sitting.get("shard")]

    @property
    def is_interrupted(self) -> bool:
        """Whether it was to ask more cases than it did, or did not come to say."""
        reasons = self.manifest.get("partial", ("interrupted",))
        return "interrupted" in reasons or len(self.records) < self.manifest.get("selected", 0)


def cover_parts(parts: Sequence[ShardRun], records: Sequence[Record]) -> dict[str, Any]:
    """How much of each task the parts hold together, and what makes the whole partial.

    ``records`` are those of the whole, each case once.
    """
    first = parts[0].manifest
    recorded, errors = count_records(records)
    held, _ = count_records(record for part in parts for record in part.records)
    planned = count_planned(first)
    covered, reasons = {}, {}
    for task in Task:
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
                sum(one.get("selected", 0) for one in asked) - held[task] + recorded[task],
            ),
            recorded=recorded[task],
            errors=errors[task],
        )
        drawn = SAMPLED if first.get("sample") is not None else FILTERED
        found = [drawn] if planned[task] < covered[task].cases else []
        found += missing_shards(parts, task) if recorded[task] < planned[task] else []
        reasons[task] = list(dict.fromkeys(found))
    return describe_coverage(covered, reasons)


def missing_shards(parts: Sequence[ShardRun], task: Task) -> list[str]:
    """Why cases of a task are missing: shards that are not there, filters, interruptions."""
    gaps = []
    shards = [shard.split("/") for part in parts for shard in part.shards]
    if len({total for _, total in shards}) == 1:
        total = int(shards[0][1])
        here = {int(number) for number, _ in shards}
        gaps += [f"no shard {k}/{total}" for k in range(1, total + 1) if k not in here]
    reasons = [part.manifest.get("tasks", {}).get(task, {}).get("partial", ()) for part in parts]
    if any(FILTERED in one for one in reasons):
        gaps.append(FILTERED)
    if any(part.is_interrupted for part in parts):
        gaps.append(INTERRUPTED)
    return gaps or [FILTERED]
