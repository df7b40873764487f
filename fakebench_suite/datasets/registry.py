"""The kinds of data sets by name, and the data set behind ``--data``.

A new kind is one module and one row here. A package of its own registers a :class:`DatasetSpec`
through the entry-point group ``fakebench_suite.datasets``::

    [project.entry-points."fakebench_suite.datasets"]
    photos = "my_package:SPEC"

and is asked for by ``--data=photos`` or ``--data=photos:PATH``.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from fakebench_suite.datasets.dataset import (
    Dataset,
    check_ids,
    check_labels,
    check_unique,
    find_task,
)
from fakebench_suite.entry_points import Registry, import_object, name_package
from fakebench_suite.errors import DataError, find_nearest
from fakebench_suite.files.paths import expand_home

REAL_SETTING = ":real="
"""What separates a folder of images from the names of its directories of real ones."""
Load = Callable[[Path | None], Dataset]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A kind of data set."""

    load: Load | str
    """``load(path)`` gives the data set, or raises DataError; ``path`` is None where none was
    given. As text, ``module:function``, it is imported when the data set is opened."""


DATASETS = Registry(
    noun="data set",
    group="fakebench_suite.datasets",
    kind=DatasetSpec,
    built_in={
        "probes": DatasetSpec(load="fakebench_suite.datasets.probes.dataset:load"),
        "probes-grounded": DatasetSpec(load="fakebench_suite.datasets.probes.grounded:load"),
        "probes-graded": DatasetSpec(load="fakebench_suite.datasets.probes.graded:load"),
        "fakebench": DatasetSpec(load="fakebench_suite.datasets.fakebench:load"),
        "jsonl": DatasetSpec(load="fakebench_suite.datasets.jsonl:load"),
        "folder": DatasetSpec(load="fakebench_suite.datasets.folder:load"),
        "loki": DatasetSpec(load="fakebench_suite.datasets.loki:load"),
        "fakevlm-fakeclue": DatasetSpec(load="fakebench_suite.datasets.fakevlm:load"),
        "synthscars": DatasetSpec(load="fakebench_suite.datasets.synthscars:load"),
        "x-aigd": DatasetSpec(load="fakebench_suite.datasets.x_aigd:load"),
        "mmfr": DatasetSpec(load="fakebench_suite.datasets.mmfr:load"),
    },
)


EMBEDDED = ("probes", "probes-grounded", "probes-graded")
"""The kinds of data sets that are part of the suite, and are opened without a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """A registered kind of data set, and where it lies, as ``--data=KIND:PATH`` names them."""

    kind: str
    path: Path | None = None

    @property
    def name(self) -> str:
        """A word for the names of run directories."""
        if self.path is None:
            return self.kind
        return Path(str(self.path).partition(REAL_SETTING)[0]).stem


def parse_data(text: str, *, below: Path) -> DataSource | Path:
    """What ``--data`` names: a path, or a kind of data set; paths are below the directory given.

    A path that exists is that path, whatever it is called. ``DIR:real=NAME`` is a folder of images.
    Raises DataError where the text is empty, which would be the directory.
    """
    if not text.strip():
        raise DataError("The data set has an empty name, as where a variable is not set: name one.")
    path = below / expand_home(text)
    kind, colon, rest = text.partition(":")
    # os.path answers where Path raises: a name may be longer than the file system allows.
    if os.path.exists(path):  # noqa: PTH110
        return path
    if kind not in DATASETS.list_names():
        return DataSource(kind="folder", path=path) if REAL_SETTING in text else path
    return DataSource(kind=kind, path=below / expand_home(rest) if colon and rest else None)


def open_dataset(data: DataSource | Path | None) -> Dataset:
    """The data set behind ``--data``: of a kind, a directory, a ``.jsonl`` file; None for probes.

    Raises DataError, naming file, row and field, where it cannot be read.
    """
    source = data if isinstance(data, DataSource) else find_source(data)
    _check_place(source)
    spec = DATASETS.get(source.kind)
    if isinstance(spec.load, str) and source.kind in DATASETS.built_in:
        return cast("Load", import_object(spec.load))(source.path)
    with name_package(f"Opening the data set {source.kind!r}", DataError):
        load = cast("Load", import_object(spec.load) if isinstance(spec.load, str) else spec.load)
        dataset = load(source.path)
        check_unique(dataset.cases, location=source.kind)
        check_ids(dataset.cases, location=source.kind)
        for task in sorted({case.task for case in dataset.cases}):
            find_task(task, location=source.kind)
        check_labels(dataset.cases, location=source.kind)
        return dataset


def _check_place(source: DataSource) -> None:
    """Raise DataError where a kind that is part of the suite is given a place that is not there."""
    path = source.path
    if path is None or source.kind not in DATASETS.built_in or source.kind in EMBEDDED:
        return
    place = Path(str(path).partition(REAL_SETTING)[0])
    if not os.path.lexists(place):
        from fakebench_suite.datasets.wrong_paths import find_similar

        near = find_similar(place)
        hint = f" Did you mean {near}?" if near is not None else ""
        raise DataError(
            f"There is no {place}.{hint} Point --data={source.kind}:PATH at what holds the data."
        )


def find_source(path: Path | None) -> DataSource:
    """The kind of data set at a path; raises DataError where there is none."""
    if path is None:
        return DataSource(kind="probes")
    # os.path answers where Path raises: a name may be longer than the file system allows.
    if os.path.isdir(path):  # noqa: PTH112
        return DataSource(kind="folder" if _is_folder(path) else "fakebench", path=path)
    from fakebench_suite.datasets.wrong_paths import advise_file, find_similar

    if os.path.isfile(path):  # noqa: PTH113
        if advice := advise_file(path):
            raise DataError(advice)
        return DataSource(kind="jsonl", path=path)
    kind, colon, rest = path.name.partition(":")
    known = find_nearest(kind, DATASETS.list_names())
    near: object = None if colon and known is not None else find_similar(path)
    if near is None and known is not None:
        near = f"--data={known}{colon}{rest}"
    hint = f" Did you mean {near}?" if near is not None else ""
    raise DataError(
        f"There is no {path}.{hint} Point --data at a directory that holds "
        "Evaluation/FakeClass.json, FakeClue.json or FakeQA.json, at a directory with real/ and "
        "fake/ images, or at a .jsonl file; leave it out for the embedded probes. KIND:PATH works "
        f"too, of {', '.join(DATASETS.list_names())}."
    )


def _is_folder(path: Path) -> bool:
    """Whether a directory is laid out as a folder of images, and holds no file with rows."""
    from fakebench_suite.datasets.folder_layout import has_layout
    from fakebench_suite.datasets.wrong_paths import holds_rows

    return not holds_rows(path) and has_layout(path)
