"""The user's own cases: a file with one JSON object per line, and images next to it.

    {"id": "a1", "task": "detection", "image": "photos/a.png", "label": "fake",
     "question": "Is this a fake image, yes or no?"}
    {"id": "a2", "task": "analysis", "image": "photos/a.png", "criterion": "edge",
     "question": "How is the edge?", "expected": ["The outlines melt.", "A halo runs along."],
     "regions": [{"box": [0, 0, 2, 3], "criterion": "edge"}]}
    {"id": "a3", "task": "comparison", "image": "photos/a.png", "second_image": "photos/b.png",
     "question": "Which is fake? A. The first one. B. The second one.", "expected_choice": "A",
     "question_type": "whichfake", "choices": ["The first one.", "The second one."]}

``expected`` is a text, or a list of texts and of ``{"text": ..., "criterion": ...}``; ``regions``
says where the image shows that it is fake, by ``box`` (left, top, right, bottom) or ``polygons``.
"""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import msgspec

from fakebench_suite.datasets.case_fields import parse_question_type
from fakebench_suite.datasets.dataset import (
    Dataset,
    check_image_name,
    check_labels,
    check_unique,
    check_utf8,
    digest_contents,
    find_task,
    read_bytes,
    require_path,
)
from fakebench_suite.datasets.images import ImageFolder, open_image
from fakebench_suite.datasets.json_rows import check_repeated
from fakebench_suite.datasets.regions import check_opened, find_box, parse_points
from fakebench_suite.deprecation import rename_keys, warn_deprecated
from fakebench_suite.errors import DataError, FormatError
from fakebench_suite.files.parsing import decode_json
from fakebench_suite.tasks.criteria import CRITERIA, parse_criterion
from fakebench_suite.tasks.registry import Grader
from fakebench_suite.types import Authenticity, Case, Clue, QuestionType, Region, Task

_MIN_CHOICES = 2


class ReferenceLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One clue in the file."""

    text: str
    criterion: str | None = None


class RegionLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One region in the file: a box, or outlines."""

    box: tuple[float, float, float, float] | None = None
    """Left, top, right and bottom in pixels."""
    polygons: list[list[tuple[float, float]]] | None = None
    criterion: str | None = None
    category: str | None = None
    description: str | None = None


