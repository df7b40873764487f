"""The subgroups of a case, and the number of cases in each subgroup of a data set.

Scores are reported for the same subgroups; ``metrics/scores.py`` groups records alike, and tests
compare both.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

from fakebench_suite.errors import describe_choices
from fakebench_suite.tasks.registry import Grader, get_task, list_tasks
from fakebench_suite.tasks.robustness import IDENTITY, SEARCH, format_chain, parse_chain
from fakebench_suite.types import Authenticity, Case, Task

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
        yield from (f"category={name}" for name in split_categories(case.content_categories))


def split_categories(text: str) -> list[str]:
    """The categories that an image lies in, sorted: "scenery, photo" lies in both."""
    return sorted({name.strip() for name in text.split(",") if name.strip()})


def check_subgroup(task: str, subgroup: str) -> None:
    """Raise ValueError, in one clause, where no data set can have a case of a task in a subgroup.

    Generators, criteria and categories have the names that data sets give them; which one has a
    case is for :func:`count_cases` to say.
    """
    if subgroup == ALL:
        return
    by_label = get_task(task).grader in (Grader.LABEL, Grader.CHOICE)
    keys = ["generator", "criterion", "category"]
    if task == Task.ROBUSTNESS:
        keys = ["perturbation"]
    elif by_label:
        keys = ["label", "question_type", *keys]
    key, _, value = subgroup.partition("=")
    if key not in keys or not value.strip():
        names = [ALL, *(f"{name}=NAME" for name in keys)]
        raise ValueError(
            f"subgroup = {subgroup!r} is none of {task}; {describe_choices(f'{key}=NAME', names)}"
        )
    values: dict[str, list[str]] = {
        "label": list(Authenticity),
        "question_type": list(get_task(task).question_types),
    }
    if key in values and value not in values[key]:
        choices = [f"{key}={name}" for name in values[key]]
        raise ValueError(
            f"subgroup = {subgroup!r} is none of {task}; {describe_choices(subgroup, choices)}"
        )
    if key == "perturbation" and value != SEARCH:
        name = format_chain(parse_chain(value))
        if value not in (name, IDENTITY):
            raise ValueError(f"subgroup = {subgroup!r} is written perturbation={name}")


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
