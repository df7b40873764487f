"""Unusual questions of any data set: repeated, without a label, or with one label only."""

from collections import Counter
from collections.abc import Iterator

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.validation.issues import Issue, IssueInstance, Severity
from fakebench_suite.types import Case, Task


def find_odd_questions(data: Dataset) -> Iterator[Issue]:
    """Yield the issues of questions, whatever file they come from; all are warnings."""
    repeated = Counter(
        (case.task, ", ".join(case.image_names), _normalise(case.question)) for case in data.cases
    )
    repetitions = [(image, question, n) for (_, image, question), n in repeated.items() if n > 1]
    if repetitions:
        yield Issue(
            name="the same question asked twice about one image",
            severity=Severity.WARNING,
            meaning="Each counts as a case of its own.",
            items=tuple(
                IssueInstance(images=(name,), detail=f"{n} x {question}")
                for name, question, n in repetitions
            ),
        )
    detections = [case for case in data.cases if case.task == Task.DETECTION]
    yield from _find_label_oddities(detections)


def _normalise(question: str) -> str:
    return " ".join(question.split()).casefold()


def _find_label_oddities(detections: list[Case]) -> Iterator[Issue]:
    """Yield the issues of missing labels, of a single label and of unequal numbers of labels."""
    unlabelled = {case.image: case for case in detections if case.label is None}
    if unlabelled:
        yield Issue(
            name="images asked about authenticity without a label",
            severity=Severity.WARNING,
            meaning="These detection cases are asked and counted as unscored.",
            items=tuple(IssueInstance(images=(image,)) for image in unlabelled),
        )
    labels = {case.image: case.label for case in detections if case.label}
    counts = Counter(labels.values())
    if len(counts) == 1:
        (label,) = counts
        yield Issue(
            name=f"every labelled image of detection is {label}",
            severity=Severity.WARNING,
            meaning=f"Always answering {label} scores 100 %, so no headline is reported.",
        )
    elif counts and min(counts.values()) < _IMBALANCE * len(labels):
        label, count = counts.most_common(1)[0]
        yield Issue(
            name=f"{count:,} of {len(labels):,} labelled images of detection are {label}",
            severity=Severity.WARNING,
            meaning=f"Always answering {label} reaches {count / len(labels):.2f} accuracy; use "
            "balanced accuracy.",
        )


_IMBALANCE = 0.4
"""Share of the rarer label below which plain accuracy is misleading."""
