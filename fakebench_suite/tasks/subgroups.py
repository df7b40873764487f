"""The subgroups of a case, and the number of cases in each subgroup of a data set.

Scores are reported for the same subgroups; ``metrics/scores.py`` groups records alike, and tests
compare both.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

from fakebench_suite.tasks.registry import Grader, get_task, list_tasks
from fakebench_suite.types import Case

ALL = "all"
"""The subgroup of all cases."""
Population = Mapping[str, Mapping[str, int]]
"""Number of cases by task and subgroup."""


_KIND = attrgetter(
    "task",
    "label",
    "question_type",
    "generator",
    "criterion",
    "content_categories",
    "perturbation",
)
"""What the subgroups of a case depend on."""


def list_subgroups(case: Case) -> Iterator[str]:
    """``all``; label and question type (of graded labels); generator, criterion and categories.

    Of a perturbed case ``all`` and its perturbation alone: subgroups of other kinds would mix the
    perturbations.
    """
    yield ALL
    if case.perturbation is not None:
        yield f"perturbation={case.perturbation}"
        return
    if get_task(case.task).grader in (Grader.LABEL, Grader.CHOICE):
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
    """Return the number of cases by task and subgroup, tasks in their order, subgroups by name."""
    counts_by_kind: Counter[tuple[object, ...]] = Counter()
    examples: dict[tuple[object, ...], Case] = {}
    for case in cases:
        kind = _KIND(case)
        counts_by_kind[kind] += 1
        examples[kind] = case
    counts: dict[str, Counter[str]] = {task: Counter() for task in list_tasks()}
    for kind, count in counts_by_kind.items():
        case = examples[kind]
        for name in list_subgroups(case):
            counts[case.task][name] += count
    return {
        str(task): {name: counter[name] for name in sorted(counter)}
        for task, counter in counts.items()
        if counter
    }
