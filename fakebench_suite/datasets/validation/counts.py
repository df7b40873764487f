"""Numbers of cases and images, in total and by task, label, question type and other subgroups."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from fakebench_suite.datasets.validation.issues import DatasetTotals, SubgroupCount
from fakebench_suite.types import Case, Task

_SUBGROUPS: Mapping[str, Callable[[Case], str | None]] = {
    "task": lambda case: case.task,
    "label": lambda case: case.label or "no label",
    "question_type": lambda case: case.question_type,
    "generator": lambda case: case.generator,
    "criterion": lambda case: case.criterion,
}


def count_totals(cases: Sequence[Case]) -> DatasetTotals:
    """Return the totals over all cases."""
    detections = [case for case in cases if case.task == Task.DETECTION]
    texts = [case for case in cases if case.task != Task.DETECTION]
    return DatasetTotals(
        cases=len(cases),
        images=len({case.image for case in cases}),
        texts=len(texts),
        withheld=sum(case.expected is None for case in texts),
        detections=len(detections),
        unlabelled=sum(case.label is None for case in detections),
    )


def count_subgroups(cases: Sequence[Case]) -> Iterator[SubgroupCount]:
    """Yield the cases and images of every value of every subgroup, values by first occurrence."""
    for by, select in _SUBGROUPS.items():
        counts: Counter[str] = Counter()
        images: dict[str, set[str]] = defaultdict(set)
        for case in cases:
            value = select(case)
            if value is not None:
                counts[str(value)] += 1
                images[str(value)].add(case.image)
        for value, count in counts.items():
            yield SubgroupCount(by=by, value=value, cases=count, images=len(images[value]))
