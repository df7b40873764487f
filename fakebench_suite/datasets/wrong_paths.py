"""Messages for a ``--data`` path without a data set: what is there, and where to point instead."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from fakebench_suite.datasets.images import is_image_name
from fakebench_suite.errors import find_nearest
from fakebench_suite.text.display import count_of

_ARCHIVES = frozenset({".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst"})
_TABLES = frozenset({".csv", ".tsv", ".parquet", ".xlsx", ".xls", ".arrow"})
_BENCHMARKS = {
    "loki": ("data_json/image/true_or_false.json", "data_json/image/multi_choice.json"),
    "fakevlm-fakeclue": ("data_json/test.json", "data_json/train.json"),
    "synthscars": ("SynthScars/test", "test/annotations/test.json", "test/annoations/test.json"),
    "x-aigd": ("data/labeled_*.parquet", "labeled_*.parquet"),
    "mmfr": ("evaluation_sets/*/*_reasoning.json", "*/*_reasoning.json"),
}
"""Files that only one kind of data set has."""
_ROW_FILES = ("FakeClass.json", "FakeClue.json", "FakeQA.json")
_MAX_DEPTH = 2
"""Levels above and below a directory in which a data set is searched for."""
_MAX_ENTRIES = 1000
"""Entries of a directory that are examined."""


def advise_file(path: Path) -> str | None:
    """Return why a file cannot hold rows, and what to do; None if it may hold some."""
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


def holds_rows(root: Path) -> bool:
    """Return whether a directory holds rows: FakeBench's, JSON lines, or another benchmark's."""
    folders = (root, root / "Evaluation")
    return (
        any((folder / name).is_file() for folder in folders for name in _ROW_FILES)
        or any(path.suffix == ".jsonl" for path in _list_entries(root))
        or _find_benchmark(root) is not None
    )


def _find_benchmark(root: Path) -> str | None:
    """Return the kind of the other benchmark whose files a directory holds; None without any."""
    for kind, patterns in _BENCHMARKS.items():
        if any(next(root.glob(pattern), None) is not None for pattern in patterns):
            return kind
    return None


def advise_directory(root: Path, files: Sequence[str]) -> str | None:
    """Return what a directory without ``files`` holds, or where they are nearby."""
    if (kind := _find_benchmark(root)) is not None:
        return f"It holds files of another benchmark: write --data={kind}:{root}."
    for folder in _list_nearby(root):
        if any((folder / name).is_file() for name in files):
            return f"They are in {_drop_evaluation(folder)}: point --data there."
    row_files = sorted(path for path in _list_entries(root) if path.suffix == ".jsonl")
    if row_files:
        suffix = f" (or one of {len(row_files) - 1:,} others)" if len(row_files) > 1 else ""
        return f"It holds {row_files[0].name}{suffix}: point --data at that file."
    images = sum(is_image_name(path.name) for path in _list_entries(root))
    images += sum(
        is_image_name(path.name)
        for child in _list_entries(root)
        if child.is_dir()
        for path in _list_entries(child)
    )
    if images:
        return (
            f"It holds {count_of(images, 'image')} and nothing that says what is fake: move them "
            "into real/ and fake/, or say which directory is real by --data=folder:DIR:real=NAME, "
            "or write a .jsonl file with one row per case and point --data at that."
        )
    return None


def find_images_above(root: Path) -> Path | None:
    """Return the parent directory that holds the images of the rows in ``root``, if any."""
    for folder in root.absolute().parents[:_MAX_DEPTH]:
        children = [path for path in _list_entries(folder) if path.name.endswith("_images")]
        if any(path.is_dir() for path in children):
            return folder
    return None


def find_similar(path: Path) -> Path | None:
    """Return the existing path whose name is most similar to a missing one; None if none is."""
    name = find_nearest(path.name, [entry.name for entry in _list_entries(path.parent)])
    return None if name is None else path.parent / name


def _list_nearby(root: Path) -> Iterator[Path]:
    """Yield the directories below, level by level, then those above."""
    level = [root]
    for _ in range(_MAX_DEPTH):
        level = [path for folder in level for path in _list_entries(folder) if path.is_dir()]
        yield from level
    for folder in root.absolute().parents[:_MAX_DEPTH]:
        yield folder / "Evaluation"
        yield folder


def _drop_evaluation(folder: Path) -> Path:
    return folder.parent if folder.name == "Evaluation" else folder


def _list_entries(folder: Path) -> list[Path]:
    """Return the entries of a directory by name; empty if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(_MAX_ENTRIES), strict=False)]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]
