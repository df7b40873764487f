"""The run directory: manifest, records as they arrive, scores. Readable after a crash."""

import errno
import json
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from io import FileIO
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.errors import FormatError, MachineError, RunTakenError, UserError
from fakebench_suite.files.contents import read_file, read_lines
from fakebench_suite.files.formats import decode_json
from fakebench_suite.runs.manifest import Manifest
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.old_names import (
    rename_manifest,
    rename_record,
    rename_scores,
    rename_timings,
)
from fakebench_suite.runs.result import RunResult
from fakebench_suite.types import GateResult, Record, Score, Timing

MANIFEST, RECORDS, SCORES, SUMMARY = "manifest.json", "records.jsonl", "scores.json", "summary.md"
TEXTS, GATES, BADGE = "texts.jsonl", "gates.json", "badge.json"
LATENCY, COMPARISON = "latency.json", "comparison.json"

REMOVED = "somebody removed the file, which is back"


def check_folder(folder: Path, *, free: bool = True) -> None:
    """Raise UserError when a run could not be written to ``folder``; creates nothing.

    With ``free`` a run that is there is refused, too.
    """
    # os.path answers where Path raises: a name may be longer than the file system allows.
    if free and os.path.exists(folder / RECORDS):  # noqa: PTH110
        raise UserError(f"{folder} already holds a run. Choose another --run name, or delete it.")
    places = [folder.absolute(), *folder.absolute().parents]
    ground = next(place for place in places if os.path.exists(place))  # noqa: PTH110
    if not ground.is_dir() or not os.access(ground, os.W_OK) or len(folder.name.encode()) > 255:
        raise UserError(
            f"{folder} cannot be written to. Choose another --run name or --reports directory."
        )


