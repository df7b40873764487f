"""The run directory survives crashes and odd texts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.errors import UserError
from fakebench_suite.runs.store import (
    RECORDS,
    RunWriter,
    check_folder,
    check_run,
    read_all_records,
    read_manifest,
    read_records,
    read_timings,
)
from fakebench_suite.types import LatencyTiming, Outcome, Record
from tests.factories import make_answer, make_manifest_table, make_record, make_records, write_run

TEXT = st.text(max_size=40)


def test_a_record_is_on_disk_before_the_next(tmp_path: Path) -> None:
    """Each record is one whole line at once; a line cut by a crash is left out on reading."""
    store = RunWriter(tmp_path / "run")
    store.open()
    for number in range(3):
        store.append(make_record(f"{number}.png", Outcome.CORRECT))
        assert len(list(read_records(store.folder))) == number + 1
    store.close()
    path = store.folder / RECORDS
    path.write_bytes(path.read_bytes()[:-9])
    assert [record.case.image for record in read_records(store.folder)] == ["0.png", "1.png"]


def test_a_run_that_lost_records_is_not_scored(tmp_path: Path) -> None:
    """Its file was cut off after it had ended; one that is still written has no count yet."""
    records = make_records(*[Outcome.CORRECT] * 3)
    whole, cut = (write_run(tmp_path / name, records) for name in ("whole", "cut"))
    running = write_run(tmp_path / "running", records[:2], recorded=None, partial=None)
    path = cut / RECORDS
    path.write_bytes(path.read_bytes()[:-9])
    assert len(read_all_records(whole, read_manifest(whole))) == 3
    assert len(read_all_records(running, read_manifest(running))) == 2
    message = r"holds 2 records, and manifest\.json counts 3: it lost some"
    with pytest.raises(UserError, match=message):
        read_all_records(cut, read_manifest(cut))
    with pytest.raises(UserError, match=message):
        check_run(cut)


@given(TEXT, TEXT, TEXT, st.none() | st.floats(0, 2), st.sampled_from(list(Outcome)))
def test_records_come_back_as_they_went(
    tmp_path_factory: pytest.TempPathFactory,
    said: str,
    prompt: str,
    why: str,
    score: float | None,
    outcome: Outcome,
) -> None:
    """Whatever a model says, JSON gives the same record back, on one line."""
    record = make_record("a.png", outcome, score=score)
    record = replace(record, prompt=prompt, verdict=replace(record.verdict, reason=why))
    if record.answer is not None:
        record = replace(record, answer=make_answer(said))
    folder = tmp_path_factory.mktemp("run")
    assert write_one(folder, record) == [record]
    assert (folder / RECORDS).read_bytes().count(b"\n") == 1


def write_one(folder: Path, record: Record) -> list[Record]:
    """The records of a run of one."""
    store = RunWriter(folder)
    store.open()
    store.append(record)
    store.close()
    return list(read_records(folder))


def test_closing_gives_the_records_that_can_be_read(tmp_path: Path) -> None:
    """One a case, in their order: of what was resumed, with an error replaced in its place."""
    store = RunWriter(tmp_path)
    store.open()
    for name in ("a.png", "b.png"):
        store.append(make_record(name, Outcome.MODEL_ERROR))
    store.close()
    store = RunWriter(tmp_path)
    store.open_again()
    store.append(make_record("c.png", Outcome.INCORRECT))
    store.append(make_record("a.png", Outcome.CORRECT), replaces=True)
    records = store.close()
    outcomes = [Outcome.CORRECT, Outcome.MODEL_ERROR, Outcome.INCORRECT]
    assert [record.verdict.outcome for record in records] == outcomes
    assert records == store.close() == list(read_records(tmp_path))


def test_a_folder_that_cannot_hold_a_run_is_refused(tmp_path: Path) -> None:
    """A folder with a run in it, or below a file, is a user's mistake; a new one is not."""
    check_folder(tmp_path / "new" / "run")
    write_one(tmp_path / "old", make_record("a.png", Outcome.CORRECT))
    with pytest.raises(UserError, match="already holds a run"):
        check_folder(tmp_path / "old")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written to"):
        check_folder(tmp_path / "file" / "run")
    with pytest.raises(UserError, match="cannot be written to: Not a directory"):
        RunWriter(tmp_path / "file" / "run").open()


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    """Absent records, a line that is none, and a manifest of something else: a sentence each."""
    with pytest.raises(UserError, match="no records"):
        list(read_records(tmp_path))
    (tmp_path / "records.jsonl").write_bytes(b'{"case": 3}\n')
    with pytest.raises(UserError, match=r"Line 1 of .* is no record"):
        list(read_records(tmp_path))
    for text in (
        "{}",
        "[]",
        "7",
        json.dumps(make_manifest_table(dataset="d")),
        json.dumps(make_manifest_table(shard="x")),
    ):
        (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match="is not the manifest of a run"):
            read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(UserError, match=r"is not (a run directory|the manifest of a run)"):
        read_manifest(tmp_path)


def test_timings_come_back_or_are_named(tmp_path: Path) -> None:
    """A run without the file has none; a file that is none of ours is one sentence."""
    assert read_timings(tmp_path) == []
    timing = LatencyTiming(
        name="work unit", state="warm", seconds=(0.5, 0.6), prompts=64, tokens=9, input_digest="w"
    )
    RunWriter(tmp_path).write_timings([timing])
    assert read_timings(tmp_path) == [timing]
    for content in (b"{}", b"[{}]", b"\xff", b""):
        (tmp_path / "latency.json").write_bytes(content)
        with pytest.raises(UserError, match="holds no timings"):
            read_timings(tmp_path)
