"""How much of a data set a run asked, task by task, and so what makes it partial."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fakebench_suite.runs.partial import FILTERED, INTERRUPTED, SAMPLED
from fakebench_suite.tasks.subgroups import ALL, count_cases
from fakebench_suite.types import Case, Record, Task


def describe_population(cases: Sequence[Case], drawn: Sequence[Case]) -> dict[str, Any]:
    """What gates need to know of the data set: its cases by task and subgroup, and the sample's."""
    described: dict[str, Any] = {"population": count_cases(cases)}
    return described | ({"drawn": count_cases(drawn)} if len(drawn) < len(cases) else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Cases of one task, from all there are down to those that were recorded."""

    cases: int
    """Of the data set."""
    planned: int
    """In the sample, over all shards."""
    offered: int
    """In this shard."""
    selected: int
    """Left over by filters."""
    recorded: int
    errors: int


def cover_tasks(
    manifest: Mapping[str, Any],
    records: Iterable[Record],
    *,
    offered: Mapping[Task, int],
    selected: Mapping[Task, int],
) -> dict[str, Any]:
    """The manifest's ``tasks``, ``partial`` and ``status`` at the end of one sitting.

    A task of which no case was selected was not asked, and makes nothing partial: a run is partial
    where one of the tasks that it did ask is.
    """
    recorded, errors = count_records(records)
    planned = count_planned(manifest)
    covered = {
        task: Coverage(
            cases=manifest["population"][task][ALL],
            planned=planned.get(task, 0),
            offered=offered.get(task, 0),
            selected=selected[task],
            recorded=recorded.get(task, 0),
            errors=errors.get(task, 0),
        )
        for task in Task
        if selected.get(task)
    }
    reasons = {task: _list_reasons(manifest, one) for task, one in covered.items()}
    return describe_coverage(covered, reasons)


def describe_coverage(
    covered: Mapping[Task, Coverage], reasons: Mapping[Task, Sequence[str]]
) -> dict[str, Any]:
    """The manifest's ``tasks``, ``partial`` and ``status``."""
    partial = list(dict.fromkeys(reason for task in covered for reason in reasons[task]))
    return {
        "status": INTERRUPTED if INTERRUPTED in partial else "finished",
        "partial": partial,
        "tasks": {
            str(task): {
                "cases": one.cases,
                "planned": one.planned,
                "selected": one.selected,
                "recorded": one.recorded,
                "errors": one.errors,
                "partial": list(reasons[task]),
            }
            for task, one in covered.items()
        },
    }


def count_planned(manifest: Mapping[str, Any]) -> Mapping[Task, int]:
    """Cases of the sample, or else of the data set, by task."""
    population = manifest.get("drawn", manifest["population"])
    return {task: population[task][ALL] for task in Task if task in population}


def count_records(records: Iterable[Record]) -> tuple[Mapping[Task, int], Mapping[Task, int]]:
    """Records by task, and those of them that ended in an error."""
    recorded, errors = dict.fromkeys(Task, 0), dict.fromkeys(Task, 0)
    for record in records:
        recorded[record.case.task] += 1
        errors[record.case.task] += record.verdict.outcome.is_error
    return recorded, errors


def _list_reasons(manifest: Mapping[str, Any], one: Coverage) -> Sequence[str]:
    reasons = []
    if one.planned < one.cases:
        # With --answers the cases are those of the earlier run, whatever chose them.
        reasons.append(SAMPLED if manifest["sample"] is not None else FILTERED)
    if manifest["shard"] is not None:
        reasons.append(f"shard {manifest['shard']}")
    if one.selected < one.offered and FILTERED not in reasons:
        reasons.append(FILTERED)
    if one.recorded < one.selected:
        reasons.append(INTERRUPTED)
    return reasons
