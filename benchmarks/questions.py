"""The cases that models are timed on, as prompts and as the files that ``--data`` takes."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.prompts import (
    DETECTION,
    FAULTFINDING,
    INFERENCE,
    build_prompt,
    format_analysis_question,
)
from fakebench_suite.types import Case, Prompt, QuestionType, Task

Row = dict[str, str]


def list_prompts(images: Sequence[str]) -> list[Prompt]:
    """The 14 questions about each image, as they are sent."""
    cases = [
        Case(
            id=f"{image}:{criterion}",
            task=Task.ANALYSIS,
            image=image,
            question=format_analysis_question(criterion),
            question_type=QuestionType.CRITERION,
        )
        for image in images
        for criterion in CRITERIA
    ]
    return [build_prompt(case) for case in cases]


def list_analysis(images: Sequence[str]) -> Iterator[Row]:
    """FakeQA: 14 questions about each image."""
    for image in images:
        for criterion in CRITERIA:
            question = {"task": "analysis", "question": format_analysis_question(criterion)}
            yield {"id": criterion, "image": image, "label": "fake"} | question


def list_mix(images: Sequence[str]) -> Iterator[Row]:
    """All of FakeBench: 17 prompts about each fake image, one about each of as many real ones.

    The first half of the images is taken for fake.
    """
    fake = images[: len(images) // 2]
    forms = (QuestionType.WHAT, QuestionType.ISFAKE, QuestionType.WHAT, QuestionType.ISREAL)
    for number, image in enumerate(images):
        label = "fake" if number < len(fake) else "real"
        question = DETECTION[forms[number % len(forms)]]
        detection = {"task": "detection", "question": question}
        yield {"id": "detection", "image": image, "label": label} | detection
    for image in fake:
        for task, question in (("interpretation", FAULTFINDING), ("reasoning", INFERENCE)):
            yield {"id": task, "image": image, "label": "fake", "task": task, "question": question}
    yield from list_analysis(fake)


def write_cases(path: Path, rows: Iterable[Row]) -> None:
    """The rows as ``--data`` takes them."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
