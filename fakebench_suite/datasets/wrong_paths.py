"""What a place that holds no data set looks like, and where ``--data`` should have pointed."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from fakebench_suite.datasets.images import is_image_name
from fakebench_suite.errors import find_nearest
from fakebench_suite.text.display import count_of

_ARCHIVES = frozenset({".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst"})
_TABLES = frozenset({".csv", ".tsv", ".parquet", ".xlsx", ".xls", ".arrow"})
_MAX_DEPTH = 2
"""Levels above and below a directory at which a data set is looked for."""
_MAX_ENTRIES = 1000
"""Entries of a directory that are looked at."""


def advise_file(path: Path) -> str | None:
    """Why a file is none of rows, and what to do; None where it may be one."""
    suffix = path.suffix.lower()
    if suffix in _ARCHIVES:
        return f"{path} is an archive. Unpack it, and point --data at the directory that it makes."
    if suffix in _TABLES:
        return f"{path} is a table. Write its rows as JSON lines, one object per case."
    if is_image_name(path.name):
        return (
            f"{path} is an image. Point --data at a .jsonl file with rows about it, or at a "
            "directory in FakeBench's layout."
        )
    return None


def advise_directory(root: Path, files: Sequence[str]) -> str | None:
    """What lies in a directory that holds none of ``files``, or where they are nearby."""
    for place in _list_nearby(root):
        if any((place / name).is_file() for name in files):
            return f"They are in {_drop_evaluation(place)}: point --data there."
    rows = sorted(path for path in _list_entries(root) if path.suffix == ".jsonl")
    if rows:
        others = f" (or one of {len(rows) - 1:,} others)" if len(rows) > 1 else ""
        return f"It holds {rows[0].name}{others}: point --data at that file."
    images = sum(is_image_name(path.name) for path in _list_entries(root))
    images += sum(
        is_image_name(path.name)
        for child in _list_entries(root)
        if child.is_dir()
        for path in _list_entries(child)
    )
    if images:
        return (
            f"It holds {count_of(images, 'image')} and no rows that say what is fake: write a "
            ".jsonl file with one row per case beside them, and point --data at that."
        )
    return None


def find_images_above(root: Path) -> Path | None:
    """The directory above that holds the images of rows in ``root``; None where none does."""
    for place in root.absolute().parents[:_MAX_DEPTH]:
        children = [path for path in _list_entries(place) if path.name.endswith("_images")]
        if any(path.is_dir() for path in children):
            return place
    return None


def find_similar(path: Path) -> Path | None:
    """What a path that is not there may have been meant for."""
    near = find_nearest(path.name, [entry.name for entry in _list_entries(path.parent)])
    return None if near is None else path.parent / near


def _list_nearby(root: Path) -> Iterator[Path]:
    """Directories below, level by level, then those above."""
    level = [root]
    for _ in range(_MAX_DEPTH):
        level = [path for place in level for path in _list_entries(place) if path.is_dir()]
        yield from level
    for place in root.absolute().parents[:_MAX_DEPTH]:
        yield place / "Evaluation"
        yield place


def _drop_evaluation(place: Path) -> Path:
    return place.parent if place.name == "Evaluation" else place


def _list_entries(folder: Path) -> list[Path]:
    """What lies in a directory, by name; nothing where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(_MAX_ENTRIES), strict=False)]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]
