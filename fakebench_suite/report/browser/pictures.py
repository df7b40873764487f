"""Thumbnails of the images a run asked about: made once, kept beside the report."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote

import msgspec

from fakebench_suite.errors import ImageError, UserError
from fakebench_suite.report.store import read_manifest
from fakebench_suite.sources import open_dataset
from fakebench_suite.sources.dataset import Dataset
from fakebench_suite.sources.images import quiet_decoders

if TYPE_CHECKING:
    from PIL import Image

SIDE = 320
"""Longest side of a thumbnail in pixels; smaller pictures are kept whole."""
_FEW = 200
"""Thumbnails that are made before anybody wonders what is going on."""
FOLDER, KNOWN = "images", "images.json"


class ImageSource(Protocol):
    """Where a report gets pictures from."""

    def open(self, image: str) -> "Image.Image":
        """The pixels of an image; raises ImageError."""

    def find(self, image: str) -> Path | None:
        """The image's file, where it has one."""


class DatasetImages:
    """The images of an opened data set."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._cases = {case.image: case for case in dataset.cases}

    def open(self, image: str) -> "Image.Image":
        """The pixels of an image; raises ImageError."""
        if image not in self._cases:
            raise ImageError(f"{image} is not in {self._dataset.name}.")
        return self._dataset.open_image(self._cases[image])

    def find(self, image: str) -> Path | None:
        """The image's file; probes are drawn and have none."""
        if self._dataset.find_image is None or image not in self._cases:
            return None
        try:
            return self._dataset.find_image(self._cases[image])
        except ImageError:
            return None


def open_images(run: Path, data: Path | None) -> ImageSource | None:
    """The images of a finished run: embedded probes, or what lies at ``data``; else None.

    Raises UserError where these are not the data the run was made over.
    """
    dataset = open_run_data(read_manifest(run), data, run=run)
    return None if dataset is None else DatasetImages(dataset)


def open_run_data(manifest: Mapping[str, Any], data: Path | None, *, run: Path) -> Dataset | None:
    """The data set of a finished run: embedded probes, or what lies at ``data``; else None.

    Raises UserError where these are not the data the run was made over.
    """
    described = manifest["dataset"]
    if data is None and described["kind"] != "probes":
        return None
    dataset = open_dataset(data)
    if dataset.digest == described.get("digest"):
        return dataset
    if data is None:
        return None  # probes of another version of this suite
    raise UserError(
        f"{run} was made over {described['name']}, whose digest differs from that of "
        f"{dataset.name}. Give the same --data as then, or leave it out."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A thumbnail's file, and the size in pixels and address of the image it was made from."""

    file: str
    width: int
    height: int
    full: str | None = None


def make_pictures(
    run: Path, images: Iterable[str], source: ImageSource | None
) -> Mapping[str, Picture]:
    """The pictures of ``images`` by name, made where they are missing and can be.

    An image that cannot be opened has none: its cases say why.
    """
    folder = run / "report" / FOLDER
    known = _read_known(folder)
    missing = [name for name in images if name not in known]
    if source is not None and missing:
        folder.mkdir(parents=True, exist_ok=True)
        known |= _make_all(folder, missing, source)
        (folder / KNOWN).write_bytes(msgspec.json.encode(known))
    return known


def _make_all(
    folder: Path, names: Sequence[str], source: ImageSource
) -> Iterator[tuple[str, Picture]]:
    """The thumbnails that can be made, several at a time: Pillow decodes outside Python's lock."""
    source.find(names[0])  # lists the folder, once and before there are threads
    with quiet_decoders(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        made = pool.map(lambda name: _make(folder, name, source), names)
        for name, picture in zip(names, _tell(made, len(names)), strict=True):
            if picture is not None:
                yield name, picture


def adopt_pictures(run: Path, other: Path) -> None:
    """Copy the thumbnails of another run into this one, where it has not its own."""
    source, folder = other / "report" / FOLDER, run / "report" / FOLDER
    theirs, known = _read_known(source), _read_known(folder)
    if not theirs:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in theirs.keys() - known.keys():
        picture = theirs[name]
        shutil.copyfile(source / picture.file, folder / picture.file)
        place = other / unquote(picture.full) if picture.full else None
        full = _link(folder, place) if place is not None and place.is_file() else None
        known[name] = replace(picture, full=full)
    (folder / KNOWN).write_bytes(msgspec.json.encode(known))


def _tell(made: Iterable[Picture | None], total: int) -> Iterable[Picture | None]:
    """The thumbnails as they come, with a line of progress in a terminal where they are many."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    few = total < _FEW or not console.is_terminal
    return track(made, "thumbnails", total, console=console, transient=True, disable=few)


def _read_known(folder: Path) -> dict[str, Picture]:
    try:
        found = msgspec.json.decode((folder / KNOWN).read_bytes(), type=dict[str, Picture])
    except (OSError, msgspec.DecodeError):
        return {}
    return {name: picture for name, picture in found.items() if (folder / picture.file).is_file()}


def _make(folder: Path, name: str, source: ImageSource) -> Picture | None:
    """One thumbnail, in a file named by digest: the image's own name is a stranger's text."""
    try:
        picture = source.open(name)
    except ImageError:
        return None
    width, height = picture.size
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    if max(width, height) <= SIDE:
        file = f"{digest}.png"
        picture.save(folder / file)
    else:
        file = f"{digest}.webp"
        picture.thumbnail((SIDE, SIDE))
        picture.save(folder / file, quality=78, method=2)
    return Picture(file=file, width=width, height=height, full=_link(folder, source.find(name)))


def _link(folder: Path, path: Path | None) -> str | None:
    """The address of a file relative to the report, which is all a page may point to."""
    if path is None:
        return None
    try:
        relative = os.path.relpath(path.resolve(), folder.parent.parent.resolve())
    except ValueError:  # another drive
        return None
    return quote(Path(relative).as_posix())
