"""A folder of images as detection cases, one question about each image.

``--data=DIR`` is enough where directories are named as :mod:`.folder_layout` says, and
``--data=folder:DIR:real=NAME`` says which directory is real where no name does. Labels come from
the directories, because the user laid the images out so; a model is shown neither.

The questions are FakeBench's three, in the proportions of FakeClass within each label: half ask
"fake or real", a quarter "is it fake" and a quarter "is it real". Which image is asked which
depends on the names in the folder, not on ``--seed``: runs over one folder ask the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import cycle
from pathlib import Path

from fakebench_suite.datasets.dataset import Dataset, digest_cases, require_path
from fakebench_suite.datasets.folder_layout import (
    LAYOUTS,
    LabelledFile,
    LabelledFolder,
    read_layout,
    split_real,
)
from fakebench_suite.datasets.images import open_image
from fakebench_suite.datasets.wrong_paths import find_similar
from fakebench_suite.errors import DataError
from fakebench_suite.tasks.prompts import DETECTION
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Authenticity, Case, QuestionType, Task

_PATTERNS = {
    Authenticity.FAKE: (
        QuestionType.WHAT, QuestionType.ISFAKE, QuestionType.WHAT, QuestionType.ISREAL,
    ),
    Authenticity.REAL: (
        QuestionType.WHAT, QuestionType.ISREAL, QuestionType.WHAT, QuestionType.ISFAKE,
    ),
}  # fmt: skip
"""Question types of consecutive images. FakeClass asks 1,500, 751 and 749 fake images (750 and 750
real ones) in these ways; the labels begin with opposite polarities, so that a remainder is even."""
_MAX_GENERATORS = 6
"""Most generators that the note names."""


def load(path: Path | None) -> Dataset:
    """The data set in a directory, for the registry; raises DataError where none is given."""
    return load_folder(require_path(path, kind="folder"))


def load_folder(place: Path) -> Dataset:
    """Load the images of ``DIR`` or ``DIR:real=NAME,NAME`` as detection cases, sorted by name.

    Raises DataError, saying what was found and what is allowed, if labels cannot be told.
    """
    root, real = split_real(place)
    _check_directory(root)
    layout = read_layout(root, real)
    cases = tuple(
        _build_case(file, question_type) for file, question_type in _deal_questions(layout.files)
    )
    paths = {file.name: file.path for file in layout.files}

    def find_image(case: Case) -> Path:
        return paths[case.image]

    return Dataset(
        name=root.resolve().name or "folder",
        kind="folder",
        digest=digest_cases(cases),
        cases=cases,
        open_image=lambda case: open_image(find_image(case)),
        has_images=lambda: True,
        find_image=find_image,
        list_images=lambda: list(paths.values()),
        note=describe_folder(layout, cases),
    )


def _check_directory(root: Path) -> None:
    if root.is_dir():
        return
    if root.exists():
        raise DataError(f"{root} is a file, and a folder of images is a directory. {LAYOUTS}.")
    near = find_similar(root)
    hint = f" Did you mean {near}?" if near is not None else ""
    raise DataError(f"There is no {root}.{hint} Point --data=folder:DIR at a directory of images.")


def _deal_questions(files: Sequence[LabelledFile]) -> Iterator[tuple[LabelledFile, QuestionType]]:
    """Yield the files by name with a question type each, balanced within labels and generators.

    The images of a label are dealt the question types in turn, generator by generator, in an order
    that a hash of their names decides.
    """
    types: dict[str, QuestionType] = {}
    for label, pattern in _PATTERNS.items():
        dealt = sorted(
            (file for file in files if file.label is label),
            key=lambda file: (file.generator or "", _hash(file.name)),
        )
        types |= zip((file.name for file in dealt), cycle(pattern), strict=False)
    for file in files:
        yield file, types[file.name]


def _hash(name: str) -> bytes:
    return sha256(f"fakebench-suite question {name}".encode()).digest()


def _build_case(file: LabelledFile, question_type: QuestionType) -> Case:
    return Case(
        id=f"{file.name}:{question_type}",
        task=Task.DETECTION,
        image=file.name,
        question=DETECTION[question_type],
        question_type=question_type,
        label=file.label,
        generator=file.generator,
    )


def describe_folder(layout: LabelledFolder, cases: Iterable[Case]) -> str:
    """Return what was made of a folder, in a sentence without its full stop."""
    cases = tuple(cases)
    labels = Counter(case.label for case in cases)
    generators = sorted({case.generator for case in cases if case.generator})
    named = ", ".join(generators[:_MAX_GENERATORS])
    named += f" and {len(generators) - _MAX_GENERATORS} more" * (len(generators) > _MAX_GENERATORS)
    source = f" from {count_of(len(generators), 'generator')} ({named})" if generators else ""
    types = Counter(case.question_type for case in cases)
    asked = ", ".join(f"{kind} {types[kind]:,}" for kind in DETECTION)
    left = [
        f"{count_of(number, noun)} left out"
        for number, noun in ((layout.others, "other file"), (layout.repeated, "repeated link"))
        if number
    ]
    return "; ".join([
        f"{count_of(len(cases), 'image')}, labelled by their directories: "
        f"{labels[Authenticity.FAKE]:,} fake{source}, {labels[Authenticity.REAL]:,} real",
        f"question types {asked}",
        *left,
    ])  # fmt: skip
