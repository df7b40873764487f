"""Everything about each record, in files of a few hundred that load when one is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fakebench_suite.report.browser.change import Change
from fakebench_suite.report.browser.index import CHUNK
from fakebench_suite.report.browser.run import Run
from fakebench_suite.report.browser.script import write_script
from fakebench_suite.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the page of one item shows."""

    record: Record
    texts: Mapping[str, float | None] | None
    before: Change | None


def write_texts(folder: Path, run: Run, changes: Mapping[str, Change] | None) -> None:
    """One script per CHUNK records, in the order of the index."""
    for old in folder.glob("texts-*.js"):
        old.unlink()
    for start in range(0, len(run.records), CHUNK):
        number = start // CHUNK
        entries = [
            Entry(
                record=record,
                texts=run.texts.get(record.case.id),
                before=_show(changes, record.case.id),
            )
            for record in run.records[start : start + CHUNK]
        ]
        write_script(folder / f"texts-{number}.js", f"texts-{number}", entries)


def _show(changes: Mapping[str, Change] | None, name: str) -> Change | None:
    """The baseline's side, where it says something else."""
    change = changes and changes[name]
    return change if change and change.verdict else None
