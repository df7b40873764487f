"""The parts of a merged run, and their coverage of each task."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fakebench_suite.runs.completeness import FILTERED, INTERRUPTED, SAMPLED
from fakebench_suite.runs.coverage import count_planned, count_records
from fakebench_suite.runs.manifest import Manifest, ManifestTaskCounts
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.tasks.subgroups import ALL
from fakebench_suite.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRun:
    """One run to be merged."""

    folder: Path
    manifest: Manifest
    records: Sequence[Record]

    @property
    def shards(self) -> Sequence[str]:
        """The shards in this run, each as ``K/N``: its own, or those it was merged from."""
        sessions = [session.shard for session in self.manifest.merged]
        return [shard for shard in (self.manifest.shard, *sessions) if shard]

    @property
    def is_interrupted(self) -> bool:
        """True if it recorded fewer cases than it selected, or never wrote its final manifest."""
        partial, selected = self.manifest.partial, self.manifest.selected or 0
        return partial is None or INTERRUPTED in partial or len(self.records) < selected

    def count_task(self, task: str) -> ManifestTaskCounts | None:
        """How much of a task it asked; None for nothing, and if it was cut off."""
        return (self.manifest.tasks or {}).get(task)


def merge_coverage(
    parts: Sequence[ShardRun], records: Sequence[Record]
) -> dict[str, ManifestTaskCounts]:
    """The coverage of each task by all parts.

    ``records`` are those of the merged run, each case once.
    """
    first = parts[0].manifest
    recorded, errors = count_records(records)
    in_parts, _ = count_records(record for part in parts for record in part.records)
    population, planned = first.population or {}, count_planned(first)
    cut_off = any(part.manifest.tasks is None for part in parts)
    covered = {}
    for task in list_tasks():
        asked = [counts for part in parts if (counts := part.count_task(task)) is not None]
        if task not in planned or not (asked or recorded[task] or cut_off):
            continue
        cases = population[task][ALL]
        repeated = in_parts[task] - recorded[task]
        drawn = SAMPLED if first.sample is not None else FILTERED
        partial = [drawn] if planned[task] < cases else []
        partial += missing_reasons(parts, task) if recorded[task] < planned[task] else []
        covered[task] = ManifestTaskCounts(
            cases=cases,
            planned=planned[task],
            selected=max(recorded[task], sum(counts.selected for counts in asked) - repeated),
            recorded=recorded[task],
            errors=errors[task],
            partial=list(dict.fromkeys(partial)),
        )
    return covered


def missing_reasons(parts: Sequence[ShardRun], task: str) -> list[str]:
    """Why cases of a task are missing: absent shards, filters, interruptions."""
    gaps = []
    shards = [shard.split("/") for part in parts for shard in part.shards]
    if len({total for _, total in shards}) == 1:
        total = int(shards[0][1])
        present = {int(number) for number, _ in shards}
        gaps += [f"no shard {k}/{total}" for k in range(1, total + 1) if k not in present]
    asked = [counts for part in parts if (counts := part.count_task(task)) is not None]
    if any(FILTERED in counts.partial for counts in asked):
        gaps.append(FILTERED)
    if any(part.is_interrupted for part in parts):
        gaps.append(INTERRUPTED)
    return gaps or [FILTERED]
