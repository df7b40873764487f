"""What every data set provides: cases in file order, their digest, and their images."""

import codecs
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import msgspec

from fakebench_suite.errors import DataError, FormatError, describe_choices
from fakebench_suite.files.contents import read_file
from fakebench_suite.files.parsing import read_utf8
from fakebench_suite.tasks.registry import TaskSpec, get_task, list_tasks
from fakebench_suite.types import Authenticity, Case

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Cases and their images.

    ``kind`` is ``official`` (FakeBench's files as published), ``layout`` (other files in their
    layout), ``jsonl``, ``folder``, ``probes`` or the name of another benchmark. ``open_image``
    returns the image of a case as a new RGB image without name and metadata, or raises ImageError.
    ``has_images`` is called once, before a model is loaded. ``find_image`` returns the file of a
    case's image or raises ImageError, and ``list_images`` all image files in the data directory,
    whether a case uses them or not; both are None if the images are not files. ``image_side`` is
    the side in pixels of the images where all are squares of one size, else None.
    """

    name: str
    kind: str
    digest: str
    cases: tuple[Case, ...]
    open_image: Callable[[Case], "Image.Image"]
    has_images: Callable[[], bool]
    find_image: Callable[[Case], Path] | None = None
    list_images: Callable[[], list[Path]] | None = None
    image_side: int | None = None
    licence: str | None = None
    """Under which its authors publish it, and who says so; None where the suite does not know."""
    note: str = ""
    """How cases were made where no file says so, without its full stop."""


def require_path(path: Path | None, *, kind: str) -> Path:
    """The path; raises DataError where a kind of data set that needs one was given none."""
    if path is None:
        raise DataError(f"--data={kind} names no place. Write --data={kind}:PATH.")
    return path


def read_bytes(path: Path) -> bytes:
    """Return the content of a data file without a UTF-8 byte-order mark.

    Raises DataError if it cannot be read.
    """
    try:
        return read_file(path).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from error


def check_utf8(content: bytes, *, location: str) -> None:
    """Raise DataError if the content is not UTF-8; ``location`` begins the message."""
    try:
        read_utf8(content)
    except FormatError as error:
        raise DataError(f"{location} {str(error).removeprefix('it ')}.") from error


def digest_contents(contents: Iterable[bytes]) -> str:
    """Return the SHA-256 over the contents in order, as hex."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def digest_cases(cases: Iterable[Case]) -> str:
    """Return the SHA-256 of what the cases hold; fields without a value do not count.

    The region counts as it did when a case had one box, and what is intact does not count, so that
    older runs can be compared.
    """
    return digest_contents(
        msgspec.json.encode(_list_fields(case), order="sorted") for case in cases
    )


def _list_fields(case: Case) -> dict[str, object]:
    fields = {
        name: value
        for name, value in msgspec.to_builtins(case).items()
        if value not in (None, [], ()) and name not in _UNCOUNTED
    }
    return fields | ({"forged_region": case.regions[0].box} if case.regions else {})


_UNCOUNTED = frozenset({"regions", "intact_criteria"})
"""Fields of cases that are younger than the digest, and follow from the others."""


_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
"""Nearly all names of images, of which no part can mean another directory."""


def _is_image_name(name: str) -> bool:
    if _PLAIN_NAME.fullmatch(name):
        return True
    path, windows = PurePosixPath(name), PureWindowsPath(name)
    escapes = path.is_absolute() or windows.anchor or ".." in windows.parts
    unprintable = any(unicodedata.category(character) == "Cc" for character in name)
    return bool(windows.name.strip()) and not (escapes or unprintable or ":" in name)


def check_image_name(name: str, *, location: str) -> str:
    """Return the name, written in one way, if it is a path inside the image directory.

    ``./a.png`` and ``a.png`` are one image, whose cases share a label and are resampled together.
    Raises DataError where the name leads elsewhere.
    """
    if not _is_image_name(name):
        raise DataError(
            f"{location}: the image name {name!r} is not allowed. Use a name relative to the "
            "image directory, without '..', ':' or control characters."
        )
    return name if _PLAIN_NAME.fullmatch(name) else str(PurePosixPath(name))


def check_unique(cases: Sequence[Case], *, location: str) -> None:
    """Raise DataError if two cases have the same id."""
    repeated = [
        case_id for case_id, count in Counter(case.id for case in cases).items() if count > 1
    ]
    if repeated:
        shown = ", ".join(repeated[:3])
        raise DataError(
            f"{location}: {len(repeated)} duplicate ids, such as {shown}. Ask every image the same "
            "thing only once: remove the repeated rows."
        )


def check_ids(cases: Iterable[Case], *, location: str) -> None:
    """Raise DataError if an id does not name the image of its case, by which cases are grouped."""
    for case in cases:
        if ":" in case.image or not case.id.startswith(f"{case.image}:"):
            raise DataError(
                f"{location}: the case {case.id!r} is on the image {case.image!r}. Its id must be "
                "the name of the image, which has no colon, a colon, and what is asked."
            )


def find_task(name: str, *, location: str) -> TaskSpec:
    """The task of a case by name; raises DataError where no data set can have cases of it."""
    tasks = [task for task in list_tasks() if not get_task(task).derived]
    if name in list_tasks() and name not in tasks:
        raise DataError(
            f"{location}: the cases of {name} are made of detection cases. Write detection cases, "
            f"and ask them with --{name}."
        )
    if name not in tasks:
        raise DataError(f"{location}: task is {name!r}; {describe_choices(name, tasks)}.")
    return get_task(name)


def check_labels(cases: Sequence[Case], *, location: str) -> None:
    """Raise DataError if cases on one image have different labels.

    Image groups are asked about one image, so its label must be the same in all cases.
    """
    labels: dict[str, Authenticity] = {}
    for case in cases:
        if case.label and labels.setdefault(case.image, case.label) is not case.label:
            raise DataError(
                f"{location}: the image {case.image} is labelled both fake and real. Two images "
                "need two names; include the directory, as in fake_images/ and real_images/."
            )
