"""SynthScars (LEGION, arXiv 2503.15264): fake images, outlines of artifacts, and a text on each.

Layout of ``khr0516/SynthScars`` on the Hugging Face hub, as the authors' loader reads it
(``dataset/gcg_datasets/GranDf_gcg_ds.py``)::

    SynthScars/test/images/...
    SynthScars/test/annotations/test.json    or annoations/, as their README spells it
        [{"<id>": {"img_file_name": ..., "caption": ..., "refs": [{"sentence": ...,
          "explanation": ..., "segmentation": [[x1, y1, x2, y2, ...]]}]}}, ...]

All images are fake. They are asked FakeBench's questions: what is their authenticity, and given
that they are fake, why. Some training images are annotated twice, under two ids.
"""

from collections.abc import Iterator
from pathlib import Path

from fakebench_suite.datasets.dataset import (
    Dataset,
    check_unique,
    digest_contents,
    require_path,
)
from fakebench_suite.datasets.images import ImageFolder, open_image
from fakebench_suite.datasets.json_rows import Row, find_file, list_rows, read_json
from fakebench_suite.datasets.pointing import add_pointing
from fakebench_suite.datasets.regions import check_opened, find_box, parse_flat_polygon
from fakebench_suite.errors import DataError
from fakebench_suite.tasks.prompts import DETECTION, FAULTFINDING
from fakebench_suite.types import Authenticity, Case, Clue, QuestionType, Region, Task

KIND = "synthscars"
LICENCE = "Apache-2.0 (data set card of khr0516/SynthScars)"
_FILES = tuple(
    f"{folder}{split}/{spelling}/{split}.json"
    for split in ("test", "train")
    for folder in ("", "SynthScars/")
    for spelling in ("annotations", "annoations")
)


def load(path: Path | None) -> Dataset:
    """The data set in a directory or of a file, for the registry."""
    return load_synthscars(require_path(path, kind=KIND))


def load_synthscars(root: Path) -> Dataset:
    """Load the test annotations below ``root``, or those of the file ``root``, with their images.

    Without a test file the training annotations are loaded. Raises DataError with file, row, field.
    """
    path = find_file(root, _FILES, kind=KIND)
    content, value = read_json(path)
    rows = [_unwrap(row) for row in list_rows(value, name=path.name)]
    cases: list[Case] = []
    asked: set[str] = set()
    for name, row in rows:
        image = row.image("img_file_name")
        if image not in asked:  # What it is, is asked once, however often it is annotated.
            asked.add(image)
            cases.append(_make_detection(image))
        cases.append(_read_annotation(name, image, row))
    check_unique(cases, location=path.name)
    images = ImageFolder(_find_images(path))
    return Dataset(
        name="SynthScars",
        kind=KIND,
        digest=digest_contents([content]),
        cases=add_pointing(cases),
        open_image=check_opened(lambda case: open_image(images.find(case.image)), cases),
        has_images=lambda: bool(images),
        find_image=lambda case: images.find(case.image),
        list_images=images.list_paths,
        licence=LICENCE,
    )


def _find_images(path: Path) -> Path:
    """The directory of the split that the annotations in ``path`` are about."""
    is_in_folder = path.parent.name in ("annotations", "annoations")
    return path.parent.parent if is_in_folder else path.parent


def _unwrap(row: Row) -> tuple[str, Row]:
    """The id and the annotation of an object with one key."""
    if len(row.fields) != 1:
        raise DataError(
            f"{row.location}: it has {len(row.fields)} keys; it must have one, its id, with an "
            "object below it."
        )
    ((name, fields),) = row.fields.items()
    if not isinstance(fields, dict):
        raise row.fault(name, "an object with 'img_file_name', 'caption' and 'refs'")
    return name, Row(fields=fields, location=f"{row.location} ({name})")


def _make_detection(image: str) -> Case:
    return Case(
        id=f"{image}:{QuestionType.WHAT}",
        task=Task.DETECTION,
        image=image,
        question=DETECTION[QuestionType.WHAT],
        question_type=QuestionType.WHAT,
        label=Authenticity.FAKE,
    )


def _read_annotation(name: str, image: str, row: Row) -> Case:
    """The interpretation of an annotation, with the texts and the outlines of its artifacts."""
    regions = tuple(region for ref in row.rows("refs") for region in _read_regions(ref))
    texts = dict.fromkeys(region.description for region in regions if region.description)
    caption = row.optional_text("caption")
    return Case(
        id=f"{image}:{QuestionType.FAULTFINDING}-{name}",
        task=Task.INTERPRETATION,
        image=image,
        question=FAULTFINDING,
        question_type=QuestionType.FAULTFINDING,
        label=Authenticity.FAKE,
        expected=tuple(Clue(text=text) for text in texts or filter(None, [caption])) or None,
        regions=regions,
    )


def _read_regions(ref: Row) -> Iterator[Region]:
    """Yield the region of an artifact, whose parts may be several polygons."""
    where = f"{ref.location}: the field 'segmentation'"
    polygons = tuple(
        parse_flat_polygon(value, location=where) for value in ref.items("segmentation")
    )
    if not polygons:
        raise ref.fault("segmentation", "a list with at least one outline")
    yield Region(
        box=find_box(polygons),
        polygons=polygons,
        description=ref.optional_text("explanation") or ref.text("sentence").strip(),
    )
