"""The subgroups a case belongs to, and how many cases a data set has of each.

They are named as the ``subgroup`` of a score; ``metrics/scores.py`` divides records alike, and the
tests hold the two against each other.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from fakebench_suite.types import Case, Task

ALL = "all"
Population = Mapping[str, Mapping[str, int]]
"""Cases by task and subgroup."""


def list_subgroups(case: Case) -> Iterator[str]:
    """``all``; label and question type (detection); generator, criterion and categories."""
    yield ALL
    if case.task is Task.DETECTION:
        if case.label:
            yield f"label={case.label}"
        yield f"question_type={case.question_type}"
    if case.generator is not None:
        yield f"generator={case.generator}"
    if case.criterion is not None:
        yield f"criterion={case.criterion}"
    if case.content_categories is not None:
        yield from (
            f"category={name}"
            for name in sorted({name.strip() for name in case.content_categories.split(",")})
        )


def count_cases(cases: Iterable[Case]) -> dict[str, dict[str, int]]:
    """The number of cases by task and subgroup, tasks in their order, subgroups by name."""
    counts: dict[Task, Counter[str]] = {task: Counter() for task in Task}
    for case in cases:
        counts[case.task].update(list_subgroups(case))
    return {
        str(task): {name: found[name] for name in sorted(found)}
        for task, found in counts.items()
        if found
    }
