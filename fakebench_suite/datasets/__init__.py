"""Where cases come from: the official files, JSON lines, or the embedded probes."""

import os
from pathlib import Path

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.errors import DataError


def open_dataset(data: Path | None) -> Dataset:
    """The data set behind ``--data``: a directory, a ``.jsonl`` file, or None for the probes."""
    if data is None:
        from fakebench_suite.datasets.probes.dataset import load_probes

        return load_probes()
    # os.path answers where Path raises: a name may be longer than the file system allows.
    if os.path.isdir(data):  # noqa: PTH112
        from fakebench_suite.datasets.fakebench import load_fakebench

        return load_fakebench(data)
    from fakebench_suite.datasets.wrong_paths import advise_file, find_similar

    if os.path.isfile(data):  # noqa: PTH113
        from fakebench_suite.datasets.jsonl import load_jsonl

        if advice := advise_file(data):
            raise DataError(advice)
        return load_jsonl(data)
    near = find_similar(data)
    hint = f" Did you mean {near}?" if near is not None else ""
    raise DataError(
        f"There is no {data}.{hint} Point --data at a directory that holds "
        "Evaluation/FakeClass.json, FakeClue.json or FakeQA.json, or at a .jsonl file; leave it "
        "out for the embedded probes."
    )
