"""The coverage of a data set by a run, task by task, and why the run is partial."""

from collections.abc import Iterable, Mapping

import msgspec

from fakebench_suite.runs.completeness import FILTERED, INTERRUPTED, SAMPLED
from fakebench_suite.runs.manifest import CaseCounts, Manifest, ManifestTaskCounts, RunStatus
from fakebench_suite.tasks.registry import Grader, get_task, list_tasks
from fakebench_suite.tasks.subgroups import ALL
from fakebench_suite.types import Outcome, Record


def cover_tasks(
    manifest: Manifest,
    records: Iterable[Record],
    *,
    offered: Mapping[str, int],
    selected: Mapping[str, int],
) -> dict[str, ManifestTaskCounts]:
    """The coverage of each task at the end of a session.

    ``offered`` are the cases of each task in this shard, ``selected`` those that filters left of
    them. Tasks without a selected case do not count.
    """
    recorded, errors = count_records(records)
    population, planned = manifest.population or {}, count_planned(manifest)
    covered = {}
    for task in list_tasks():
        if not selected.get(task):
            continue
        cases = population[task][ALL]
        reasons = []
        if planned.get(task, 0) < cases:
            # With --answers the cases are those of the earlier run.
            reasons.append(SAMPLED if manifest.sample is not None else FILTERED)
        if manifest.shard is not None:
            reasons.append(f"shard {manifest.shard}")
        if selected[task] < offered.get(task, 0) and FILTERED not in reasons:
            reasons.append(FILTERED)
        if recorded[task] < selected[task]:
            reasons.append(INTERRUPTED)
        covered[task] = ManifestTaskCounts(
            cases=cases,
            planned=planned.get(task, 0),
            selected=selected[task],
            recorded=recorded[task],
            errors=errors[task],
            partial=reasons,
        )
    return covered


def replace_coverage(manifest: Manifest, covered: dict[str, ManifestTaskCounts]) -> Manifest:
    """The manifest with these tasks, and what follows from them.

    A run is partial if one of its tasks is.
    """
    partial = list(dict.fromkeys(why for counts in covered.values() for why in counts.partial))
    return msgspec.structs.replace(
        manifest,
        status=RunStatus.INTERRUPTED if INTERRUPTED in partial else RunStatus.FINISHED,
        partial=partial,
        tasks=covered,
    )


def find_drawn(manifest: Manifest) -> CaseCounts:
    """The numbers of cases of the sample, or else of the data set."""
    return manifest.drawn or manifest.population or {}


def count_planned(manifest: Manifest) -> Mapping[str, int]:
    """Cases of the sample, or else of the data set, by task."""
    drawn = find_drawn(manifest)
    return {task: drawn[task][ALL] for task in list_tasks() if task in drawn}


def count_records(records: Iterable[Record]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Records by task, and those of them that ended in an error."""
    recorded, errors = dict.fromkeys(list_tasks(), 0), dict.fromkeys(list_tasks(), 0)
    for record in records:
        recorded[record.case.task] += 1
        errors[record.case.task] += record.verdict.outcome.is_error
    return recorded, errors


def lacks_score(record: Record) -> bool:
    """Whether a case could not be scored although the label of its image is known.

    So it is where a server gives the probability of neither option. Such cases are in no accuracy,
    and it is not known what they would change.
    """
    return (
        record.verdict.outcome is Outcome.UNSCORED
        and record.case.label is not None
        and get_task(record.case.task).grader is Grader.LABEL
    )
