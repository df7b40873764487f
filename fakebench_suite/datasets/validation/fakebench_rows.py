"""Odd rows of files in FakeBench's layout; most of them are known of the published ones."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.validation.issues import Issue, IssueInstance, Severity
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.prompts import has_suffix
from fakebench_suite.types import Case, Task

_SLOT = re.compile(r":Q(\d+)-")
_REVERSED = re.compile(r"\brealis|\bconvincing", re.IGNORECASE)
"""Where "unrealistic" is asked about in words that a yes speaks well of."""


def find_odd_rows(data: Dataset) -> Iterator[Issue]:
    """What is odd about the rows of FakeClass, FakeClue and FakeQA; warnings only."""
    if data.kind not in {"official", "layout"}:
        return
    analysis = [case for case in data.cases if case.task is Task.ANALYSIS]
    for name, meaning, items in (
        (
            "FakeQA rows that lack questions other rows have",
            "They are asked what is there.",
            _list_missing_questions(analysis),
        ),
        (
            "FakeQA questions whose criterion is not the one of their slot",
            "The suite reads the criterion from the wording; a script that goes by slot errs here.",
            _list_misplaced_criteria(analysis),
        ),
        (
            "FakeQA rows that ask about one criterion twice, in the same words or in others",
            "Each question counts as a case of its own, and often another goes unasked.",
            _list_repeated_criteria(analysis),
        ),
        (
            "FakeQA questions without the suffix about authenticity",
            "Prompts of both styles end in it once; elsewhere --prompts=paper says it twice.",
            [_to_instance(case) for case in analysis if not has_suffix(case.question)],
        ),
        (
            "FakeQA questions about the unrealistic that ask for realism",
            "A yes means the opposite of what it means in the other questions.",
            [_to_instance(case) for case in analysis if _is_reversed(case)],
        ),
        (
            "images of FakeClue or FakeQA that FakeClass does not have",
            "Nobody asks whether they are fake: their texts stand beside no detection.",
            _list_without_detection(data.cases),
        ),
    ):
        if items:
            yield Issue(name=name, severity=Severity.WARNING, meaning=meaning, items=tuple(items))


def _to_instance(case: Case) -> IssueInstance:
    return IssueInstance(images=(case.image,), detail=case.question.strip())


def _parse_slot(case: Case) -> int:
    """The number in an official case id, ``<image>:Q<slot>-<criterion>``."""
    found = _SLOT.match(case.id, len(case.image))
    return int(found[1]) if found else 0


def _list_missing_questions(analysis: Sequence[Case]) -> list[IssueInstance]:
    slots: dict[str, set[int]] = defaultdict(set)
    for case in analysis:
        slots[case.image].add(_parse_slot(case))
    every = set().union(*slots.values())
    return [
        IssueInstance(
            images=(image,), detail=", ".join(f"Q{slot}" for slot in sorted(every - mine))
        )
        for image, mine in slots.items()
        if mine != every
    ]


def _list_misplaced_criteria(analysis: Sequence[Case]) -> list[IssueInstance]:
    canonical = dict(enumerate(CRITERIA, start=1))
    moved = ((case, _parse_slot(case)) for case in analysis)
    return [
        IssueInstance(images=(case.image,), detail=f"Q{slot} asks about {case.criterion}")
        for case, slot in moved
        if canonical.get(slot) != case.criterion
    ]


def _list_repeated_criteria(analysis: Sequence[Case]) -> list[IssueInstance]:
    asked: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for case in analysis:
        asked[case.image, case.criterion].append(_parse_slot(case))
    return [
        IssueInstance(
            images=(image,), detail=f"{criterion} in {' and '.join(f'Q{n}' for n in slots)}"
        )
        for (image, criterion), slots in asked.items()
        if len(slots) > 1
    ]


def _is_reversed(case: Case) -> bool:
    return case.criterion == "unrealistic" and bool(_REVERSED.search(case.question))


def _list_without_detection(cases: Sequence[Case]) -> list[IssueInstance]:
    """Images asked for texts alone, in data that do have a FakeClass."""
    detected = {case.image for case in cases if case.task is Task.DETECTION}
    others = dict.fromkeys(case.image for case in cases if case.image not in detected)
    return [IssueInstance(images=(image,)) for image in others] if detected else []
