"""Pictures of the images a run asked about, thumbnails or whole: made once, kept by the report."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote

import msgspec

from fakebench_suite.datasets import open_dataset
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.images import silence_decoder_warnings
from fakebench_suite.errors import ImageError, MachineError, UserError
from fakebench_suite.files.contents import read_file
from fakebench_suite.runs.store import check_inside, read_manifest, write_whole

if TYPE_CHECKING:
    from PIL import Image

THUMBNAIL_SIZE = 320
"""Longest side of a thumbnail in pixels; smaller pictures are kept whole."""
_FEW = 200
"""Thumbnails that are made before anybody wonders what is going on."""
FOLDER, KNOWN = "images", "images.json"
_FILE = re.compile(r"[0-9a-f]{20}\.(png|webp)")
"""Names of thumbnails: of our own making only, whatever a run directory from elsewhere says."""
_ADDRESS = re.compile(r"(?!/)[A-Za-z0-9_.~/%-]+")
"""Relative addresses as they are quoted here; a colon would make one of another kind."""


class ReportImages(StrEnum):
    """How large the pictures are that a report brings along."""

    THUMBNAIL = "thumbnail"
    FULL = "full"
    """Thumbnails, and every pixel beside them, losslessly."""


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


def check_size(size: ReportImages, images: ImageSource | None) -> None:
    """Raise UserError where whole pictures are asked for and there are none to take them from."""
    if size is ReportImages.FULL and images is None:
        raise UserError("--report-images=full needs the pictures. Add --data=PATH, as in the run.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A thumbnail's file, and the size in pixels of the image it was made from."""

    file: str
    width: int
    height: int
    full: str | None = None
    """The address of the image beside its data, good only where the run was made."""
    whole: str | None = None
    """The file with every pixel of the image; the thumbnail's own, where that is not scaled."""


class Pictures:
    """The pictures of ``images``, made by threads where they are missing and can be.

    To be used as a context: other work may be done in it before ``finish`` is called, for Pillow
    decodes outside Python's lock.
    """

    def __init__(
        self,
        run: Path,
        images: Iterable[str],
        source: ImageSource | None,
        size: ReportImages = ReportImages.THUMBNAIL,
    ) -> None:
        self._folder, self._source, self._size = run / "report" / FOLDER, source, size
        self._known = _read_known(self._folder)
        self._missing = [] if source is None else [one for one in images if self._lacks(one)]
        self._held = ExitStack()
        self._made: Iterable[Picture | None] = ()

    def __enter__(self) -> "Pictures":
        source, missing = self._source, self._missing
        check_inside(self._folder, self._folder.parent.parent)
        if source is not None and missing:
            source.find(missing[0])  # lists the folder, once and before there are threads
            self._held.enter_context(silence_decoder_warnings())
            pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
            # Who leaves early, by an error or Ctrl-C, does not wait for pictures nobody will see.
            self._held.callback(pool.shutdown, cancel_futures=True)
            self._made = pool.map(
                partial(_make, self._folder, source=source, size=self._size), missing
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def _lacks(self, image: str) -> bool:
        known = self._known.get(image)
        return known is None or (self._size is ReportImages.FULL and known.whole is None)

    def finish(self) -> Mapping[str, Picture]:
        """The pictures by name, once all are made; an image that cannot be opened has none.

        Raises OSError where they cannot be written.
        """
        if self._missing:
            made = _tell(self._made, len(self._missing))
            pairs = zip(self._missing, made, strict=True)
            self._known |= {name: one for name, one in pairs if one is not None}
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / KNOWN, msgspec.json.encode(self._known))
            self._missing = []
        return self._known


def copy_thumbnails(run: Path, other: Path) -> None:
    """Copy the pictures of another run into this one, where it has not its own.

    Only files of names that pictures have are copied, and no link is followed.
    """
    source, folder = other / "report" / FOLDER, run / "report" / FOLDER
    theirs, known = _read_known(source), _read_known(folder)
    if not theirs:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in theirs.keys() - known.keys():
        picture = theirs[name]
        for file in {picture.file, picture.whole or picture.file}:
            shutil.copyfile(source / file, folder / file, follow_symlinks=False)
        place = other / unquote(picture.full) if picture.full else None
        full = _link(folder, place) if place is not None and place.is_file() else None
        known[name] = replace(picture, full=full)
    write_whole(folder / KNOWN, msgspec.json.encode(known))


def _tell(made: Iterable[Picture | None], total: int) -> Iterable[Picture | None]:
    """The thumbnails as they come, with a line of progress in a terminal where they are many."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    few = total < _FEW or not console.is_terminal
    return track(made, "thumbnails", total, console=console, transient=True, disable=few)


def _read_known(folder: Path) -> dict[str, Picture]:
    """The thumbnails in a folder by image; entries and files that are not of our making are not."""
    if any(place.is_symlink() for place in (folder, folder.parent, folder / KNOWN)):
        return {}
    try:
        found = msgspec.json.decode(read_file(folder / KNOWN), type=dict[str, Picture])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return {
        name: replace(
            picture,
            full=picture.full if picture.full and _ADDRESS.fullmatch(picture.full) else None,
            whole=_find_whole(folder, picture),
        )
        for name, picture in found.items()
        if _is_own(folder, picture.file)
    }


def _is_own(folder: Path, file: str) -> bool:
    """Whether there is a file of this name, and the name one that pictures are given here."""
    path = folder / file
    return bool(_FILE.fullmatch(file)) and path.is_file() and not path.is_symlink()


def _find_whole(folder: Path, picture: Picture) -> str | None:
    """The file with every pixel; that of a run of an earlier version may be its thumbnail."""
    if max(picture.width, picture.height) <= THUMBNAIL_SIZE:
        return picture.file
    return picture.whole if picture.whole and _is_own(folder, picture.whole) else None


def _make(folder: Path, name: str, *, source: ImageSource, size: ReportImages) -> Picture | None:
    """The pictures of one image, in files named by digest: its own name is a stranger's text."""
    try:
        picture = source.open(name)
    except (ImageError, MachineError):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    width, height = picture.size
    file, whole = f"{_digest(name)}.webp", f"{_digest(f'{name}/whole')}.png"
    if max(width, height) <= THUMBNAIL_SIZE:
        file = whole = f"{_digest(name)}.png"
        _write(folder / file, picture, "PNG")
    else:
        if size is ReportImages.FULL:
            _write(folder / whole, picture, "PNG")
        picture.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE))
        _write(folder / file, picture, "WEBP", quality=78, method=2)
    return Picture(
        file=file,
        width=width,
        height=height,
        full=_link(folder, source.find(name)),
        whole=whole if _is_own(folder, whole) else None,
    )


def _write(path: Path, picture: "Image.Image", kind: str, **options: int) -> None:
    content = BytesIO()
    picture.save(content, kind, **options)
    write_whole(path, content.getvalue())


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _link(folder: Path, path: Path | None) -> str | None:
    """The address of a file relative to the report, which is all a page may point to."""
    if path is None:
        return None
    try:
        relative = os.path.relpath(path.resolve(), folder.parent.parent.resolve())
    except ValueError:  # another drive
        return None
    return quote(Path(relative).as_posix())
