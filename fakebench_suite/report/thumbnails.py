"""Thumbnails and full-size copies of a run's images, stored in its report."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from fakebench_suite.datasets import DataSource, open_dataset
from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.images import silence_decoder_warnings
from fakebench_suite.datasets.perturbations import SIDE, normalize, perturb
from fakebench_suite.datasets.registry import EMBEDDED
from fakebench_suite.errors import ImageError, MachineError, UserError
from fakebench_suite.files.contents import read_file
from fakebench_suite.provenance import hash_pixels
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.store import check_inside, read_manifest, write_whole
from fakebench_suite.tasks.robustness import ORIGINAL, name_image, parse_image_name
from fakebench_suite.types import PixelDigest, Record, list_image_cases

if TYPE_CHECKING:
    from PIL import Image

THUMBNAIL_SIZE = 320
"""Longest side of a thumbnail in pixels; smaller images are stored in full size."""
_PROGRESS_FROM = 200
"""Fewest missing thumbnails for a progress bar."""
FOLDER, KNOWN = "images", "images.json"
_FILE = re.compile(r"[0-9a-f]{20}\.(png|webp)")
"""File names of stored images; other names in a run directory are ignored."""
_ADDRESS = re.compile(r"(?!/)[A-Za-z0-9_.~/%-]+")
"""Quoted relative addresses; a colon would start a scheme."""


_Relate = Callable[[Path], Path | None]
"""Gives the path from a run to a directory; None where there is none."""


class ReportImageSize(StrEnum):
    """The size of the images in a report."""

    THUMBNAIL = "thumbnail"
    FULL = "full"
    """Thumbnails, and lossless copies in full size."""


class ImageSource(Protocol):
    """Where a report gets images from."""

    def open(self, image: str) -> "Image.Image":
        """The pixels of an image; raises ImageError."""

    def find(self, image: str) -> Path | None:
        """The file of an image, or None."""


class DatasetImages:
    """The images of an opened data set."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._cases = {case.image: case for case in list_image_cases(dataset.cases)}

    def open(self, image: str) -> "Image.Image":
        """The pixels of an image, perturbed if its name says so; raises ImageError."""
        if image in self._cases:
            return self._dataset.open_image(self._cases[image])
        name, chain = parse_image_name(image) or (image, ())
        if name not in self._cases:
            raise ImageError(f"{image} is not in {self._dataset.name}.")
        original = self._dataset.open_image(self._cases[name])
        return perturb(normalize(original, self._dataset.image_side or SIDE), chain)

    def find(self, image: str) -> Path | None:
        """The image's file; probes are drawn and have none, and perturbed images are no files."""
        case = self._cases.get(image)
        if self._dataset.find_image is None or case is None or case.perturbation is not None:
            return None
        try:
            return self._dataset.find_image(case)
        except ImageError:
            return None


def open_image_source(run: Path, data: DataSource | Path | None) -> ImageSource | None:
    """The images of a finished run: embedded probes, or what lies at ``data``; else None.

    Raises UserError where these are not the data the run was made over.
    """
    dataset = open_run_data(read_manifest(run), data, run=run)
    return None if dataset is None else DatasetImages(dataset)


def open_run_data(
    manifest: Manifest, data: DataSource | Path | None, *, run: Path
) -> Dataset | None:
    """The data set of a finished run: embedded probes, or what lies at ``data``; else None.

    Raises UserError where these are not the data the run was made over.
    """
    described = manifest.dataset
    if data is None and described.kind not in EMBEDDED:
        return None
    dataset = open_dataset(DataSource(kind=described.kind) if data is None else data)
    if dataset.digest == described.digest:
        return dataset
    if data is None:
        return None  # probes of another version of this suite
    raise UserError(
        f"{run} was made over {described.name}, whose digest differs from that of "
        f"{dataset.name}. Give the same --data as then, or leave it out."
    )


