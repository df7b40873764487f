"""The coverage of a data set by a run, task by task, and why the run is partial."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fakebench_suite.runs.partial import FILTERED, INTERRUPTED, SAMPLED
from fakebench_suite.tasks.registry import list_tasks
from fakebench_suite.tasks.subgroups import ALL, count_cases
from fakebench_suite.types import Case, Record


def describe_population(cases: Sequence[Case], drawn: Sequence[Case]) -> dict[str, Any]:
    """The cases of the data set and of the sample, by task and subgroup."""
    described: dict[str, Any] = {"population": count_cases(cases)}
    return described | ({"drawn": count_cases(drawn)} if len(drawn) < len(cases) else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Numbers of cases of one task, from the data set to the records."""

    cases: int
    """In the data set."""
    planned: int
    """In the sample, over all shards."""
    offered: int
    """In this shard."""
    selected: int
    """After filters."""
    recorded: int
    errors: int


def task_coverage(
    manifest: Mapping[str, Any],
    records: Iterable[Record],
    *,
    offered: Mapping[str, int],
    selected: Mapping[str, int],
) -> dict[str, Any]:
    """The manifest's ``tasks``, ``partial`` and ``status`` at the end of a session.

    A run is partial if one of its tasks is; tasks without a selected case do not count.
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
        for task in list_tasks()
        if selected.get(task)
    }
    reasons = {task: _partial_reasons(manifest, coverage) for task, coverage in covered.items()}
    return describe_coverage(covered, reasons)


def describe_coverage(
    covered: Mapping[str, Coverage], reasons: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The manifest's ``tasks``, ``partial`` and ``status``."""
    partial = list(dict.fromkeys(reason for task in covered for reason in reasons[task]))
    return {
        "status": INTERRUPTED if INTERRUPTED in partial else "finished",
        "partial": partial,
        "tasks": {
            str(task): {
                "cases": coverage.cases,
                "planned": coverage.planned,
                "selected": coverage.selected,
                "recorded": coverage.recorded,
                "errors": coverage.errors,
                "partial": list(reasons[task]),
            }
            for task, coverage in covered.items()
        },
    }


def count_planned(manifest: Mapping[str, Any]) -> Mapping[str, int]:
    """Cases of the sample, or else of the data set, by task."""
    population = manifest.get("drawn", manifest["population"])
    return {task: population[task][ALL] for task in list_tasks() if task in population}


def count_records(records: Iterable[Record]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Records by task, and those of them that ended in an error."""
    recorded, errors = dict.fromkeys(list_tasks(), 0), dict.fromkeys(list_tasks(), 0)
    for record in records:
        recorded[record.case.task] += 1
        errors[record.case.task] += record.verdict.outcome.is_error
    return recorded, errors


def _partial_reasons(manifest: Mapping[str, Any], coverage: Coverage) -> Sequence[str]:
    reasons = []
    if coverage.planned < coverage.cases:
        # With --answers the cases are those of the earlier run.
        reasons.append(SAMPLED if manifest["sample"] is not None else FILTERED)
    if manifest["shard"] is not None:
        reasons.append(f"shard {manifest['shard']}")
    if coverage.selected < coverage.offered and FILTERED not in reasons:
        reasons.append(FILTERED)
    if coverage.recorded < coverage.selected:
        reasons.append(INTERRUPTED)
    return reasons
