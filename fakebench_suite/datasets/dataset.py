"""What every source yields: cases in file order, their digest, and a way to their images."""

import codecs
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from fakebench_suite.errors import DataError, FormatError
from fakebench_suite.files.contents import read_file
from fakebench_suite.files.formats import read_utf8
from fakebench_suite.types import Authenticity, Case

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Cases and their images.

    ``kind`` is ``official`` (FakeBench's files as published), ``layout`` (others in their layout),
    ``jsonl`` or ``probes``; ``open_image`` gives the pixels of a case's
    image as a fresh RGB picture that carries no name and no metadata, or raises ImageError.
    ``has_images`` is asked once, before a model is loaded; ``find_image`` gives the file behind a
    case's image, or raises ImageError, and ``list_images`` gives every image file below the data,
    asked about or not, where images lie in files.
    """

    name: str
    kind: str
    digest: str
    cases: tuple[Case, ...]
    open_image: Callable[[Case], "Image.Image"]
    has_images: Callable[[], bool]
    find_image: Callable[[Case], Path] | None = None
    list_images: Callable[[], list[Path]] | None = None


def read_bytes(path: Path) -> bytes:
    """The content of a data file, less a UTF-8 mark; DataError when it cannot be read."""
    try:
        return read_file(path).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from error


def check_utf8(content: bytes, *, where: str) -> None:
    """Raise DataError when the bytes are not UTF-8."""
    try:
        read_utf8(content)
    except FormatError as error:
        raise DataError(f"{where} {str(error).removeprefix('it ')}.") from error


def digest_contents(contents: Iterable[bytes]) -> str:
    """SHA-256 over the given contents in order, as hex."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def check_image_name(name: str, *, where: str) -> str:
    """The name unchanged, if it stays inside its directory; otherwise DataError."""
    path, windows = PurePosixPath(name), PureWindowsPath(name)
    escapes = path.is_absolute() or windows.anchor or ".." in windows.parts
    unprintable = any(unicodedata.category(char) == "Cc" for char in name)
    if not windows.name.strip() or escapes or unprintable or ":" in name:
        raise DataError(
            f"{where}: the image name {name!r} is refused. Allowed are names relative to the "
            "image directory, without '..', ':' or control characters."
        )
    return name


def check_unique(cases: Sequence[Case], *, where: str) -> None:
    """Raise DataError when two cases share an id."""
    repeated = [name for name, count in Counter(case.id for case in cases).items() if count > 1]
    if repeated:
        shown = ", ".join(repeated[:3])
        raise DataError(
            f"{where}: {len(repeated)} duplicate ids, such as {shown}. Every image may be asked "
            "the same thing once; remove the repeated rows."
        )


def check_labels(cases: Sequence[Case], *, where: str) -> None:
    """Raise DataError when an image is labelled both fake and real: a group shows one picture."""
    labels: dict[str, Authenticity] = {}
    for case in cases:
        if case.label and labels.setdefault(case.image, case.label) is not case.label:
            raise DataError(
                f"{where}: the image {case.image} is labelled both fake and real. Two pictures "
                "need two names; put the folder in front, as in fake_images/ and real_images/."
            )
