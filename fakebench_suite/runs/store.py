"""The run directory: manifest, records as they arrive, scores. Readable after a crash."""

import errno
import json
import os
import secrets
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from io import FileIO
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from fakebench_suite.errors import FormatError, MachineError, RunTakenError, UserError
from fakebench_suite.files.contents import read_file, read_lines
from fakebench_suite.files.parsing import decode_json
from fakebench_suite.runs.manifest import MANIFEST_VERSION, Manifest, ManifestBaseline
from fakebench_suite.runs.metric_delta import MetricDelta
from fakebench_suite.runs.old_names import rename_manifest, rename_scores, rename_timings
from fakebench_suite.runs.record_lines import decode_record, encode_record
from fakebench_suite.runs.run_result import RunResult
from fakebench_suite.tasks.registry import check_task
from fakebench_suite.text.display import count_of
from fakebench_suite.types import GateResult, LatencyTiming, Record, Score

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


class RunWriter:
    """Writes one run. Every record is on disk, as one line, before the next is taken."""

    def __init__(self, folder: Path, *, name: str | None = None) -> None:
        self.folder = folder
        self.name = name or folder.name
        """Name of the run, if it is written to a temporary directory first."""
        self._stream: FileIO | None = None
        self._made: list[Path] = []
        """Directories that ``open`` created, the run's own first."""
        self.troubles: list[str] | None = None
        """If not None, collects messages about files that cannot be written, instead of raising."""
        self._whole = 0
        """Size of all completely written records in bytes."""
        self.dropped_bytes = 0
        """Length of a last line that had not been written to its end."""
        self._replaces = False
        self._records: dict[str, Record] = {}
        """What the file holds, one record per case id."""

    def open(self) -> None:
        """Create the directory and the records file, whose creation claims the run."""
        try:
            places = (self.folder, *self.folder.parents)
            self._made = [place for place in places if not place.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            # Unbuffered: data that could not be written must not be written later.
            self._stream = FileIO(self.folder / RECORDS, "x+")
            _lock(self._stream)
        except FileExistsError as error:
            raise RunTakenError(
                f"{self.folder} already holds a run. Choose another --run name, or delete it."
            ) from error
        except OSError as error:
            raise UserError(
                f"{self.folder} cannot be written to: {error.strerror}. "
                "Choose another --reports directory."
            ) from error

    def open_again(self) -> None:
        """Open the records of a run that broke off, to append to them.

        A last line that was not written to its end is dropped. Raises UserError if another process
        writes the run, or it cannot be read or written.
        """
        path = self.folder / RECORDS
        try:
            self._stream = FileIO(path, "r+")
            if not _lock(self._stream):
                raise RunTakenError(
                    f"{self.folder} is being written by {_find_writer(self.folder)}. Wait for its "
                    "end, or end it, and resume then."
                )
            content = self._stream.readall()
            self._whole = content.rfind(b"\n") + 1
            self._records = _decode_records(content.splitlines(keepends=True), path)
            self._stream.truncate(self._whole)
            self._stream.seek(self._whole)
        except FileNotFoundError as error:
            raise UserError(
                f"{self.folder} is not a run directory: no {RECORDS} to read."
            ) from error
        except OSError as error:
            raise UserError(f"{path} cannot be written to: {error.strerror}.") from error
        self._replaces = True
        self.dropped_bytes = len(content) - self._whole

    def append(self, record: Record, *, replaces: bool = False) -> None:
        """Append one record as a line; with ``replaces``, it replaces an error of the same case.

        Raises MachineError if it cannot be written; the file then ends with the previous record.
        """
        assert self._stream is not None
        line = memoryview(encode_record(record))
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
                f"{error.strerror or error}. What was recorded until then is kept there; make room "
                f"or repair the place, and go on with --resume={shlex.quote(str(self.folder))}."
            ) from error
        self._whole = self._stream.tell()
        self._replaces = self._replaces or replaces
        _add_record(self._records, record)

    def note(self, error: OSError, name: str) -> None:
        """Collect a message that the named file could not be written, or raise the error."""
        if self.troubles is None:
            raise error
        self.troubles.append(f"{name} could not be written to {self.folder}: {error.strerror}.")

    def _restore(self) -> None:
        """Write the records again after they were removed."""
        assert self._stream is not None
        self._stream.seek(0)
        kept = self._stream.read(self._whole)
        self.folder.mkdir(parents=True, exist_ok=True)
        again = FileIO(self.folder / RECORDS, "x+")
        _lock(again)
        again.write(kept)
        self._stream.close()
        self._stream = again

    def write_manifest(self, manifest: Manifest) -> None:
        """Write or replace the manifest in one step."""
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=2).decode()
        self._write(MANIFEST, f"{text}\n")

    def write_scores(self, scores: Sequence[Score]) -> bool:
        """Write the scores, without anything of the clock; False if that failed."""
        return self._write(SCORES, _list(scores))

    def write_texts(self, texts: Mapping[str, Any]) -> None:
        """Write the text metrics of each case, one line per case, ordered by id."""
        lines = [
            msgspec.json.encode({"id": name, **asdict(texts[name])}).decode()
            for name in sorted(texts)
        ]
        self._write(TEXTS, "".join(f"{line}\n" for line in lines))

    def write_gates(self, result: RunResult, results: Sequence[GateResult]) -> None:
        """Write the result of the run, and the result of each gate, in their order."""
        head = msgspec.json.format(msgspec.json.encode(result)).decode().removesuffix("\n}")
        self._write(GATES, f'{head},\n  "results": {_list(results).rstrip()}\n}}\n')

    def write_comparison(self, baseline: ManifestBaseline, changes: Sequence[MetricDelta]) -> None:
        """Write the change of every metric since the baseline."""
        head = msgspec.json.format(msgspec.json.encode(baseline), indent=0).decode()
        text = f'{{\n  "baseline": {head},\n  "changes": {_list(changes).rstrip()}\n}}\n'
        self._write(COMPARISON, text)

    def write_timings(self, timings: Sequence[LatencyTiming]) -> None:
        """Write the timings of ``--latency``."""
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
        """Close the file with one record per case, restored if removed; the records."""
        records = list(self._records.values())
        if self._stream is None:
            return records
        try:
            if not (self.folder / RECORDS).exists():
                self._restore()
                raise FileNotFoundError(errno.ENOENT, REMOVED, self.folder / RECORDS)
        except OSError as error:
            self.note(error, RECORDS)
        if self._replaces:
            lines = (encode_record(record) for record in records)
            self._write(RECORDS, b"".join(lines).decode())
        self._stream.close()
        self._stream = None
        return records

    def discard(self) -> None:
        """Remove the directory if nothing was written to it."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        with suppress(OSError):
            if (self.folder / RECORDS).stat().st_size == 0:
                (self.folder / RECORDS).unlink()
                for place in self._made:
                    place.rmdir()


def _lock(stream: FileIO) -> bool:
    """Lock the records for this process, whose end releases them; False if another one has them.

    A file system without locks allows every process to write.
    """
    from filelock import lock_descriptor

    try:
        return lock_descriptor(stream.fileno(), blocking=False)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK):
            return True
        raise


def _find_writer(folder: Path) -> str:
    """The process that writes a run, as its manifest names it."""
    try:
        return read_manifest(folder).process or "another process"
    except UserError:
        return "another process"


def open_new(folder: Path) -> RunWriter:
    """An opened store in a new directory: ``folder``, or its name with a number.

    Runs that start at the same time, also on other machines, get different directories. Raises
    UserError if none can be created.
    """
    for number in count(1):
        place = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        if os.path.lexists(place):
            continue
        store = RunWriter(place)
        try:
            store.open()
        except RunTakenError:
            continue
        return store
    raise AssertionError


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a run, also of an older version.

    Raises UserError if it cannot be read, or if a newer version of the suite wrote it.
    """
    path = folder / MANIFEST
    try:
        table = decode_json(read_file(path), msgspec.json.Decoder(dict[str, Any]))
        version = table.get("manifest_version")
        if isinstance(version, int) and version > MANIFEST_VERSION:
            raise UserError(
                f"{path} has version {version}, and this version of the suite reads manifests up "
                f"to version {MANIFEST_VERSION}: install the version that wrote the run."
            )
        manifest = msgspec.convert(rename_manifest(table), Manifest)
    except (FormatError, msgspec.ValidationError) as error:
        raise UserError(f"{path} is not the manifest of a run: {error}.") from error
    except OSError as error:
        raise UserError(f"{folder} is not a run directory: no {MANIFEST} to read.") from error
    return msgspec.structs.replace(manifest, manifest_version=MANIFEST_VERSION)


