"""X-AIGD (ICLR 2026, arXiv 2601.19430): generated images, and people's outlines of their artifacts.

Layout of ``Coxy7/X-AIGD`` on the Hugging Face hub, as the authors' metric code reads it
(``data.py``, ``constants.py``): Parquet files with the images inside::

    data/labeled_test-00000-of-0000N.parquet
        image      a struct with ``bytes``
        generator, uid, width, height
        labels     [{"label": "low-level-texture", "points": [[x, y], ...]}, ...]

All images of these splits are fake, those without an artifact too, unless their generator is
"real". They are asked FakeBench's questions: what is their authenticity, and, of those with
artifacts, why they are fake. There are no texts, so what is said about artifacts is scored by their
regions alone. pyarrow reads the files; it comes with the extra ``parquet``. An image is read with
the group of rows it is in, for Parquet has no smaller part: groups of 100 rows, as the hub writes
them, are read quickly, and files that are one group slowly.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakebench_suite.datasets.dataset import (
    Dataset,
    check_image_name,
    check_unique,
    require_path,
)
from fakebench_suite.datasets.images import open_content
from fakebench_suite.datasets.json_rows import Row, is_file
from fakebench_suite.datasets.pointing import add_pointing
from fakebench_suite.datasets.regions import check_opened, find_box, parse_points
from fakebench_suite.errors import DataError, ImageError
from fakebench_suite.extras import Extra, require_extra
from fakebench_suite.tasks.prompts import DETECTION, FAULTFINDING
from fakebench_suite.types import Authenticity, Case, QuestionType, Region, Task

if TYPE_CHECKING:
    from PIL import Image

KIND = "x-aigd"
LICENCE = "Apache-2.0 (data set card of Coxy7/X-AIGD)"
CRITERIA: Mapping[str, str | None] = MappingProxyType({
    "low-level-edge_shape": "edge",
    "low-level-texture": "texture",
    "low-level-color": "overall tone",
    "low-level-symbol": "distortion",
    "high-level-semantics": "unrealistic",
    "cognitive-level-commonsense": "unrealistic",
    "cognitive-level-physics": None,
})  # fmt: skip
"""X-AIGD's categories, and the criteria of FakeBench that come nearest. Physics has no one: it is
about light, reflections and perspective."""
_SPLITS = ("labeled_test", "labeled_train")
_COLUMNS = ("generator", "uid", "labels")
"""What is read of every row; the images are read when they are shown."""
_REAL = "real"
"""What the generator of a real image would be called; the labelled splits are said to have none."""
_GROUPS_IN_MEMORY = 2
"""Row groups whose images are held: groups have 100 images by default, files of some kinds more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where an image is: a file, the number of a row group, and of a row in it."""

    path: Path
    group: int
    row: int


def load(path: Path | None) -> Dataset:
    """The data set in a directory or of a file, for the registry."""
    return load_x_aigd(require_path(path, kind=KIND))


def load_x_aigd(root: Path) -> Dataset:
    """Load the rows of the labelled test files below ``root``, or of the file ``root``.

    Without test files the labelled training files are loaded. Raises DataError with file, row and
    field, and MissingExtraError without pyarrow.
    """
    require_extra(Extra.PARQUET, f"--data={KIND}")
    paths = _find_files(root)
    cases: list[Case] = []
    places: dict[str, _Place] = {}
    digest = sha256()
    for path in paths:
        for row, place in _read_rows(path):
            digest.update(repr(sorted(row.fields.items())).encode("utf-8", "surrogatepass"))
            added = _read_row(row)
            places[added[0].image] = place
            cases += added
    if not cases:
        raise DataError(f"{', '.join(path.name for path in paths)} hold no rows.")
    check_unique(cases, location=KIND)
    images = _ParquetImages(places)
    return Dataset(
        name="X-AIGD",
        kind=KIND,
        digest=digest.hexdigest(),
        cases=add_pointing(cases),
        open_image=check_opened(images.open, cases),
        has_images=lambda: True,
        licence=LICENCE,
    )


def _find_files(root: Path) -> list[Path]:
    """The files of one split; raises DataError where there is none."""
    if is_file(root):
        return [root]
    for split in _SPLITS:
        for folder in (root / "data", root):
            paths = sorted(folder.glob(f"{split}*.parquet"))
            if paths:
                return paths
    raise DataError(
        f"There are no files of {KIND} in {root}: looked for {_SPLITS[0]}*.parquet in "
        f"{root / 'data'} and in {root}. Point --data={KIND}:DIR at the directory that holds them."
    )


def _read_rows(path: Path) -> Iterator[tuple[Row, _Place]]:
    """Yield the rows of a file without their images, and where these are."""
    with _open_file(path) as file:
        names = file.schema_arrow.names
        for name in (*_COLUMNS, "image"):
            if name not in names:
                raise DataError(
                    f"{path.name}: the column {name!r} is missing; it has {', '.join(names)}."
                )
        number = 0
        for group in range(file.num_row_groups):
            table = _read_group(file, group, path, columns=list(_COLUMNS))
            for row, fields in enumerate(table.to_pylist()):
                location = f"{path.name}, row {number}"
                yield Row(fields=fields, location=location), _Place(path=path, group=group, row=row)
                number += 1


def _read_row(row: Row) -> list[Case]:
    """The detection of a row, and where it has artifacts, its interpretation."""
    generator = row.text("generator").strip()
    uid = row.fields.get("uid")
    if not isinstance(uid, str | int) or isinstance(uid, bool) or not str(uid).strip():
        raise row.fault("uid", "a text or a number")
    image = check_image_name(f"{generator}/{uid}", location=row.location)
    regions = tuple(map(_read_label, row.rows("labels")))
    is_real = generator.lower() == _REAL
    detection = Case(
        id=f"{image}:{QuestionType.WHAT}",
        task=Task.DETECTION,
        image=image,
        question=DETECTION[QuestionType.WHAT],
        question_type=QuestionType.WHAT,
        label=Authenticity.REAL if is_real else Authenticity.FAKE,
        generator=None if is_real else generator,
    )
    if is_real or not regions:
        return [detection]
    interpretation = Case(
        id=f"{image}:{QuestionType.FAULTFINDING}",
        task=Task.INTERPRETATION,
        image=image,
        question=FAULTFINDING,
        question_type=QuestionType.FAULTFINDING,
        label=Authenticity.FAKE,
        generator=generator,
        regions=regions,
        intact_criteria=_list_intact(regions),
    )
    return [detection, interpretation]


def _list_intact(regions: tuple[Region, ...]) -> tuple[str, ...]:
    """The criteria of the categories that nobody has outlined anything of in an image."""
    violated = {region.criterion for region in regions}
    known = dict.fromkeys(criterion for criterion in CRITERIA.values() if criterion is not None)
    return tuple(criterion for criterion in known if criterion not in violated)


def _read_label(row: Row) -> Region:
    """An artifact: its category and its outline."""
    category = row.text("label")
    if category not in CRITERIA:
        raise row.fault("label", f"one of {', '.join(CRITERIA)}")
    where = f"{row.location}: the field 'points'"
    polygon = parse_points(row.fields.get("points"), location=where)
    return Region(
        box=find_box([polygon]),
        polygons=(polygon,),
        criterion=CRITERIA[category],
        category=category,
    )


class _ParquetImages:
    """Images inside Parquet files, of which a few row groups are held at a time."""

    def __init__(self, places: Mapping[str, _Place]) -> None:
        self._places, self._lock = places, threading.Lock()
        self._read = lru_cache(maxsize=_GROUPS_IN_MEMORY)(_read_images)

    def open(self, case: Case) -> "Image.Image":
        """The image of a case as plain pixels; raises ImageError."""
        place = self._places[case.image]
        try:
            with self._lock:  # Two threads would read one group twice.
                content = self._read(place.path, place.group)[place.row]
        except DataError as error:
            raise ImageError(str(error)) from error
        if not content:
            raise ImageError(f"{case.image} has no bytes in {place.path.name}.")
        return open_content(content, name=case.image)


def _read_images(path: Path, group: int) -> list[bytes | None]:
    """The bytes of the images of a row group."""
    with _open_file(path) as file:
        column = _read_group(file, group, path, columns=["image"]).column("image")
    return [
        value.get("bytes") if isinstance(value, Mapping) else value for value in column.to_pylist()
    ]


def _open_file(path: Path) -> Any:
    """The opened file; raises DataError where it is none, or cannot be read."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(path)
    except (OSError, ArrowException) as error:
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise DataError(f"{path.name} is no Parquet file that can be read: {why}.") from error


def _read_group(file: Any, group: int, path: Path, *, columns: list[str]) -> Any:
    from pyarrow import ArrowException

    try:
        return file.read_row_group(group, columns=columns)
    except (OSError, ArrowException) as error:
        why = str(error).splitlines()[0]
        raise DataError(f"{path.name} is damaged: {why}. Download it again.") from error
