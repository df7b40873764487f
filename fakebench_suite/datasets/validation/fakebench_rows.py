"""Unusual rows of files in FakeBench's layout; the published files contain most of them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.validation.issues import Issue, IssueInstance, Severity
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.prompts import has_suffix
from fakebench_suite.types import Case, Task

_REVERSED = re.compile(r"\brealis|\bconvincing", re.IGNORECASE)
"""Questions about "unrealistic" to which "yes" means realistic."""


def find_odd_rows(data: Dataset) -> Iterator[Issue]:
    """Yield the issues of FakeClass, FakeClue and FakeQA rows; all are warnings."""
    if data.kind not in {"official", "layout"}:
        return
    analysis = [case for case in data.cases if case.task == Task.ANALYSIS]
    for name, meaning, items in (
        (
            "FakeQA rows that lack questions other rows have",
            "Only the questions present are asked.",
            _list_missing_questions(analysis),
        ),
        (
            "FakeQA questions whose criterion is not the one of their slot",
            "The suite goes by the wording; a script that goes by the slot is wrong here.",
            _list_misplaced_criteria(analysis),
        ),
        (
            "FakeQA rows that ask about one criterion twice, in the same or other words",
            "Each question is a case of its own; often another criterion is missing.",
            _list_repeated_criteria(analysis),
        ),
        (
            "FakeQA questions without the suffix about authenticity",
            "Prompts of both styles end in it once; in other questions --prompts=paper doubles it.",
            [_to_instance(case) for case in analysis if not has_suffix(case.question)],
        ),
        (
            "FakeQA questions about the unrealistic that ask for realism",
            "A yes means the opposite of what it means in the other questions.",
            [_to_instance(case) for case in analysis if _is_reversed(case)],
        ),
        (
            "images of FakeClue or FakeQA that FakeClass does not have",
            "No case asks whether they are fake, so their texts have no detection to compare with.",
            _list_without_detection(data.cases),
        ),
    ):
        if items:
            yield Issue(name=name, severity=Severity.WARNING, meaning=meaning, items=tuple(items))


def _to_instance(case: Case) -> IssueInstance:
    return IssueInstance(images=(case.image,), detail=case.question.strip())


def _list_missing_questions(analysis: Sequence[Case]) -> list[IssueInstance]:
    """Return the images that lack questions which others have, with these questions."""
    slots: dict[str, set[int]] = defaultdict(set)
    for case in analysis:
        slots[case.image].add(case.slot or 0)
    all_slots = set().union(*slots.values())
    return [
        IssueInstance(
            images=(image,), detail=", ".join(f"Q{slot}" for slot in sorted(all_slots - present))
        )
        for image, present in slots.items()
        if present != all_slots
    ]


def _list_misplaced_criteria(analysis: Sequence[Case]) -> list[IssueInstance]:
    """Return the questions whose criterion is not the one of their slot in the paper."""
    canonical = dict(enumerate(CRITERIA, start=1))
    return [
        IssueInstance(images=(case.image,), detail=f"Q{case.slot} asks about {case.criterion}")
        for case in analysis
        if canonical.get(case.slot or 0) != case.criterion
    ]


def _list_repeated_criteria(analysis: Sequence[Case]) -> list[IssueInstance]:
    """Return the images with several questions about one criterion."""
    slots_by_criterion: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for case in analysis:
        slots_by_criterion[case.image, case.criterion].append(case.slot or 0)
    return [
        IssueInstance(
            images=(image,), detail=f"{criterion} in {' and '.join(f'Q{n}' for n in slots)}"
        )
        for (image, criterion), slots in slots_by_criterion.items()
        if len(slots) > 1
    ]


def _is_reversed(case: Case) -> bool:
    return case.criterion == "unrealistic" and bool(_REVERSED.search(case.question))


def _list_without_detection(cases: Sequence[Case]) -> list[IssueInstance]:
    """Return images of text tasks without a detection case, if the data has detection cases."""
    detected = {case.image for case in cases if case.task == Task.DETECTION}
    images = dict.fromkeys(case.image for case in cases if case.image not in detected)
    return [IssueInstance(images=(image,)) for image in images] if detected else []
