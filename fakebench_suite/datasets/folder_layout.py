"""Which images of a folder are fake, by the directories that the user laid them out in.

Names of directories are compared without regard to case. The layouts are those of published sets:
``real`` and ``fake``; ``0_real`` and ``1_fake`` (CNNDetection, AIGCDetectBenchmark); ``nature`` and
``ai`` (GenImage); any of these pairs in a directory per generator, with a directory per split or
category in between; and one directory per generator beside a directory of real images.
"""

import os
import unicodedata
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes

from fakebench_suite.datasets.images import is_image_name
from fakebench_suite.datasets.registry import REAL_SETTING
from fakebench_suite.errors import DataError, describe_choices
from fakebench_suite.text.display import count_of
from fakebench_suite.types import Authenticity

REAL_NAMES = ("real", "0_real", "nature")
FAKE_NAMES = ("fake", "1_fake", "ai")
LAYOUTS = (
    "Allowed are real/ and fake/ (or 0_real/ and 1_fake/, nature/ and ai/), such a pair in each of "
    "several directories named after generators, or directories named after generators beside real/"
)
"""The beginning of what errors say is allowed."""
_SPLITS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing", "eval"})
"""Names of directories that are parts of a data set, and no generators."""
_JUNK = frozenset({"__macosx", "thumbs.db"})
_MAX_DEPTH, _MAX_DIRECTORIES = 3, 500
"""Levels and number of the directories that are searched for a layout."""
_MAX_NAMED = 5
"""Most names in an error."""
_QUOTED = frozenset('%:\\"[]')
"""Printable characters that are quoted in names."""
Parts = tuple[str, ...]
"""Names of directories, from below the root down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFile:
    """An image file with what its directories say of it."""

    name: str
    """Its path below the root, with ``/`` on every system; unprintable characters are quoted."""
    path: Path
    label: Authenticity
    generator: str | None
    """None for real images, and where no directory names one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFolder:
    """The labelled images of a folder, sorted by name, and how many files are left out."""

    files: tuple[LabelledFile, ...]
    others: int
    """Files without the suffix of an image."""
    repeated: int
    """Further links to images that are among the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An image file as it was met."""

    path: Path
    parts: Parts
    identity: str
    """Its path after all links."""


def split_real(place: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the directory and the names of ``DIR:real=NAME,NAME``; no names for a plain path."""
    text = str(place)
    head, setting, tail = text.rpartition(REAL_SETTING)
    if not setting or os.path.lexists(place):
        return place, ()
    names = tuple(name.strip().strip("/") for name in tail.split(","))
    if not all(names) or not head:
        raise DataError(
            f"{text} names no directory of real images behind {REAL_SETTING}. Write "
            f"DIR{REAL_SETTING}NAME, or several names with commas between them."
        )
    return Path(head), names


def has_layout(root: Path) -> bool:
    """Return whether directories below ``root`` are named as those of a folder of images are.

    A name of either label counts directly below ``root``; further down, a real one beside others.
    """
    queue = deque([(root, 0)])
    seen = 0
    while queue and seen < _MAX_DIRECTORIES:
        folder, depth = queue.popleft()
        seen += 1
        children = _list_directories(folder)
        keys = {name.casefold() for name in children}
        has_real = not keys.isdisjoint(REAL_NAMES)
        if (has_real and len(children) > 1) or (
            depth == 0 and not keys.isdisjoint((*REAL_NAMES, *FAKE_NAMES))
        ):
            return True
        if depth < _MAX_DEPTH:
            queue += [(folder / name, depth + 1) for name in children]
    return False


def _list_directories(folder: Path) -> list[str]:
    """Return the names of the directories in a folder; empty if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entry.name for entry in entries if not _is_junk(entry.name) and entry.is_dir()
            )
    except OSError:
        return []


def read_layout(root: Path, real: Collection[str] = ()) -> LabelledFolder:
    """Return the images below ``root`` with their labels.

    ``real`` are the names of the directories of real images, directly below ``root``, where no
    usual name says it; every other directory is then a generator's. Raises DataError, saying what
    was found and what is allowed, if a label cannot be told from the directories, or if one of the
    labels is absent.
    """
    found, others = _find_images(root)
    if not found:
        beside = f", only {count_of(others, 'other file')}" if others else ""
        raise DataError(f"{root} holds no images{beside}. {LAYOUTS}, with images below them.")
    stray = [image.path.name for image in found if not image.parts]
    if stray:
        raise DataError(
            f"{root} holds {count_of(len(stray), 'image')} beside its directories, such as "
            f"{stray[0]}, and nothing says whether it is fake. {LAYOUTS}; move it into one of them."
        )
    if real:
        real = _match_real(root, real, {image.parts[0] for image in found})
    else:
        _check_directories(root, [image.parts for image in found])
    files, repeated = _label_files(root, found, real)
    labels = {file.label for file in files}
    if len(labels) == 1:
        (label,) = labels
        other = next(other for other in Authenticity if other is not label)
        raise DataError(
            f"{root} holds {count_of(len(files), f'{label} image')} and no {other} one"
            f"{_describe_named_files(root)}, and detection needs both. {LAYOUTS}; for images of "
            "one label write JSON lines."
        )
    return LabelledFolder(files=tuple(files), others=others, repeated=repeated)


