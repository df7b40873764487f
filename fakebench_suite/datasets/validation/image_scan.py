"""One look at each image, through the data set's own way of opening it, and at its file."""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.images import silence_decoder_warnings
from fakebench_suite.datasets.validation.image_metadata import ImageMetadata, read_image_metadata
from fakebench_suite.errors import ImageError
from fakebench_suite.provenance import digest_pixels
from fakebench_suite.types import Authenticity, Case, QuestionType, Task

_MIN_FOR_PROGRESS = 50
"""Images that are looked at before a line of progress would have been read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageScan:
    """What one image showed: its pixels by digest and size, or the error that opening it gave."""

    image: str
    label: Authenticity | None
    questions: Mapping[str, QuestionType]
    """What detection asks about it, with the type of each question."""
    path: Path | None = None
    """Its file; None where there is none, or where images do not lie in files."""
    error: ImageError | None = None
    digest: str = ""
    """Of size and RGB pixels as a model would be shown them; empty where it was not opened."""
    size: tuple[int, int] | None = None
    """Width and height in pixels, upright."""
    container: ImageMetadata | None = None


def scan_names(data: Dataset) -> list[ImageScan]:
    """Looks at names alone, of data whose images are absent."""
    return [_scan_from_cases(cases) for cases in _group_cases(data.cases)]


def scan_images(data: Dataset) -> list[ImageScan]:
    """A look at every image, in file order; an image that cannot be opened says why.

    Pixels are held only while their digest is taken, one picture per thread.
    """
    groups = _group_cases(data.cases)
    data.has_images()  # Lists the folder, once and before there are threads.
    threads = min(8, os.cpu_count() or 1)
    with silence_decoder_warnings(), ThreadPoolExecutor(threads) as pool:
        return list(_with_progress(pool.map(lambda cases: _scan(data, cases), groups), len(groups)))


def _group_cases(cases: Iterable[Case]) -> list[list[Case]]:
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.image, []).append(case)
    return list(groups.values())


def _scan_from_cases(cases: Sequence[Case]) -> ImageScan:
    """What the cases on one image say of it; no source lets two of them disagree on its label."""
    return ImageScan(
        image=cases[0].image,
        label=next((case.label for case in cases if case.label), None),
        questions={
            case.question: case.question_type for case in cases if case.task is Task.DETECTION
        },
    )


def _scan(data: Dataset, cases: Sequence[Case]) -> ImageScan:
    look, path = _scan_from_cases(cases), None
    # The label settles which of two files of one name is meant.
    case = next((case for case in cases if case.label), cases[0])
    try:
        path = data.find_image(case) if data.find_image else None
        picture = data.open_image(case)
    except ImageError as error:
        return replace(look, path=path, error=error)
    return replace(
        look,
        path=path,
        digest=digest_pixels(picture).digest,
        size=picture.size,
        container=read_image_metadata(path) if path else None,
    )


def _with_progress(looks: Iterable[ImageScan], total: int) -> Iterable[ImageScan]:
    """The looks, with a line of progress in a terminal where they are many."""
    console = Console(stderr=True)
    disable = total < _MIN_FOR_PROGRESS or not console.is_terminal
    return track(
        looks, "looking at images", total, console=console, transient=True, disable=disable
    )