def read_scores(folder: Path) -> list[Score]:
    """The scores of a run; raises UserError if they cannot be read."""
    path = folder / SCORES
    try:
        decoder = msgspec.json.Decoder(list[Score])
        scores = decode_json(read_file(path), decoder, rename=rename_scores)
        for score in scores:
            check_task(score.task)
    except OSError as error:
        raise UserError(f"{folder} is not a run directory: no {SCORES} to read.") from error
    except (FormatError, ValueError) as error:
        raise UserError(f"{path} holds no scores: {error}.") from error
    return scores


def read_records(folder: Path) -> Iterator[Record]:
    """The records of a run in order of arrival, without an incomplete last line.

    A later record of a case replaces an error, and never an answer. Raises UserError if there is
    no file, or a line is not a record.
    """
    try:
        records = _decode_records(read_lines(folder / RECORDS), folder / RECORDS)
    except OSError as error:
        raise UserError(f"{folder} is not a run directory: no {RECORDS} to read.") from error
    yield from records.values()


def read_all_records(folder: Path, manifest: Manifest) -> list[Record]:
    """The records of a run in order of arrival, all that its manifest counts if it has ended.

    Raises UserError as :func:`read_records` does, and where some are missing: scores over the rest
    would pass for those of the run.
    """
    records = list(read_records(folder))
    if manifest.recorded is not None and len(records) < manifest.recorded:
        raise UserError(
            f"{folder / RECORDS} holds {count_of(len(records), 'record')}, and {MANIFEST} counts "
            f"{manifest.recorded:,}: it lost some after the run had ended. Copy the run again, or "
            "write what is left as a partial run with 'fakebench merge'."
        )
    return records