class Line(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One line of the file; absent optional fields are None."""

    id: str
    task: str
    image: str
    question: str
    question_type: QuestionType | None = None
    label: Authenticity | None = None
    generator: str | None = None
    criterion: str | None = None
    content_categories: str | None = None
    expected: str | list[str | ReferenceLine] | None = None
    regions: list[RegionLine] | None = None
    intact_criteria: list[str] | None = None
    second_image: str | None = None
    choices: list[str] | None = None
    expected_choice: str | None = None


_DEPRECATED = {"form": "question_type", "category": "content_categories"}
"""Old names of fields, from earlier versions."""
_KEYS = tuple(
    f'"{name}"'.encode()
    for name in {*_DEPRECATED}.union(
        *(part.__struct_fields__ for part in (Line, ReferenceLine, RegionLine))
    )
)
"""The fields as they stand in a line, also those of its clues and regions."""


def load(path: Path | None) -> Dataset:
    """The data set in a file, for the registry; raises DataError where none is given."""
    return load_jsonl(require_path(path, kind="jsonl"))


def load_jsonl(path: Path) -> Dataset:
    """Load the cases of a JSON lines file; raises DataError with file, line and field."""
    content = read_bytes(path)
    check_utf8(content, location=path.name)
    if content.lstrip().startswith(b"["):
        raise DataError(
            f"{path.name} holds a JSON list; write one JSON object per line. FakeBench's own files "
            "are read from their directory: point --data at that."
        )
    cases = tuple(_read_lines(content, path.name))
    if not cases:
        raise DataError(f"{path.name} holds no cases; write one JSON object per line.")
    check_unique(cases, location=path.name)
    check_labels(cases, location=path.name)
    images = ImageFolder(path.parent)
    return Dataset(
        name=path.stem,
        kind="jsonl",
        digest=digest_contents([content]),
        cases=cases,
        open_image=check_opened(lambda case: open_image(images.find(case.image)), cases),
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
        location = f"{name}, line {number}"
        try:
            row = decode_json(line, decoder, rename=partial(_rename_fields, location, warned))
            if any(line.count(key) > 1 for key in _KEYS):  # It may also be in a text.
                json.loads(line, object_pairs_hook=partial(check_repeated, location=location))
            yield _to_case(row, location)
        except FormatError as error:
            raise DataError(f"{location}: {_humanise(error)}.") from error


def _rename_fields(location: str, warned: set[str], row: Any) -> Any:
    """Return a row with today's field names; each old name is warned about once per file."""
    if not isinstance(row, dict):
        return row
    for old, new in _DEPRECATED.items():
        if old in row and old not in warned:
            warned.add(old)
            warn_deprecated(f"the field {old!r}", repr(new), where=location)
    return rename_keys(row, _DEPRECATED)


def _humanise(error: Exception) -> str:
    """Return msgspec's message with field names instead of paths, and with the allowed values."""
    message = str(error)
    for field, names in (("question_type", QuestionType), ("label", Authenticity)):
        message = message.replace(f"`$.{field}`", f"`$.{field}`; allowed are {', '.join(names)}")
    return re.sub(r" - at `\$\.?([^`]*)`", r" in the field '\1'", message).replace("`", "'")


def _to_case(line: Line, location: str) -> Case:
    """Return the case of a line; raises DataError if its fields do not fit together."""
    for field, text in (("id", line.id), ("question", line.question)):
        if not text.strip():
            raise DataError(f"{location}: the field {field!r} is empty.")
    spec = find_task(line.task, location=location)
    question_type = (
        line.question_type or spec.only_question_type or parse_question_type(line.question)
    )
    if question_type is None:
        if spec.grader is Grader.CHOICE:
            raise DataError(
                f"{location}: the field 'question_type' is missing; allowed are "
                f"{', '.join(spec.question_types)}."
            )
        raise DataError(
            f"{location}: a reply to {line.question!r} cannot be parsed. Ask 'fake or real' "
            "or 'yes or no' about one of them, or set \"question_type\": what, isfake or isreal."
        )
    if question_type not in spec.question_types:
        raise DataError(
            f"{location}: the question type {question_type!s} does not belong to the task "
            f"{line.task!s}."
        )
    _check_polarity(line, location)
    criterion = line.criterion
    if criterion is None and line.task == Task.ANALYSIS:
        criterion = parse_criterion(line.question)
    _check_criterion(criterion, location)
    for name in line.intact_criteria or ():
        _check_criterion(name, location, field="intact_criteria")
    image = check_image_name(line.image, location=location)
    case = Case(
        id=f"{line.image}:{line.id}",
        task=line.task,
        image=image,
        question=line.question,
        question_type=question_type,
        label=line.label,
        generator=_drop_blank(line.generator),
        criterion=criterion,
        content_categories=_drop_blank(line.content_categories),
        expected=_to_clues(line.expected, location),
        regions=tuple(_to_region(region, location) for region in line.regions or ()),
        intact_criteria=tuple(line.intact_criteria or ()),
        **_read_choices(line, location, is_choice=spec.grader is Grader.CHOICE),
    )
    _check_truth(case, location, has_boxes=spec.grader is Grader.BOX)
    if spec.grader is Grader.LABEL and line.label is None and case.expected is not None:
        raise DataError(
            f"{location}: a case of {line.task} is scored by its 'label', fake or real, and not by "
            "'expected'. Give it a label."
        )
    return case


def _drop_blank(text: str | None) -> str | None:
    """The text without spaces around it; None if nothing is left."""
    return (text or "").strip() or None


_PLAIN = re.compile(
    r"\W*(?:is|was|does) (?:it|(?:this|that|the)(?: (?:image|photo|photograph|picture)\b[^.?!]*?)?)"
    r"(?: an?)? (?:fake|real)"
    r"(?: image| photo| photograph| picture| one)?(?:\W+yes or no)?\W*",
    re.IGNORECASE,
)
"""A question whose last word is what it asks about; others may name a label beside it, as "was this
real photo manipulated?" does, and their type is taken as it is given."""


def _check_polarity(line: Line, location: str) -> None:
    """Raise DataError where a question asks "is it real?" and its type says "is it fake?".

    Every "yes" would assert the wrong label, and nobody would see it in the scores.
    """
    if _PLAIN.fullmatch(line.question) is None:
        return
    polar = {QuestionType.ISFAKE: "fake", QuestionType.ISREAL: "real"}
    asked = parse_question_type(line.question)
    if line.question_type in polar and asked in polar and asked is not line.question_type:
        raise DataError(
            f"{location}: the question {line.question!r} asks whether the image is {polar[asked]}, "
            f'and "question_type" is {line.question_type}, by which a yes would mean '
            f'{polar[line.question_type]}. Write {asked}, or leave "question_type" out.'
        )


def _check_truth(case: Case, location: str, *, has_boxes: bool) -> None:
    """Raise DataError where what a line says of its image does not agree."""
    if case.label is Authenticity.REAL and case.regions:
        raise DataError(
            f"{location}: the label is real, and 'regions' says where the image shows that it is "
            "fake. Leave out the regions, or correct the label."
        )
    if has_boxes and case.label is not Authenticity.REAL and not case.regions:
        raise DataError(
            f"{location}: a case of {case.task} needs 'regions', by which its reply is scored, or "
            "the label real, where no box is right."
        )
    violated = {region.criterion for region in case.regions}
    violated |= {clue.criterion for clue in case.expected or ()}
    both = [name for name in case.intact_criteria if name in violated]
    if both:
        raise DataError(
            f"{location}: {both[0]!r} is in 'intact_criteria', and 'regions' or 'expected' says "
            "that something is wrong with it. Leave it out of one of them."
        )


def _to_region(line: RegionLine, location: str) -> Region:
    """Return a region; its box is that around its outlines if it has any."""
    where = f"{location}, field 'regions'"
    _check_criterion(line.criterion, where)
    polygons = tuple(parse_points(points, location=where) for points in line.polygons or ())
    if (line.box is None) != bool(polygons):
        raise DataError(f"{where}: a region needs either 'box' or 'polygons'.")
    left, top, right, bottom = find_box(polygons) if line.box is None else line.box
    if not (left < right and top < bottom):
        raise DataError(f"{where}: the box {line.box} must be [left, top, right, bottom].")
    return Region(
        box=(left, top, right, bottom),
        polygons=polygons,
        criterion=line.criterion,
        category=line.category,
        description=line.description,
    )


def _read_choices(line: Line, location: str, *, is_choice: bool) -> dict[str, Any]:
    """Return the fields of a case that compares two images; raises DataError for any other."""
    fields = (line.second_image, line.choices, line.expected_choice)
    if not is_choice:
        if any(field is not None for field in fields):
            raise DataError(
                f"{location}: 'second_image', 'choices' and 'expected_choice' belong to the task "
                "comparison."
            )
        return {}
    if line.second_image is None or len(line.choices or ()) < _MIN_CHOICES:
        raise DataError(
            f"{location}: a comparison needs 'second_image', and two or more texts in 'choices'."
        )
    choices = tuple(line.choices or ())
    letters = ascii_uppercase[: len(choices)]
    if line.expected_choice is not None and line.expected_choice not in tuple(letters):
        raise DataError(
            f"{location}: the field 'expected_choice' is {line.expected_choice!r}; it must be one "
            f"of {', '.join(letters)}."
        )
    return {
        "second_image": check_image_name(line.second_image, location=location),
        "choices": choices,
        "expected_choice": line.expected_choice,
    }


def _check_criterion(criterion: str | None, location: str, *, field: str = "criterion") -> None:
    if criterion is not None and criterion not in CRITERIA:
        verb = "is" if field == "criterion" else "holds"
        raise DataError(
            f"{location}: the field {field!r} {verb} {criterion!r}; allowed are "
            f"{', '.join(CRITERIA)}."
        )


def _to_clues(
    expected: str | list[str | ReferenceLine] | None, location: str
) -> tuple[Clue, ...] | None:
    """Return the clues that are not blank; None if there is none."""
    clues = []
    for item in [expected] if isinstance(expected, str) else expected or []:
        reference = ReferenceLine(text=item) if isinstance(item, str) else item
        _check_criterion(reference.criterion, f"{location}, field 'expected'")
        if reference.text.strip():
            clues.append(Clue(text=reference.text.strip(), criterion=reference.criterion))
    return tuple(clues) or None
