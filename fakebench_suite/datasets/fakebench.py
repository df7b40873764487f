"""FakeBench's own files: ``Evaluation/FakeClass.json``, ``FakeClue.json`` and ``FakeQA.json``.

Source: repository Yixuan423/FakeBench, commit 198ce26 (MIT). Labels come from the rows, generators
from the prefix of the image name.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.datasets.case_fields import parse_clues, parse_question_type
from fakebench_suite.datasets.dataset import (
    Dataset,
    check_image_name,
    check_labels,
    check_unique,
    check_utf8,
    digest_contents,
    read_bytes,
    require_path,
)
from fakebench_suite.datasets.images import ImageFolder, open_image
from fakebench_suite.datasets.wrong_paths import advise_directory
from fakebench_suite.errors import DataError, FormatError
from fakebench_suite.files.parsing import decode_json
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
_ADVICE = "Keep one, or put them into fake_images/ and real_images/."
_SLOT = re.compile(r"Q([1-9][0-9]?)")
Row = dict[str, Any]
"""One JSON object of a file."""
Categories = Mapping[str, str]
"""The content categories of images, by their names."""


def load(path: Path | None) -> Dataset:
    """The data set in a directory, for the registry; raises DataError where none is given."""
    return load_fakebench(require_path(path, kind="fakebench"))


def load_fakebench(root: Path) -> Dataset:
    """Load all cases of the files in ``root`` or ``root``/Evaluation, in file order, with images.

    Raises DataError with file, row and field if a file or a row is invalid.
    """
    folders = (root / "Evaluation", root)
    layouts = ([folder / name for name in FILES if (folder / name).is_file()] for folder in folders)
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
    files = {name: _parse_rows(content, name) for name, content in contents.items()}
    published = all(digest_questions(rows) in PUBLISHED for rows in files.values())
    readers = {"FakeClass.json": _read_class, "FakeClue.json": _read_clue, "FakeQA.json": _read_qa}
    categories = _read_categories(files.get("FakeClue.json", []))
    cases: list[Case] = []
    for name, rows in files.items():
        for number, row in enumerate(rows):
            cases += readers[name](row, f"{name}, row {number}", categories)
        check_unique(cases, location=name)
        check_labels(cases, location=name)
    images = ImageFolder(root, advice=_ADVICE)

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
    """Return the SHA-256 of a file's rows without references, which users may have added."""
    questions = [
        {key: value for key, value in row.items() if not _is_reference(key)} for row in rows
    ]
    return sha256(msgspec.json.encode(questions)).hexdigest()


@lru_cache
def _is_reference(key: str) -> bool:
    """Return whether a field holds a reference; the few names are those of thousands of rows."""
    return _REFERENCE.fullmatch(key) is not None


def _parse_rows(content: bytes, name: str) -> list[Row]:
    check_utf8(content, location=name)
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


def _field(row: Row, key: str, location: str) -> str:
    """Return a text field of a row; raises DataError if it is missing or not a text."""
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        state = "is missing" if key not in row else f"is {value!r}, not a text"
        raise DataError(f"{location}: the field {key!r} {state}.")
    return value


def _image(row: Row, location: str) -> str:
    return check_image_name(_field(row, "image_id", location), location=location)


def _generator(image: str) -> str:
    """Return the generator of a fake image: the prefix of its name."""
    return Path(image).name.rpartition("-")[0] or "unknown"


def _read_categories(rows: list[Row]) -> Categories:
    """Return the content categories, which only FakeClue has, of all images that have some.

    Rows that are invalid are left to :func:`_read_clue`.
    """
    categories = {}
    for row in rows:
        image, category = row.get("image_id"), row.get("content_categories")
        if isinstance(image, str) and isinstance(category, str) and category.strip():
            categories[image] = category.strip()
    return categories


def _read_class(row: Row, location: str, categories: Categories) -> list[Case]:
    """Return the detection case of a FakeClass row."""
    image, question = _image(row, location), _field(row, "question", location)
    authenticity = row.get("authenticity")
    if type(authenticity) is not int or authenticity not in (0, 1):
        raise DataError(
            f"{location}: the field 'authenticity' is {authenticity!r}; it must be 0 (fake) or 1."
        )
    question_type = parse_question_type(question)
    if question_type is None:
        raise DataError(
            f"{location}: the question {question!r} asks neither 'fake or real' nor whether the "
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
            content_categories=categories.get(image),
        )
    ]


def _read_clue(row: Row, location: str, categories: Categories) -> list[Case]:
    """Return the interpretation and the reasoning case of a FakeClue row."""
    image = _image(row, location)
    texts, criteria = row.get("telltale_clues"), row.get("telltale_categories")
    expected = parse_clues(texts, criteria, location=f"{location}, field 'telltale_clues'")
    category = row.get("content_categories")
    if not isinstance(category, str | None):
        raise DataError(
            f"{location}: the field 'content_categories' is {category!r}; it must be a text or "
            "absent."
        )
    shared = Case(
        id=f"{image}:{QuestionType.FAULTFINDING}",
        task=Task.INTERPRETATION,
        image=image,
        question=_field(row, "faultfinding_mode", location),
        question_type=QuestionType.FAULTFINDING,
        label=Authenticity.FAKE,
        generator=_generator(image),
        content_categories=categories.get(image),
        expected=expected,
    )
    inference = replace(
        shared,
        id=f"{image}:{QuestionType.INFERENCE}",
        task=Task.REASONING,
        question=_field(row, "inference_mode", location),
        question_type=QuestionType.INFERENCE,
    )
    return [shared, inference]


def _read_qa(row: Row, location: str, categories: Categories) -> list[Case]:
    """Return the analysis cases of a FakeQA row, one for each field ``Q1`` to ``Q14``."""
    image = _image(row, location)
    slots = sorted(slot for key in row if (slot := _parse_slot(key)) is not None)
    if not slots:
        raise DataError(f"{location}: there is no question; expected fields 'Q1' to 'Q14'.")
    generator, category = _generator(image), categories.get(image)
    cases = []
    for slot in slots:
        question = _field(row, f"Q{slot}", location)
        criterion = _find_criterion(question)
        if criterion is None:
            raise DataError(
                f"{location}: the field 'Q{slot}' names none of the 14 criteria: {question!r}."
            )
        case = Case(
            id=f"{image}:Q{slot}-{criterion.replace(' & ', '-').replace(' ', '-')}",
            task=Task.ANALYSIS,
            image=image,
            question=question,
            question_type=QuestionType.CRITERION,
            label=Authenticity.FAKE,
            generator=generator,
            criterion=criterion,
            content_categories=category,
            slot=slot,
            expected=parse_clues(
                row.get(f"A{slot}"), criterion, location=f"{location}, field 'A{slot}'"
            ),
        )
        cases.append(case)
    return cases


@lru_cache
def _parse_slot(key: str) -> int | None:
    """Return the number of a question's field; None for any other field."""
    match = _SLOT.fullmatch(key)
    return None if match is None else int(match[1])


@lru_cache(maxsize=1024)
def _find_criterion(question: str) -> str | None:
    """Return the criterion of a question; FakeQA asks 41,971 questions in 223 wordings."""
    return parse_criterion(question)
