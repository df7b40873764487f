"""The run directory: manifest, records as they arrive, scores. Readable after a crash."""

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from fakebench_suite.errors import FormatError, RunTakenError, UserError
from fakebench_suite.formats import decode_json
from fakebench_suite.gates.shift import Shift
from fakebench_suite.report.result import RunResult
from fakebench_suite.report.shape import ManifestShape
from fakebench_suite.types import Decision, Record, Score, Timing

if TYPE_CHECKING:
    from fakebench_suite.metrics.text import TextScores

MANIFEST, RECORDS, SCORES, SUMMARY = "manifest.json", "records.jsonl", "scores.json", "summary.md"
TEXTS, RULINGS, BADGE = "texts.jsonl", "rulings.json", "badge.json"
LATENCY, COMPARISON = "latency.json", "comparison.json"


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
        self._stream: IO[bytes] | None = None
        self._made: list[Path] = []
        """Directories that opening made, the run's own first."""

    def open(self) -> None:
        """Create the directory and the records file, whose being made here makes the run ours."""
        try:
            places = (self.folder, *self.folder.parents)
            self._made = [place for place in places if not place.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            self._stream = (self.folder / RECORDS).open("xb")
        except FileExistsError as error:
            raise RunTakenError(
                f"{self.folder} already holds a run. Choose another --run name, or delete it."
            ) from error
        except OSError as error:
            raise UserError(
                f"{self.folder} cannot be written to: {error.strerror}. "
                "Choose another --reports directory."
            ) from error

    def append(self, record: Record) -> None:
        """Add one record as a flushed line."""
        assert self._stream is not None
        self._stream.write(msgspec.json.encode(record) + b"\n")
        self._stream.flush()

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write or replace the manifest in one step."""
        _replace(self.folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")

    def write_scores(self, scores: Sequence[Score]) -> None:
        """Write the scores; nothing in the file depends on the clock."""
        _replace(self.folder / SCORES, _list(scores))

    def write_texts(self, texts: "Mapping[str, TextScores]") -> None:
        """Write each case's scores against its reference text, one line a case, by id."""
        lines = [
            msgspec.json.encode({"id": name, **asdict(texts[name])}).decode()
            for name in sorted(texts)
        ]
        _replace(self.folder / TEXTS, "".join(f"{line}\n" for line in lines))

    def write_rulings(self, result: RunResult, decisions: Sequence[Decision]) -> None:
        """Write what the run comes to, and what each gate decided, in their order."""
        head = msgspec.json.format(msgspec.json.encode(result)).decode().removesuffix("\n}")
        _replace(
            self.folder / RULINGS, f'{head},\n  "decisions": {_list(decisions).rstrip()}\n}}\n'
        )

    def write_comparison(self, baseline: Mapping[str, Any], shifts: Sequence[Shift]) -> None:
        """Write what rose and what fell since the baseline."""
        head = json.dumps(baseline, ensure_ascii=False)
        text = f'{{\n  "baseline": {head},\n  "shifts": {_list(shifts).rstrip()}\n}}\n'
        _replace(self.folder / COMPARISON, text)

    def write_timings(self, timings: Sequence[Timing]) -> None:
        """Write what was measured beside the cases."""
        _replace(self.folder / LATENCY, _list(timings))

    def write_badge(self, badge: Mapping[str, Any]) -> None:
        """Write the badge as shields.io reads it."""
        _replace(self.folder / BADGE, json.dumps(badge, ensure_ascii=False) + "\n")

    def write_summary(self, text: str) -> None:
        """Write the summary as Markdown."""
        _replace(self.folder / SUMMARY, text)

    def close(self) -> None:
        """Close the records file."""
        if self._stream is not None:
            self._stream.close()

    def discard(self) -> None:
        """Take back a directory that was opened and to which nothing was written."""
        self.close()
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
        content = (folder / MANIFEST).read_bytes()
        manifest = decode_json(content, msgspec.json.Decoder(dict[str, Any]))
        decode_json(content, msgspec.json.Decoder(ManifestShape))
    except FormatError as error:
        raise UserError(f"{folder / MANIFEST} is not the manifest of a run: {error}.") from error
    except OSError as error:
        raise UserError(f"{folder} is not a run directory: no {MANIFEST} to read.") from error
    return manifest


def read_scores(folder: Path) -> list[Score]:
    """The scores of a run; raises UserError where there are none to be read."""
    path = folder / SCORES
    try:
        return decode_json(path.read_bytes(), msgspec.json.Decoder(list[Score]))
    except OSError as error:
        raise UserError(f"{folder} is not a run directory: no {SCORES} to read.") from error
    except FormatError as error:
        raise UserError(f"{path} holds no scores: {error}.") from error


def read_records(folder: Path) -> Iterator[Record]:
    """The records of a run in arrival order; a last line cut off by a crash is left out.

    Raises UserError where there are none, or a whole line is no record.
    """
    decoder, number = msgspec.json.Decoder(Record), 0
    try:
        with (folder / RECORDS).open("rb") as stream:
            for line in stream:
                number += 1
                if line.endswith(b"\n"):
                    yield decode_json(line, decoder)
    except OSError as error:
        raise UserError(f"{folder} is not a run directory: no {RECORDS} to read.") from error
    except FormatError as error:
        raise UserError(f"Line {number} of {folder / RECORDS} is no record: {error}.") from error


def read_timings(folder: Path) -> list[Timing]:
    """What was measured beside the cases of a run: nothing, unless it was asked to.

    Raises UserError where the file is none of ours.
    """
    path = folder / LATENCY
    try:
        return decode_json(path.read_bytes(), msgspec.json.Decoder(list[Timing]))
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
