"""Data sets: FakeBench's official files, JSON lines, and the embedded probes."""

import os
from pathlib import Path

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.errors import DataError


def open_dataset(data: Path | None) -> Dataset:
    """Return the data set at ``data``: a directory, a ``.jsonl`` file, or None for the probes.

    Raises DataError if there is no data set at the path, with a sentence on what to pass instead.
    """
    if data is None:
        from fakebench_suite.datasets.probes.dataset import load_probes

        return load_probes()
    # Path.is_dir raises if a name is longer than the file system allows; os.path does not.
    if os.path.isdir(data):  # noqa: PTH112
        from fakebench_suite.datasets.fakebench import load_fakebench

        return load_fakebench(data)
    from fakebench_suite.datasets.wrong_paths import advise_file, find_similar

    if os.path.isfile(data):  # noqa: PTH113
        from fakebench_suite.datasets.jsonl import load_jsonl

        if advice := advise_file(data):
            raise DataError(advice)
        return load_jsonl(data)
    suggestion = find_similar(data)
    hint = f" Did you mean {suggestion}?" if suggestion is not None else ""
    raise DataError(
        f"There is no {data}.{hint} Point --data at a directory that holds "
        "Evaluation/FakeClass.json, FakeClue.json or FakeQA.json, or at a .jsonl file; leave it "
        "out for the embedded probes."
    )