def check_size(size: ReportImageSize, images: ImageSource | None) -> None:
    """Raise UserError if full-size images are requested and there is no source of images."""
    if size is ReportImageSize.FULL and images is None:
        raise UserError("--report-images=full needs the images. Add --data=PATH, as in the run.")


def list_images(record: Record) -> Iterator[str]:
    """The images that a report shows of a record.

    Of a perturbed case that is the normalised original, and of a search the flip beside it: every
    level of every image would be dozens of pictures of each.
    """
    case = record.case
    if case.original_image is None:
        yield from case.image_names
        return
    yield name_image(case.original_image, ORIGINAL)
    search = None if record.answer is None else record.answer.search
    if search is not None and search.flip is not None:
        yield name_image(case.original_image, search.flip)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """A thumbnail's file, and the size in pixels of the image it was made from."""

    file: str
    width: int
    height: int
    full: str | None = None
    """The address of the original image, valid only on the machine of the run."""
    whole: str | None = None
    """The file in full size; the same as ``file`` if that is not scaled."""


class Thumbnails:
    """Makes missing thumbnails of ``images`` in threads, while the context is open.

    Other work can be done before ``finish`` is called, because Pillow decodes without the GIL.
    ``shown`` are the images that the model saw: one whose pixels are others by now is left out.
    """

    def __init__(
        self,
        run: Path,
        images: Iterable[str],
        source: ImageSource | None,
        size: ReportImageSize = ReportImageSize.THUMBNAIL,
        *,
        shown: Mapping[str, PixelDigest | None] | None = None,
    ) -> None:
        self._shown = shown or {}
        self._folder, self._source, self._size = run / "report" / FOLDER, source, size
        self._known = _read_existing(self._folder)
        self._missing = [] if source is None else [image for image in images if self._lacks(image)]
        self._held = ExitStack()
        self._made: Iterable[StoredImage | None] = ()

    def __enter__(self) -> "Thumbnails":
        source, missing = self._source, self._missing
        check_inside(self._folder, self._folder.parent.parent)
        if source is not None and missing:
            source.find(missing[0])  # lists the folder, once and before there are threads
            with suppress(OSError):  # finish raises what comes of it
                self._folder.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(silence_decoder_warnings())
            pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
            # On an error or Ctrl-C, cancel thumbnails that have not started.
            self._held.callback(pool.shutdown, cancel_futures=True)
            self._made = pool.map(
                partial(
                    _make_image,
                    self._folder,
                    source=source,
                    relate=_make_relate(self._folder.parent.parent),
                    size=self._size,
                    shown=self._shown,
                ),
                missing,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def _lacks(self, image: str) -> bool:
        known = self._known.get(image)
        return known is None or (self._size is ReportImageSize.FULL and known.whole is None)

    def finish(self) -> Mapping[str, StoredImage]:
        """The stored images by name, once all are made; images that cannot be opened are left out.

        Raises OSError if they cannot be written.
        """
        if self._missing:
            images = _with_progress(self._made, len(self._missing))
            pairs = zip(self._missing, images, strict=True)
            self._known |= {name: image for name, image in pairs if image is not None}
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / KNOWN, msgspec.json.encode(self._known))
            self._missing = []
        return self._known


def copy_thumbnails(run: Path, other: Path) -> None:
    """Copy the stored images of another run that this run does not have.

    Only files with names of stored images are copied, and links are not followed.
    """
    source, folder = other / "report" / FOLDER, run / "report" / FOLDER
    source_images, images = _read_existing(source), _read_existing(folder)
    if not source_images:
        return
    folder.mkdir(parents=True, exist_ok=True)
    relate = _make_relate(run)
    for name in source_images.keys() - images.keys():
        picture = source_images[name]
        for file in {picture.file, picture.whole or picture.file}:
            shutil.copyfile(source / file, folder / file, follow_symlinks=False)
        place = other / os.fsdecode(unquote_to_bytes(picture.full)) if picture.full else None
        full = _relative_link(relate, place) if place is not None and place.is_file() else None
        images[name] = replace(picture, full=full)
    write_whole(folder / KNOWN, msgspec.json.encode(images))


