"""FakeBench's own files: ``Evaluation/FakeClass.json``, ``FakeClue.json`` and ``FakeQA.json``.

Source: repository Yixuan423/FakeBench, commit 198ce26 (MIT); docs/fakebench.md has its oddities.
"""

import re
from dataclasses import replace
from hashlib import sha256
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
from fakebench_suite.datasets.fields import parse_clues, parse_question_type
from fakebench_suite.datasets.images import ImageFolder, open_image
from fakebench_suite.datasets.wrong_paths import advise_directory
from fakebench_suite.errors import DataError, FormatError
from fakebench_suite.files.formats import decode_json
from fakebench_suite.tasks.criteria import parse_criterion
from fakebench_suite.types import Authenticity, Case, QuestionType, Task

FILES = ("FakeClass.json", "FakeClue.json", "FakeQA.json")
PUBLISHED = frozenset(
    {
        "9bccfd1d84a1d37e1d4d6a563b0f623f8fb1160a179cf9a85dcda97b798a6677",
        "b95b845846e449b607ecb0d43144d1cb23dd8f7d43ec2293bbb5b3bbd5939101",
        "ed8f02e8c31561071fca2bbf8e3d6dec1eecce5db7f66ceddebb8836e5c1f56b",
    }
)
"""digest_questions of the three files as published; only runs over these are FakeBench runs."""
_REFERENCE = re.compile(r"A[0-9]+|answer|telltale_clues|telltale_categories")
_SLOT = re.compile(r"Q([1-9][0-9]?)")
Row = dict[str, Any]


def load_fakebench(root: Path) -> Dataset:
    """All cases of the files present below ``root``, in file order, with their images.

    Raises DataError naming file, row and field when something cannot be read.
    """
    places = (root / "Evaluation", root)
    layouts = ([place / name for name in FILES if (place / name).is_file()] for place in places)
    present = next(filter(None, layouts), None)
    if present is None:
        raise DataError(
            f"No FakeBench files in {root}: looked for {', '.join(FILES)} in "
            f"{root / 'Evaluation'} and in {root}. "
            + (
                advise_directory(root, FILES)
                or "Point --data at the directory that holds Evaluation/, or at a .jsonl file."
            )
        )
    contents = {path.name: read_bytes(path) for path in present}
    readers = {"FakeClass.json": _read_class, "FakeClue.json": _read_clue, "FakeQA.json": _read_qa}
    cases: list[Case] = []
    published = True
    for name, content in contents.items():
        rows = _parse_rows(content, name)
        published = published and digest_questions(rows) in PUBLISHED
        for number, row in enumerate(rows):
            cases += readers[name](row, f"{name}, row {number}")
        check_unique(cases, where=name)
        check_labels(cases, where=name)
    cases = _spread_categories(cases)
    images = ImageFolder(root)

    def find_image(case: Case) -> Path:
        return images.find(case.image, prefer=f"{case.label}_images" if case.label else None)

    return Dataset(
        name="FakeBench" if published else root.resolve().name,
        kind="official" if published else "layout",
        digest=digest_contents(contents.values()),
        cases=tuple(cases),
        open_image=lambda case: open_image(find_image(case)),
        has_images=lambda: bool(images),
        find_image=find_image,
        list_images=images.list_paths,
    )


def digest_questions(rows: list[Row]) -> str:
    """SHA-256 of a file's rows without their references, which a user may have filled in."""
    asked = [
        {key: value for key, value in row.items() if not _REFERENCE.fullmatch(key)} for row in rows
    ]
    return sha256(msgspec.json.encode(asked)).hexdigest()


def _parse_rows(content: bytes, name: str) -> list[Row]:
    check_utf8(content, where=name)
    try:
        rows = decode_json(content, msgspec.json.Decoder())
    except FormatError as error:
        raise DataError(f"{name} is not complete JSON: {error}. Download it again.") from error
    if not isinstance(rows, list) or not rows:
        raise DataError(f"{name} must hold a list of objects, one per image.")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(f"{name}, row {number} must be an object, not {row!r}.")
    return rows


