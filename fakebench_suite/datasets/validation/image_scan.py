"""Open each image once, as the data set opens it, and record pixels and file properties."""

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
from fakebench_suite.provenance import hash_pixels
from fakebench_suite.types import Authenticity, Case, QuestionType, Task, list_image_cases

_MIN_FOR_PROGRESS = 50
"""Images from which a progress line is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageScan:
    """Properties of one image, or the error that opening it raised."""

    image: str
    label: Authenticity | None
    questions: Mapping[str, QuestionType]
    """Detection questions about the image, with their question types."""
    path: Path | None = None
    """Its file; None if there is none or images are not files."""
    error: ImageError | None = None
    digest: str = ""
    """Digest of size and RGB pixels as a model is shown them; empty if it was not opened."""
    size: tuple[int, int] | None = None
    """Width and height in pixels, upright."""
    container: ImageMetadata | None = None


def scan_names(data: Dataset) -> list[ImageScan]:
    """Return scans with names only, for data whose images are absent."""
    return [_scan_from_cases(cases) for cases in _group_cases(data.cases)]


def scan_images(data: Dataset) -> list[ImageScan]:
    """Return a scan of every image in file order; images that cannot be opened have an error.

    One image per thread is in memory at a time.
    """
    groups = _group_cases(data.cases)
    data.has_images()  # Lists the folder once, before threads start.
    threads = min(8, os.cpu_count() or 1)
    with silence_decoder_warnings(), ThreadPoolExecutor(threads) as pool:
        return list(_with_progress(pool.map(lambda cases: _scan(data, cases), groups), len(groups)))


def _group_cases(cases: Iterable[Case]) -> list[list[Case]]:
    groups: dict[str, list[Case]] = {}
    for case in list_image_cases(cases):
        groups.setdefault(case.image, []).append(case)
    return list(groups.values())


def _scan_from_cases(cases: Sequence[Case]) -> ImageScan:
    """Return what the cases on one image imply; all of them have the same label."""
    return ImageScan(
        image=cases[0].image,
        label=next((case.label for case in cases if case.label), None),
        questions={
            case.question: case.question_type for case in cases if case.task == Task.DETECTION
        },
    )


def _scan(data: Dataset, cases: Sequence[Case]) -> ImageScan:
    """Open an image, and read its pixels and file properties or the error."""
    scan, path = _scan_from_cases(cases), None
    # The label decides between two files of one name.
    case = next((case for case in cases if case.label), cases[0])
    try:
        path = data.find_image(case) if data.find_image else None
        image = data.open_image(case)
    except ImageError as error:
        return replace(scan, path=path, error=error)
    return replace(
        scan,
        path=path,
        digest=hash_pixels(image),
        size=image.size,
        container=read_image_metadata(path) if path else None,
    )


def _with_progress(scans: Iterable[ImageScan], total: int) -> Iterable[ImageScan]:
    """Yield the scans, with a progress line in a terminal if there are many."""
    console = Console(stderr=True)
    disable = total < _MIN_FOR_PROGRESS or not console.is_terminal
    return track(
        scans, "looking at images", total, console=console, transient=True, disable=disable
    )