class RunStore:
    """Writes one run. Every record is on disk, as one line, before the next is taken."""

    def __init__(self, folder: Path, *, name: str | None = None) -> None:
        self.folder = folder
        self.name = name or folder.name
        """What the run is called, where it is written elsewhere first."""
        self._stream: FileIO | None = None
        self._made: list[Path] = []
        """Directories that opening made, the run's own first."""
        self.troubles: list[str] | None = None
        """Where not None, files that cannot be written are named here, and nothing is raised."""
        self._whole = 0
        """Bytes of the records that were written whole."""
        self._replaces = False
        self._records: Sequence[Record] = ()

    def open(self) -> None:
        """Create the directory and the records file, whose being made here makes the run ours."""
        try:
            places = (self.folder, *self.folder.parents)
            self._made = [place for place in places if not place.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            # Not buffered: what could not be written must not be written later.
            self._stream = FileIO(self.folder / RECORDS, "x+")
        except FileExistsError as error:
            raise RunTakenError(
                f"{self.folder} already holds a run. Choose another --run name, or delete it."
            ) from error
        except OSError as error:
            raise UserError(
                f"{self.folder} cannot be written to: {error.strerror}. "
                "Choose another --reports directory."
            ) from error

    def append(self, record: Record, *, replaces: bool = False) -> None:
        """Add one record as a line of its own; it may take the place of an error.

        Raises MachineError where that cannot be done; then the file ends with the record before.
        """
        assert self._stream is not None
        line = memoryview(msgspec.json.encode(record) + b"\n")
        try:
            gone = os.fstat(self._stream.fileno()).st_nlink == 0
            if gone and not (self.folder / RECORDS).exists():
                self._restore()
                raise FileNotFoundError(errno.ENOENT, REMOVED)
            while line:
                line = line[self._stream.write(line) :]
        except OSError as error:
            with suppress(OSError):
                self._stream.truncate(self._whole)
                self._stream.seek(self._whole)
            raise MachineError(
                f"The records of {self.folder} could not be written any further: "
                f"{error.strerror or error}. What was recorded until then is kept there; see to "
                "the place, and run again."
            ) from error
        self._whole = self._stream.tell()
        self._replaces = self._replaces or replaces

    def note(self, error: OSError, name: str) -> None:
        """Keep in words that the file of that name could not be written, or raise the error."""
        if self.troubles is None:
            raise error
        self.troubles.append(f"{name} could not be written to {self.folder}: {error.strerror}.")

    def _restore(self) -> None:
        """Write the records again where somebody removed them."""
        assert self._stream is not None
        self._stream.seek(0)
        kept = self._stream.read(self._whole)
        self.folder.mkdir(parents=True, exist_ok=True)
        again = FileIO(self.folder / RECORDS, "x+")
        again.write(kept)
        self._stream.close()
        self._stream = again

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write or replace the manifest in one step."""
        self._write(MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")

    def write_scores(self, scores: Sequence[Score]) -> bool:
        """Write the scores; nothing in the file depends on the clock. Whether that was possible."""
        return self._write(SCORES, _list(scores))

    def write_texts(self, texts: Mapping[str, Any]) -> None:
        """Write each case's scores against its reference text, one line a case, by id."""
        lines = [
            msgspec.json.encode({"id": name, **asdict(texts[name])}).decode()
            for name in sorted(texts)
        ]
        self._write(TEXTS, "".join(f"{line}\n" for line in lines))

    def write_gates(self, result: RunResult, results: Sequence[GateResult]) -> None:
        """Write the result of the run, and the result of each gate, in their order."""
        head = msgspec.json.format(msgspec.json.encode(result)).decode().removesuffix("\n}")
        self._write(GATES, f'{head},\n  "results": {_list(results).rstrip()}\n}}\n')

    def write_comparison(self, baseline: Mapping[str, Any], changes: Sequence[MetricDelta]) -> None:
        """Write the change of every metric since the baseline."""
        head = json.dumps(baseline, ensure_ascii=False)
        text = f'{{\n  "baseline": {head},\n  "changes": {_list(changes).rstrip()}\n}}\n'
        self._write(COMPARISON, text)

    def write_timings(self, timings: Sequence[Timing]) -> None:
        """Write what was measured beside the cases."""
        self._write(LATENCY, _list(timings))

    def write_badge(self, badge: Mapping[str, Any]) -> None:
        """Write the badge as shields.io reads it."""
        self._write(BADGE, json.dumps(badge, ensure_ascii=False) + "\n")

    def write_summary(self, text: str) -> None:
        """Write the summary as Markdown."""
        self._write(SUMMARY, text)

    def _write(self, name: str, text: str) -> bool:
        try:
            _replace(self.folder / name, text)
        except OSError as error:
            self.note(error, name)
            return False
        return True

    def close(self) -> Sequence[Record]:
        """The records, of which the file has one a case now; where it was removed, it is back."""
        if self._stream is None:
            return self._records
        try:
            if not (self.folder / RECORDS).exists():
                self._restore()
                raise FileNotFoundError(errno.ENOENT, REMOVED, self.folder / RECORDS)
        except OSError as error:
            self.note(error, RECORDS)
        self._stream.seek(0)
        kept = self._stream.read(self._whole).splitlines(keepends=True)
        self._records = list(_decode_records(kept, self.folder / RECORDS))
        if self._replaces:
            lines = (msgspec.json.encode(record) + b"\n" for record in self._records)
            self._write(RECORDS, b"".join(lines).decode())
        self._stream.close()
        self._stream = None
        return self._records

    def discard(self) -> None:
        """Take back a directory that was opened and to which nothing was written."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        with suppress(OSError):
            if (self.folder / RECORDS).stat().st_size == 0:
                (self.folder / RECORDS).unlink()
                for place in self._made:
                    place.rmdir()


def open_new(folder: Path) -> RunStore:
    """An opened store in a directory that nobody else has: ``folder``, or its name with a number.

    However many runs begin at once, here or elsewhere over the same file system, each gets its own.
    Raises UserError where none can be made.
    """
    for number in count(1):
        place = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        if os.path.lexists(place):
            continue
        store = RunStore(place)
        try:
            store.open()
        except RunTakenError:
            continue
        return store
    raise AssertionError


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run; raises UserError where there is none to be read."""
    try:
        content = read_file(folder / MANIFEST)
        manifest = rename_manifest(decode_json(content, msgspec.json.Decoder(dict[str, Any])))
        decode_json(content, msgspec.json.Decoder(Manifest))
    except FormatError as error:
        raise UserError(f"{folder / MANIFEST} is not the manifest of a run: {error}.") from error
    except OSError as error:
        raise UserError(f"{folder} is not a run directory: no {MANIFEST} to read.") from error
    return manifest


def read_scores(folder: Path) -> list[Score]:
    """The scores of a run; raises UserError where there are none to be read."""
    path = folder / SCORES
    try:
        return decode_json(read_file(path), msgspec.json.Decoder(list[Score]), rename=rename_scores)
    except OSError as error:
        raise UserError(f"{folder} is not a run directory: no {SCORES} to read.") from error
    except FormatError as error:
        raise UserError(f"{path} holds no scores: {error}.") from error


def read_records(folder: Path) -> Iterator[Record]:
    """The records of a run in arrival order; a last line cut off by a crash is left out.

    A later record of a case takes the place of an error, and never that of an answer. Raises
    UserError where there are none, or a whole line is no record.
    """
    try:
        records = _decode_records(read_lines(folder / RECORDS), folder / RECORDS)
    except OSError as error:
        raise UserError(f"{folder} is not a run directory: no {RECORDS} to read.") from error
    yield from records


def _decode_records(lines: Iterable[bytes], path: Path) -> Collection[Record]:
    """The records in the lines of a file; raises UserError where a whole line is none."""
    decoder, number = msgspec.json.Decoder(Record), 0
    records: dict[str, Record] = {}
    try:
        for line in lines:
            number += 1
            if not line.endswith(b"\n"):
                break
            record = decode_json(line, decoder, rename=rename_record)
            known = records.get(record.case.id)
            if known is None or known.verdict.outcome.is_error:
                records[record.case.id] = record
    except FormatError as error:
        raise UserError(f"Line {number} of {path} is no record: {error}.") from error
    return records.values()


def read_timings(folder: Path) -> list[Timing]:
    """What was measured beside the cases of a run: nothing, unless it was asked to.

    Raises UserError where the file is none of ours.
    """
    path = folder / LATENCY
    try:
        return decode_json(
            read_file(path), msgspec.json.Decoder(list[Timing]), rename=rename_timings
        )
    except FileNotFoundError:
        return []
    except (OSError, FormatError) as error:
        raise UserError(f"{path} holds no timings: {error}.") from error


def check_run(folder: Path) -> None:
    """Raises UserError where a run is compared with that cannot be read to its end."""
    read_manifest(folder)
    read_timings(folder)
    for _ in read_records(folder):
        pass


def _list(things: Sequence[object]) -> str:
    """A JSON list, one line a thing."""
    lines = ",\n".join("  " + msgspec.json.encode(one).decode() for one in things)
    return f"[\n{lines}\n]\n"


def write_whole(path: Path, content: bytes) -> None:
    """Write or replace a file in one step; where ``path`` is a link, the link is replaced.

    A file is never seen half-written, and what a link leads to is never written to.
    """
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.draft")
    try:
        with draft.open("xb") as stream:  # exclusively: it follows no link either
            stream.write(content)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):  # Where the disk is full, the next file may need the room.
            draft.unlink(missing_ok=True)
        raise


def check_inside(folder: Path, run: Path) -> None:
    """Raise UserError where a folder of a run is a link, which what is written would follow."""
    for place in (folder, *folder.parents):
        if place == run:
            return
        if place.is_symlink():
            raise UserError(
                f"{place} is a link, and what belongs to a run is written into its directory "
                "only. Remove the link, and repeat the command."
            )


def _replace(path: Path, text: str) -> None:
    write_whole(path, text.encode())