def _describe_named_files(root: Path) -> str:
    """Return which files directly below ``root`` have the name of a label; empty without any."""
    names = (*REAL_NAMES, *FAKE_NAMES)
    files = [
        path.name for path in root.iterdir() if path.name.casefold() in names and path.is_file()
    ]
    return f": {files[0]} is a file, not a directory" if files else ""


def _find_images(root: Path) -> tuple[list[_Found], int]:
    """Return the image files below a directory in order, and the number of other files.

    Hidden files and directories are skipped. Links are followed, but not to a directory above.
    """
    found: list[_Found] = []
    others = 0
    above: dict[str, frozenset[str]] = {}
    for folder, folders, names in os.walk(root, followlinks=True, onerror=_raise_unreadable):
        real_path = os.path.realpath(folder)
        ancestors = above.get(os.path.dirname(folder), frozenset())  # noqa: PTH120  # os.walk gives texts
        if real_path in ancestors:
            folders.clear()
            continue
        above[folder] = ancestors | {real_path}
        folders[:] = sorted(name for name in folders if not _is_junk(name))
        parts = Path(folder).relative_to(root).parts
        for name in sorted(name for name in names if not _is_junk(name)):
            if not is_image_name(name):
                others += 1
                continue
            path = Path(folder, name)
            is_link = path.is_symlink()
            identity = os.path.realpath(path) if is_link else f"{real_path}{os.sep}{name}"
            found.append(_Found(path=path, parts=parts, identity=identity))
    return found, others


def _raise_unreadable(error: OSError) -> None:
    raise DataError(
        f"{error.filename} cannot be read: {error.strerror}. Point --data at a directory of images "
        "that you may read."
    ) from error


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _JUNK


def _match_real(root: Path, wanted: Collection[str], present: set[str]) -> frozenset[str]:
    """Return the directories of real images by the names they have; raises DataError."""
    matched = set()
    for name in wanted:
        alike = [other for other in present if other.casefold() == name.casefold()]
        exact = [other for other in alike if other == name] or alike
        if len(exact) != 1:
            raise DataError(
                f"{root} has no directory {name!r} with images, which {REAL_SETTING}{name} names; "
                f"{describe_choices(name, sorted(present))}."
            )
        matched |= set(exact)
    for name in sorted(present - matched):
        if name.casefold() in REAL_NAMES:
            raise DataError(
                f"{root} has {name}/ beside {_join(sorted(matched))}, and {REAL_SETTING} does not "
                f"name it. Write {REAL_SETTING}{','.join([*sorted(matched), name])}, or rename it."
            )
    return frozenset(matched)


def _find_class(parts: Parts) -> int | None:
    """Return the index of the first directory that is named after a label; None without one."""
    names = (*REAL_NAMES, *FAKE_NAMES)
    return next((index for index, part in enumerate(parts) if part.casefold() in names), None)


def _check_directories(root: Path, images: Sequence[Parts]) -> None:
    """Raise DataError where the names of directories do not tell the label of every image."""
    twins: dict[tuple[Parts, bool], set[str]] = {}
    unnamed: set[str] = set()
    for parts in dict.fromkeys(images):
        index = _find_class(parts)
        if index is None:
            unnamed.add(parts[0])
            continue
        is_real = parts[index].casefold() in REAL_NAMES
        twins.setdefault((parts[:index], is_real), set()).add(parts[index])
    for (above, is_real), names in sorted(twins.items()):
        if len(names) > 1:
            label = Authenticity.REAL if is_real else Authenticity.FAKE
            raise DataError(
                f"{root.joinpath(*above)} holds {_join(sorted(names))}, which are all {label}. "
                "Keep one of them, or move the images into one."
            )
    tops = {is_real for (above, is_real) in twins if not above}
    if unnamed:
        _check_unnamed(root, sorted(unnamed), tops=tops, has_labels=bool(twins))
    if True in tops:
        _check_generators(root, images)