def _with_progress(
    images: Iterable[StoredImage | None], total: int
) -> Iterable[StoredImage | None]:
    """The thumbnails as they are made, with a progress bar in a terminal if there are many."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    few = total < _PROGRESS_FROM or not console.is_terminal
    return track(images, "thumbnails", total, console=console, transient=True, disable=few)


def _read_existing(folder: Path) -> dict[str, StoredImage]:
    """The stored images in a folder by name; other entries and files are ignored."""
    if any(place.is_symlink() for place in (folder, folder.parent, folder / KNOWN)):
        return {}
    try:
        images = msgspec.json.decode(read_file(folder / KNOWN), type=dict[str, StoredImage])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return {
        name: replace(
            picture,
            full=picture.full if picture.full and _ADDRESS.fullmatch(picture.full) else None,
            whole=_full_size_file(folder, picture),
        )
        for name, picture in images.items()
        if _is_own(folder, picture.file)
    }


def _is_own(folder: Path, file: str) -> bool:
    """True if the file exists, is no link and has the name of a stored image."""
    path = folder / file
    return bool(_FILE.fullmatch(file)) and path.is_file() and not path.is_symlink()


def _full_size_file(folder: Path, picture: StoredImage) -> str | None:
    """The file in full size; in runs of earlier versions it may be the thumbnail."""
    if max(picture.width, picture.height) <= THUMBNAIL_SIZE:
        return picture.file
    return picture.whole if picture.whole and _is_own(folder, picture.whole) else None


def _make_image(
    folder: Path,
    name: str,
    *,
    source: ImageSource,
    relate: _Relate,
    size: ReportImageSize,
    shown: Mapping[str, PixelDigest | None],
) -> StoredImage | None:
    """Store one image in files named by digest, because its own name is untrusted.

    ``folder`` is that of the images of a run, and ``relate`` gives paths from the run.
    Returns None for an image that cannot be opened, or is not the one that was shown.
    """
    try:
        picture = source.open(name)
    except (ImageError, MachineError):
        return None
    recorded = shown.get(name)
    if recorded is not None and hash_pixels(picture) != recorded.digest:
        return None
    width, height = picture.size
    full = _relative_link(relate, source.find(name))
    if max(width, height) <= THUMBNAIL_SIZE:
        file = f"{_digest(name)}.png"
        _write_image(folder / file, picture, "PNG")
        return StoredImage(file=file, width=width, height=height, full=full, whole=file)
    file, whole = f"{_digest(name)}.webp", f"{_digest(f'{name}/whole')}.png"
    if size is ReportImageSize.FULL:
        _write_image(folder / whole, picture, "PNG")
    picture.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE))
    _write_image(folder / file, picture, "WEBP", quality=78, method=2)
    return StoredImage(
        file=file,
        width=width,
        height=height,
        full=full,
        whole=whole if _is_own(folder, whole) else None,
    )


def _write_image(path: Path, picture: "Image.Image", kind: str, **options: int) -> None:
    content = BytesIO()
    picture.save(content, kind, **options)
    write_whole(path, content.getvalue())


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _relative_link(relate: _Relate, path: Path | None) -> str | None:
    """The address of a file relative to the report of a run; None where there is none."""
    if path is None:
        return None
    if path.is_symlink():
        path = path.resolve()
    folder = relate(path.parent)
    # Names of files are bytes, and not always those of a text.
    return (
        None if folder is None else quote_from_bytes(os.fsencode((folder / path.name).as_posix()))
    )


def _make_relate(run: Path) -> _Relate:
    """A function that gives the path from a run to a directory of images, of which there are few.

    It looks up the links on the way to each once: that takes as long as decoding a small image.
    """
    resolved = run.resolve()

    @cache
    def relate(folder: Path) -> Path | None:
        try:
            return Path(os.path.relpath(folder.resolve(), resolved))
        except ValueError:  # another drive
            return None

    return relate
