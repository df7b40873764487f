"""The evaluation sets of MMFR-Dataset (FakeReasoning, arXiv 2503.21210): five attributes per image.

Layout of ``AnnaGao/MMFR-Dataset`` on the Hugging Face hub, unpacked, as the authors' loader reads
it; one file per generator, keyed by the paths of images::

    evaluation_sets/<generator>/<generator>_reasoning.json
        {"<generator>/1_fake/x.png": {"Inconsistent Lighting and Shadows": "...",
                                       "Irregular Image Edges": null, ...}, ...}
    evaluation_sets/<generator>/{0_real,1_fake}/...

The key of a row says whether its image is fake; where the image's file lies does not matter. Texts
are by GPT-4o. Images are asked FakeBench's question of detection, MMFR's own, and about each
attribute that has a text and one of FakeBench's criteria. The criterion of an attribute without a
text counts as intact.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

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
from fakebench_suite.datasets.json_rows import Row, check_repeated, is_file, shorten
from fakebench_suite.errors import DataError
from fakebench_suite.tasks.prompts import DETECTION, format_analysis_question
from fakebench_suite.types import Authenticity, Case, Clue, QuestionType, Task

KIND = "mmfr"
LICENCE = "not stated where the data set was seen; ask its authors before passing images on"
QUESTION = (
    "Is this image real or fake? Please describe the image, reasoning step-by-step and conclude "
    "with 'this image is real' or 'this image is fake'."
)
"""The prompt of the authors' evaluation."""
_SUFFIX = "_reasoning.json"
_LABELS = {"0_real": Authenticity.REAL, "1_fake": Authenticity.FAKE}
_CRITERIA = (
    ("lighting", "light & shadow"),
    ("edge", "edge"),
    ("texture", "texture"),
    ("quality", "clarity"),
    ("semantic", "unrealistic"),
)
"""Words of MMFR's attributes, in lower case, and the criteria of FakeBench that they mean."""


def load(path: Path | None) -> Dataset:
    """The data set in a directory or of a file, for the registry."""
    return load_mmfr(require_path(path, kind=KIND))


def load_mmfr(root: Path) -> Dataset:
    """Load the evaluation sets below ``root``, or that of the file ``root``, with their images.

    Raises DataError with file, key and attribute if a file or an entry is invalid.
    """
    paths = _find_files(root)
    contents = [read_bytes(path) for path in paths]
    cases: list[Case] = []
    for path, content in zip(paths, contents, strict=True):
        for row in _parse_entries(content, path.name):
            cases += _read_entry(row[0], row[1])
    check_unique(cases, location=KIND)
    check_labels(cases, location=KIND)
    images = ImageFolder(root.parent.parent if is_file(root) else root)
    return Dataset(
        name="MMFR",
        kind=KIND,
        digest=digest_contents(contents),
        cases=tuple(cases),
        open_image=lambda case: open_image(images.find(case.image)),
        has_images=lambda: bool(images),
        find_image=lambda case: images.find(case.image),
        list_images=images.list_paths,
        licence=LICENCE,
    )


def _find_files(root: Path) -> list[Path]:
    """The files of all generators; raises DataError where there is none."""
    if is_file(root):
        return [root]
    for pattern in (f"evaluation_sets/*/*{_SUFFIX}", f"*/*{_SUFFIX}", f"*{_SUFFIX}"):
        paths = sorted(root.glob(pattern))
        if paths:
            return paths
    raise DataError(
        f"There are no files of {KIND} in {root}: looked for <generator>/<generator>{_SUFFIX} in "
        f"{root / 'evaluation_sets'} and in {root}. Point --data={KIND}:DIR at the directory that "
        "holds them."
    )


def _parse_entries(content: bytes, name: str) -> list[tuple[str, Row]]:
    """The keys and the attributes of a file; raises DataError, also for a key that is repeated."""
    check_utf8(content, location=name)
    try:
        value = json.loads(content, object_pairs_hook=partial(check_repeated, location=name))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is not complete JSON: {error}. Download it again.") from error
    if not isinstance(value, dict) or not value:
        raise DataError(f"{name} must hold an object, keyed by the paths of images, not be empty.")
    entries = []
    for key, fields in value.items():
        if not isinstance(fields, dict):
            raise DataError(f"{name}, {key!r} must be an object, not {shorten(fields)}.")
        entries.append((key, Row(fields=fields, location=f"{name}, {key!r}")))
    return entries


def _read_entry(key: str, row: Row) -> Iterator[Case]:
    """Yield the cases of an image: detection, reasoning, and analysis for each attribute."""
    image = check_image_name(key, location=row.location)
    parts = PurePosixPath(key).parts
    labels = [_LABELS[part] for part in parts[:-1] if part in _LABELS]
    if len(labels) != 1:
        raise DataError(
            f"{row.location}: the key says nothing about the image; it must be "
            "<generator>/1_fake/<name> or <generator>/0_real/<name>."
        )
    (label,) = labels
    clues = {
        name: Clue(text=text, criterion=_find_criterion(name))
        for name in row.fields
        if (text := row.optional_text(name)) is not None
    }
    violated = {clue.criterion for clue in clues.values()}
    unnamed = filter(None, map(_find_criterion, row.fields))
    intact = tuple(dict.fromkeys(name for name in unnamed if name not in violated))
    what = Case(
        id=f"{image}:{QuestionType.WHAT}",
        task=Task.DETECTION,
        image=image,
        question=DETECTION[QuestionType.WHAT],
        question_type=QuestionType.WHAT,
        label=label,
        generator=parts[0] if label is Authenticity.FAKE and parts[0] not in _LABELS else None,
        intact_criteria=intact if label is Authenticity.FAKE else (),
    )
    yield what
    yield _replace_question(what, Task.REASONING, QuestionType.INFERENCE, QUESTION, *clues.values())
    for clue in clues.values():
        if clue.criterion is not None:
            question = format_analysis_question(clue.criterion)
            yield _replace_question(what, Task.ANALYSIS, QuestionType.CRITERION, question, clue)


def _replace_question(
    case: Case, task: str, question_type: QuestionType, question: str, *clues: Clue
) -> Case:
    """A case on the same image that asks for a text."""
    criterion = clues[0].criterion if task == Task.ANALYSIS else None
    suffix = (criterion or question_type).replace(" & ", "-").replace(" ", "-")
    return Case(
        id=f"{case.image}:{suffix}",
        task=task,
        image=case.image,
        question=question,
        question_type=question_type,
        label=case.label,
        generator=case.generator,
        criterion=criterion,
        expected=clues or None,
        intact_criteria=case.intact_criteria,
    )


def _find_criterion(attribute: str) -> str | None:
    lower = attribute.lower()
    return next((criterion for word, criterion in _CRITERIA if word in lower), None)