def _field(row: Row, key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        state = "is missing" if key not in row else f"is {value!r}, not a text"
        raise DataError(f"{where}: the field {key!r} {state}.")
    return value


def _image(row: Row, where: str) -> str:
    return check_image_name(_field(row, "image_id", where), where=where)


def _generator(image: str) -> str:
    """The generator is the prefix of a fake image's name (docs/fakebench.md)."""
    return Path(image).name.rpartition("-")[0] or "unknown"


def _read_class(row: Row, where: str) -> list[Case]:
    image, question = _image(row, where), _field(row, "question", where)
    authenticity = row.get("authenticity")
    if type(authenticity) is not int or authenticity not in (0, 1):
        raise DataError(
            f"{where}: the field 'authenticity' is {authenticity!r}; it must be 0 (fake) or 1."
        )
    question_type = parse_question_type(question)
    if question_type is None:
        raise DataError(
            f"{where}: the question {question!r} asks neither 'fake or real' nor whether the "
            "image is fake or real, 'yes or no'."
        )
    label = Authenticity.REAL if authenticity else Authenticity.FAKE
    return [
        Case(
            id=f"{image}:{question_type}",
            task=Task.DETECTION,
            image=image,
            question=question,
            question_type=question_type,
            label=label,
            generator=_generator(image) if label is Authenticity.FAKE else None,
        )
    ]


def _read_clue(row: Row, where: str) -> list[Case]:
    image = _image(row, where)
    texts, names = row.get("telltale_clues"), row.get("telltale_categories")
    expected = parse_clues(texts, names, where=f"{where}, field 'telltale_clues'")
    category = row.get("content_categories")
    if not isinstance(category, str | None):
        raise DataError(
            f"{where}: the field 'content_categories' is {category!r}; it must be a text or absent."
        )
    shared = Case(
        id=f"{image}:{QuestionType.FAULTFINDING}",
        task=Task.INTERPRETATION,
        image=image,
        question=_field(row, "faultfinding_mode", where),
        question_type=QuestionType.FAULTFINDING,
        label=Authenticity.FAKE,
        generator=_generator(image),
        content_categories=(category or "").strip() or None,
        expected=expected,
    )
    inference = replace(
        shared,
        id=f"{image}:{QuestionType.INFERENCE}",
        task=Task.REASONING,
        question=_field(row, "inference_mode", where),
        question_type=QuestionType.INFERENCE,
    )
    return [shared, inference]


def _read_qa(row: Row, where: str) -> list[Case]:
    image = _image(row, where)
    slots = sorted(int(match[1]) for key in row if (match := _SLOT.fullmatch(key)))
    if not slots:
        raise DataError(f"{where}: there is no question; expected fields 'Q1' to 'Q14'.")
    return [_read_question(row, slot, image, where) for slot in slots]


def _read_question(row: Row, slot: int, image: str, where: str) -> Case:
    question = _field(row, f"Q{slot}", where)
    criterion = parse_criterion(question)
    if criterion is None:
        raise DataError(
            f"{where}: the field 'Q{slot}' names none of the 14 criteria: {question!r}."
        )
    return Case(
        id=f"{image}:Q{slot}-{criterion.replace(' & ', '-').replace(' ', '-')}",
        task=Task.ANALYSIS,
        image=image,
        question=question,
        question_type=QuestionType.CRITERION,
        label=Authenticity.FAKE,
        generator=_generator(image),
        criterion=criterion,
        expected=parse_clues(row.get(f"A{slot}"), criterion, where=f"{where}, field 'A{slot}'"),
    )


def _spread_categories(cases: list[Case]) -> list[Case]:
    """FakeClue alone gives the content categories; every case on the image gets them."""
    known = {case.image: case.content_categories for case in cases if case.content_categories}
    return [replace(case, content_categories=known.get(case.image)) for case in cases]
