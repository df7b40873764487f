"""Listing and pruning runs: only run directories, and never what links lead to."""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fakebench_suite.cli.main import app
from fakebench_suite.cli.runs import list_runs
from fakebench_suite.errors import UserError
from fakebench_suite.runs.last import find_run, point_last
from fakebench_suite.runs.store import RECORDS, RunWriter, open_new
from fakebench_suite.types import Outcome
from tests.factories import make_record, write_run


def make_runs(reports: Path, *names: str, status: str = "finished") -> None:
    """Runs begun a day after one another, the last of them today."""
    for age, name in enumerate(reversed(names)):
        start_time = (datetime.now(UTC) - timedelta(days=age, hours=-1)).isoformat()
        folder = write_run(
            reports / name,
            [make_record("a.png", Outcome.CORRECT)],
            started=start_time,
            status=status,
        )
        (folder / "badge.json").write_text(json.dumps({"message": "90 % right"}), encoding="utf-8")


def call(*arguments: str) -> tuple[int, str]:
    """The command's status, and all it printed."""
    result = CliRunner().invoke(app, ["runs", *arguments])
    return result.exit_code, result.output


def names(reports: Path) -> set[str]:
    """What lies in a directory."""
    return {path.name for path in reports.iterdir()}


def test_runs_are_listed_the_latest_first(tmp_path: Path) -> None:
    """With size, headline and status; what is no run is not listed."""
    make_runs(tmp_path, "old", "new")
    point_last(tmp_path / "old")
    (tmp_path / "notes").mkdir()
    (tmp_path / "judgements.sqlite").touch()
    assert [run.folder.name for run in list_runs(tmp_path)] == ["new", "old"]
    size = sum(path.stat().st_size for path in (tmp_path / "new").iterdir())
    assert list_runs(tmp_path)[0].size == size
    status, output = call(f"--reports={tmp_path}")
    assert status == 0
    new, old = (line for line in output.splitlines() if "90 % right" in line)
    assert new.startswith("new ")
    assert old.startswith("old (last)")
    assert "finished" in new


def test_no_column_of_the_list_is_cut(tmp_path: Path) -> None:
    """Whatever is longest: the name, the headline or the status."""
    name = "n" * 200
    make_runs(tmp_path, name)
    (tmp_path / name / "badge.json").write_text(json.dumps({"message": "90 % " * 40}))
    _, output = call(f"--reports={tmp_path}")
    (line,) = (line for line in output.splitlines() if "90 %" in line)
    assert line.startswith(name)
    assert "90 % " * 40 in line
    assert "finished, filtered" in line
    assert "…" not in output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--prune=1"], {"d"}),
        (["--prune=3"], {"b", "c", "d"}),
        (["--prune=9"], {"a", "b", "c", "d"}),
        (["--older-than=2"], {"c", "d", "b"}),
        (["--prune=3", "--older-than=1"], {"b", "c", "d"}),
        (["--prune=1", "--older-than=2"], {"b", "c", "d"}),
        (["--prune=0"], set()),
    ],
)
def test_pruning_keeps_the_latest(tmp_path: Path, options: list[str], expected: set[str]) -> None:
    """Removed runs are named, and ``last`` points at one that is left."""
    make_runs(tmp_path, "a", "b", "c", "d")
    point_last(tmp_path / "a")
    status, output = call(f"--reports={tmp_path}", *options)
    assert status == 0
    assert names(tmp_path) - {"last"} == expected
    assert output.count("removed") == 4 - len(expected)
    if expected:
        assert find_run(tmp_path / "last").name in expected
    else:
        assert "last" not in names(tmp_path)


def test_pruning_removes_nothing_but_runs(tmp_path: Path) -> None:
    """Folders of other things, links to runs, and a run that may be at work stay."""
    reports, other_reports = tmp_path / "reports", tmp_path / "away"
    make_runs(other_reports, "theirs")
    make_runs(reports, "mine")
    make_runs(reports, "working", status="running")
    make_runs(reports, "crashed", status="running")
    os.utime(reports / "crashed" / RECORDS, (time.time() - 1e6,) * 2)
    (reports / "link").symlink_to(other_reports / "theirs")
    (reports / "mine" / "link").symlink_to(other_reports / "theirs")
    (reports / "notes").mkdir()
    (reports / "notes" / "manifest.json").write_text("{}", encoding="utf-8")
    (reports / "notes" / RECORDS).touch()
    status, output = call(f"--reports={reports}", "--prune=0")
    assert status == 0
    assert names(reports) == {"working", "link", "notes"}
    assert "working, which may still be running" in output.replace("\n", " ")
    assert (other_reports / "theirs" / RECORDS).is_file()


def test_no_reports_is_a_sentence(tmp_path: Path) -> None:
    """Status 2, no traceback."""
    status, output = call(f"--reports={tmp_path / 'absent'}")
    assert status == 2
    assert "cannot be listed" in output


def test_last_is_followed_and_moved(tmp_path: Path) -> None:
    """A relative link; where links cannot be made a file; a directory of that name is left."""
    make_runs(tmp_path, "a", "b")
    for name in ("a", "b"):
        assert point_last(tmp_path / name) is None
        assert (tmp_path / "last").readlink() == Path(name)
        assert find_run(tmp_path / "last") == (tmp_path / name).resolve()
    (tmp_path / "last").unlink()
    (tmp_path / "last").write_text("a\n", encoding="utf-8")
    assert find_run(tmp_path / "last") == tmp_path / "a"
    (tmp_path / "last").write_text("../elsewhere", encoding="utf-8")
    assert find_run(tmp_path / "last") == tmp_path / "last"
    (tmp_path / "last").unlink()
    (tmp_path / "last").mkdir()
    assert "is a directory" in str(point_last(tmp_path / "a"))
    assert (tmp_path / "last").is_dir()


def test_last_is_a_file_where_links_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows without the right to make them."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    make_runs(tmp_path, "a")
    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert point_last(tmp_path / "a") is None
    assert find_run(tmp_path / "last") == tmp_path / "a"


def test_runs_of_one_name_get_directories_of_their_own(tmp_path: Path) -> None:
    """However many begin at once; a name that was given is refused where it is taken."""
    stores = [open_new(tmp_path / "run") for _ in range(3)]
    assert [store.folder.name for store in stores] == ["run", "run-2", "run-3"]
    with pytest.raises(UserError, match="already holds a run"):
        RunWriter(tmp_path / "run").open()
    stores[1].discard()
    assert names(tmp_path) == {"run", "run-3"}
    stores[0].append(make_record("a.png", Outcome.CORRECT))
    stores[0].discard()
    assert (tmp_path / "run" / RECORDS).is_file()
    stores[2].close()