def _check_unnamed(
    root: Path, unnamed: Sequence[str], *, tops: set[bool], has_labels: bool
) -> None:
    """Raise DataError unless directories without a label lie beside real images alone.

    ``tops`` says of the labels directly below ``root`` whether they are real.
    """
    shown = _join(unnamed)
    if not has_labels:
        raise DataError(
            f"{root} holds images in {shown}, and no name says which of them are real. {LAYOUTS}. "
            f"Or say which is real: --data=folder:{root}{REAL_SETTING}{unnamed[0]}."
        )
    if tops != {True}:
        raise DataError(
            f"{root} holds images in {shown}, of which nothing says whether they are fake. "
            f"{LAYOUTS}; move them, or rename {'it' if len(unnamed) == 1 else 'them'}."
        )


def _check_generators(root: Path, images: Sequence[Parts]) -> None:
    """Raise DataError where a directory beside that of real images is more than one thing.

    Its images are a generator's, so a name of a label in it, which may be that of a category, must
    come in a pair that holds all of them.
    """
    classes: dict[str, dict[bool | None, Parts]] = {}
    for parts in images:
        index = _find_class(parts)
        if index != 0:
            is_real = None if index is None else parts[index].casefold() in REAL_NAMES
            known = parts if index is None else parts[: index + 1]
            classes.setdefault(parts[0], {}).setdefault(is_real, known)
    for name, examples in classes.items():
        if None in examples and len(examples) > 1:
            label = next(example for key, example in examples.items() if key is not None)
            beside = f"other images of {_to_name((name,))}/ lie outside it"
        elif examples.keys() == {True}:
            label, beside = examples[True], f"nothing in {_to_name((name,))}/ is named as fake"
        else:
            continue
        raise DataError(
            f"{root.joinpath(*label)} is named as a label, and {beside}, beside a directory of "
            f"real images: it may be a label or a category. {LAYOUTS}; rename {label[-1]}, or move "
            "it."
        )


def _label_files(
    root: Path, found: Sequence[_Found], real: Collection[str]
) -> tuple[list[LabelledFile], int]:
    """Return the images with their labels, each file once, and the number of further links."""
    seen: dict[str, LabelledFile] = {}
    names: dict[str, Path] = {}
    for image in found:
        label = _find_label(root, image.parts, real)
        generator = _find_generator(image.parts) if label is Authenticity.FAKE else None
        path = image.path
        file = LabelledFile(
            name=_to_name((*image.parts, path.name)), path=path, label=label, generator=generator
        )
        known = seen.setdefault(image.identity, file)
        if known.label is not label:
            raise DataError(
                f"{known.path} and {path} are one file, by links, and its directories call it both "
                f"{known.label} and {label}. Remove one of them."
            )
        if known is file and names.setdefault(file.name, path) != path:
            raise DataError(
                f"{names[file.name]} and {path} have the same name but for its Unicode "
                "normalization. Rename one of them."
            )
    files = sorted(seen.values(), key=lambda file: file.name)
    return files, len(found) - len(files)


def _find_label(root: Path, parts: Parts, real: Collection[str]) -> Authenticity:
    """Return the label of the images in a directory; raises DataError if it has both."""
    keys = {part.casefold() for part in parts}
    is_real = parts[0] in real if real else not keys.isdisjoint(REAL_NAMES)
    if not keys.isdisjoint(FAKE_NAMES if is_real else REAL_NAMES):
        raise DataError(
            f"{root.joinpath(*parts)} lies in directories of both labels. {LAYOUTS}; rename one "
            "of its directories."
        )
    return Authenticity.REAL if is_real else Authenticity.FAKE


def _find_generator(parts: Parts) -> str | None:
    """Return the first directory that is named neither after a label nor after a split."""
    names = {*FAKE_NAMES, *_SPLITS}
    name = next((part for part in parts if part.casefold() not in names), None)
    return None if name is None else _to_name((name,))


def _to_name(parts: Parts) -> str:
    """Return a path as a name that can be printed and pasted, the same on every system.

    Colons end the image in the id of a case, and ``%`` begins a quoted character.
    """
    text = unicodedata.normalize("NFC", "/".join(parts))
    if text.isprintable() and _QUOTED.isdisjoint(text):
        return text
    return "".join(_quote(character) for character in text)


def _quote(character: str) -> str:
    if character.isprintable() and character not in _QUOTED:
        return character
    return quote_from_bytes(character.encode("utf-8", "surrogateescape"))


def _join(names: Sequence[str]) -> str:
    """Return the first names as directories, and the number of the others."""
    shown: Iterator[str] = (f"{_to_name((name,))}/" for name in names[:_MAX_NAMED])
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(shown) + more
