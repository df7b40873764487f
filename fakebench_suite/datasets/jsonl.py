"""Anyone's own cases: one JSON object a line, images beside the file.

    {"id": "a1", "task": "detection", "image": "photos/a.png", "label": "fake",
     "question": "Is this a fake image, yes or no?"}
    {"id": "a2", "task": "analysis", "image": "photos/a.png", "criterion": "edge",
     "question": "How is the edge?", "expected": ["The outlines melt.", "A halo runs along."]}

``expected`` is a text, or a list of texts and of ``{"text": ..., "criterion": ...}``.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.datasets.dataset import (
    Dataset,
    check_image_name,
    check_labels,
    check_unique,
    check_utf8,
    digest_contents,
    read_bytes,
)
from fakebench_suite.datasets.fields import parse_question_type
from fakebench_suite.datasets.images import ImageFolder, open_image
from fakebench_suite.deprecation import rename_keys, warn_deprecated
from fakebench_suite.errors import DataError, FormatError
from fakebench_suite.files.formats import decode_json
from fakebench_suite.tasks.criteria import CRITERIA, parse_criterion
from fakebench_suite.types import Authenticity, Case, Clue, QuestionType, Task


class Reference(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One clue as written."""

    text: str
    criterion: str | None = None


class Line(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One line as written; absent optional fields are None."""

    id: str
    task: Task
    image: str
    question: str
    question_type: QuestionType | None = None
    label: Authenticity | None = None
    generator: str | None = None
    criterion: str | None = None
    content_categories: str | None = None
    expected: str | list[str | Reference] | None = None


_DEPRECATED = {"form": "question_type", "category": "content_categories"}
"""Fields by their names in older versions."""
_FIXED = {
    Task.INTERPRETATION: QuestionType.FAULTFINDING,
    Task.REASONING: QuestionType.INFERENCE,
    Task.ANALYSIS: QuestionType.CRITERION,
}


def load_jsonl(path: Path) -> Dataset:
    """The cases of a JSON lines file; raises DataError naming file, line and field."""
    content = read_bytes(path)
    check_utf8(content, where=path.name)
    if content.lstrip().startswith(b"["):
        raise DataError(
            f"{path.name} holds a JSON list; write one JSON object per line. FakeBench's own files "
            "are read from their directory: point --data at that."
        )
    cases = tuple(_read_lines(content, path.name))
    if not cases:
        raise DataError(f"{path.name} holds no cases; write one JSON object per line.")
    check_unique(cases, where=path.name)
    check_labels(cases, where=path.name)
    images = ImageFolder(path.parent)
    return Dataset(
        name=path.stem,
        kind="jsonl",
        digest=digest_contents([content]),
        cases=cases,
        open_image=lambda case: open_image(images.find(case.image)),
        has_images=lambda: bool(images),
        find_image=lambda case: images.find(case.image),
        list_images=images.list_paths,
    )


def _read_lines(content: bytes, name: str) -> Iterator[Case]:
    decoder = msgspec.json.Decoder(Line)
    warned: set[str] = set()
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            yield _to_case(
                decode_json(line, decoder, rename=partial(_rename_fields, where, warned)), where
            )
        except FormatError as error:
            raise DataError(f"{where}: {_humanise(error)}.") from error


def _rename_fields(where: str, warned: set[str], row: Any) -> Any:
    """A row under today's names of its fields; each old name is warned about once a file."""
    if not isinstance(row, dict):
        return row
    for old, new in _DEPRECATED.items():
        if old in row and old not in warned:
            warned.add(old)
            warn_deprecated(f"the field {old!r}", repr(new), where=where)
    return rename_keys(row, _DEPRECATED)


def _humanise(error: Exception) -> str:
    """Msgspec's message with a path such as ``$.task`` named as a field, and what that allows."""
    message = str(error)
    for field, names in (("task", Task), ("question_type", QuestionType), ("label", Authenticity)):
        message = message.replace(f"`$.{field}`", f"`$.{field}`; allowed are {', '.join(names)}")
    return re.sub(r" - at `\$\.?([^`]*)`", r" in the field '\1'", message).replace("`", "'")


def _to_case(line: Line, where: str) -> Case:
    for field, text in (("id", line.id), ("question", line.question)):
        if not text.strip():
            raise DataError(f"{where}: the field {field!r} is empty.")
    question_type = (
        line.question_type or _FIXED.get(line.task) or parse_question_type(line.question)
    )
    if question_type is None:
        raise DataError(
            f"{where}: cannot tell how to read a reply to {line.question!r}. Ask 'fake or real' "
            "or 'yes or no' about one of them, or set \"question_type\": what, isfake or isreal."
        )
    fixed = _FIXED.get(line.task)
    if fixed is not question_type and (fixed or question_type in _FIXED.values()):
        raise DataError(
            f"{where}: the question type {question_type!s} does not belong to the task "
            f"{line.task!s}."
        )
    criterion = line.criterion
    if criterion is None and line.task is Task.ANALYSIS:
        criterion = parse_criterion(line.question)
    _check_criterion(criterion, where)
    image = check_image_name(line.image, where=where)
    return Case(
        id=f"{image}:{line.id}",
        task=line.task,
        image=image,
        question=line.question,
        question_type=question_type,
        label=line.label,
        generator=line.generator,
        criterion=criterion,
        content_categories=line.content_categories,
        expected=_to_clues(line.expected, where),
    )


def _check_criterion(criterion: str | None, where: str) -> None:
    if criterion is not None and criterion not in CRITERIA:
        raise DataError(
            f"{where}: the field 'criterion' is {criterion!r}; allowed are {', '.join(CRITERIA)}."
        )


def _to_clues(expected: str | list[str | Reference] | None, where: str) -> tuple[Clue, ...] | None:
    """The references that say something; None when there is none."""
    clues = []
    for item in [expected] if isinstance(expected, str) else expected or []:
        reference = Reference(text=item) if isinstance(item, str) else item
        _check_criterion(reference.criterion, f"{where}, field 'expected'")
        if reference.text.strip():
            clues.append(Clue(text=reference.text.strip(), criterion=reference.criterion))
    return tuple(clues) or None