def _decode_records(lines: Iterable[bytes], path: Path) -> dict[str, Record]:
    """The records in the lines of a file by case id.

    Raises UserError if a complete line is not a record.
    """
    number = 0
    records: dict[str, Record] = {}
    try:
        for line in lines:
            number += 1
            if not line.endswith(b"\n"):
                break
            record = decode_record(line)
            check_task(record.case.task)
            _add_record(records, record)
    except (FormatError, ValueError) as error:
        raise UserError(f"Line {number} of {path} is no record: {error}.") from error
    return records


def _add_record(records: dict[str, Record], record: Record) -> None:
    """Add a record, unless its case has one already that is no error."""
    earlier = records.get(record.case.id)
    if earlier is None or earlier.verdict.outcome.is_error:
        records[record.case.id] = record


def read_timings(folder: Path) -> list[LatencyTiming]:
    """The timings of a run, empty without ``--latency``; raises UserError if malformed."""
    path = folder / LATENCY
    try:
        return decode_json(
            read_file(path), msgspec.json.Decoder(list[LatencyTiming]), rename=rename_timings
        )
    except FileNotFoundError:
        return []
    except (OSError, FormatError) as error:
        raise UserError(f"{path} holds no timings: {error}.") from error


def check_run(folder: Path) -> None:
    """Raise UserError if a run cannot be read completely."""
    manifest = read_manifest(folder)
    read_timings(folder)
    read_all_records(folder, manifest)


def _list(things: Sequence[object]) -> str:
    """A JSON list with one line per item."""
    lines = ",\n".join("  " + msgspec.json.encode(item).decode() for item in things)
    return f"[\n{lines}\n]\n"


def write_whole(path: Path, content: bytes) -> None:
    """Write or replace a file atomically; if ``path`` is a link, the link is replaced."""
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.draft")
    try:
        with draft.open("xb") as stream:  # "x" does not follow links
            stream.write(content)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):  # make room on a full disk
            draft.unlink(missing_ok=True)
        raise


def check_inside(folder: Path, run: Path) -> None:
    """Raise UserError if a directory below a run is a link."""
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
