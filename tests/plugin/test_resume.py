"""``--resume RUN``: what is answered is kept, the rest is asked, and the scores are the same."""

import json
import signal
from pathlib import Path

import pytest
from PIL import Image

from fakebench_suite.runs.store import MANIFEST, RECORDS, SCORES, RunWriter
from tests.helpers import read_run
from tests.plugin.sandbox import MODES, Command, Run

# The process that writes the run is killed as it takes the record of the 18th case.
KILLED = """
import os
import signal
import subprocess
import sys
import pytest

seen = []

@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    seen.append(report.when)
    worker = "PYTEST_XDIST_WORKER" in os.environ
    if report.when == "call" and seen.count("call") == 18 and not worker:
        os.kill(os.getpid(), signal.SIGKILL)
"""
FAILING = """
import pytest
from fakebench_suite.backends.scripted import ScriptedBackend
from fakebench_suite.errors import ModelError

plain = ScriptedBackend.run

def run(self, requests):
    return [
        ModelError("overloaded") if request.prompt.case.endswith(":inference") else reply
        for request, reply in zip(requests, plain(self, requests))
    ]

ScriptedBackend.run = run
"""
COUNTING = """
from functools import partial
from pathlib import Path
from fakebench_suite.backends.scripted import ScriptedBackend

plain = ScriptedBackend.run

def run(self, requests):
    with Path("asked").open("a") as file:
        file.writelines(f"{request.prompt.case}\\n" for request in requests)
    return plain(self, requests)

ScriptedBackend.run = run
"""
INTERRUPTED = (
    KILLED.replace("SIGKILL", "SIGINT")
    + """
from fakebench_suite.execution import work_units
work_units.MIN_UNIT_PROMPTS = 8
"""
)
UNUSED = """
import pytest

@pytest.fixture(scope="session")
def model():
    pytest.exit("The model was loaded.")
"""


@pytest.fixture
def plugin(project: Path) -> Path:
    """A conftest.py of the cases, which is not part of what a run depends on."""
    return project / "cases" / "conftest.py"


@pytest.fixture
def killed(run: Run, data: Path, project: Path, plugin: Path) -> Path:
    """The directory of a run that was killed in its middle."""
    plugin.write_text(KILLED, encoding="utf-8")
    result = run(f"--data={data}", "--gates=none", "-n0")
    assert result.ret in (-signal.SIGKILL, 128 + signal.SIGKILL)
    plugin.unlink()
    folder = project / "reports" / "run"
    assert len((folder / RECORDS).read_bytes().splitlines()) == 18
    return folder


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_a_killed_run_goes_on(
    run: Run, data: Path, project: Path, plugin: Path, killed: Path, mode: tuple[str, ...]
) -> None:
    """With the scores of a run that was never broken; nothing is asked twice or left out."""
    assert run(f"--data={data}", "--gates=none", "--run=whole").ret == 0
    before = read_run(project).records
    with (killed / RECORDS).open("ab") as stream:
        stream.write(b'{"case":{"id":"torn')
    plugin.write_text(COUNTING, encoding="utf-8")
    result = run(f"--resume={killed}", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*18 answers kept, 30 cases to ask*19 bytes*"])
    case_ids = (project / "asked").read_text(encoding="utf-8").split()
    records = read_run(project).records
    assert len(case_ids) == len(set(case_ids)) == 30
    assert {line["case"]["id"] for line in before}.isdisjoint(case_ids)
    assert len(records) == len({line["case"]["id"] for line in records}) == 48
    assert all(line in records for line in before)
    assert (killed / SCORES).read_bytes() == (project / "reports/whole" / SCORES).read_bytes()
    manifest = json.loads((killed / MANIFEST).read_bytes())
    assert (manifest["status"], manifest["partial"]) == ("finished", [])
    assert [(r["kept"], r["dropped_bytes"]) for r in manifest["resumed"]] == [(18, 19)]


def test_an_interrupted_run_says_how_to_go_on(
    run: Run, data: Path, project: Path, plugin: Path
) -> None:
    """The option that the summary prints leads to the scores of a whole run."""
    assert run(f"--data={data}", "--gates=none", "--run=whole").ret == 0
    plugin.write_text(INTERRUPTED, encoding="utf-8")
    result = run(f"--data={data}", "--gates=none", "-n0")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    plugin.unlink()
    prefix = "to ask the rest: "
    (line,) = (text for text in result.outlines if text.startswith(prefix))
    assert run(line.removeprefix(prefix)).ret == 0
    runs = project / "reports"
    assert (runs / "run" / SCORES).read_bytes() == (runs / "whole" / SCORES).read_bytes()


@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_less_than_the_whole_run_is_refused(
    run: Run, killed: Path, monkeypatch: pytest.MonkeyPatch, mode: tuple[str, ...]
) -> None:
    """By whatever cases are left out, and before anything is asked."""
    content = [(killed / name).read_bytes() for name in (MANIFEST, RECORDS)]
    monkeypatch.setenv("PYTEST_ADDOPTS", "-m analysis")
    result = run(f"--resume={killed}", *mode)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "that are not selected now" in result.stdout.str() + result.stderr.str()
    assert [(killed / name).read_bytes() for name in (MANIFEST, RECORDS)] == content
    assert not (killed / SCORES).exists()


def test_runs_named_last_are_those_of_then(
    run: Run, data: Path, project: Path, plugin: Path
) -> None:
    """Whatever the pointer points to when the run is resumed."""
    first, other = "--model=scripted.toml", "--model=always-real"
    assert run(f"--data={data}", "--gates=none", "--run=first", first).ret == 0
    plugin.write_text(KILLED, encoding="utf-8")
    options = ("--reuse=reports/last", "--baseline=reports/last")
    run(f"--data={data}", "--gates=none", *options)
    plugin.unlink()
    assert run(f"--data={data}", "--gates=none", "--run=other", other).ret == 0
    assert run("--resume=reports/run").ret == 0
    written_run = read_run(project)
    assert written_run.manifest["reused"]["run"] == "first"
    assert written_run.manifest["reused"]["taken"] == 48
    assert written_run.manifest["baseline"]["run"] == "first"
    scores = project / "reports"
    assert (scores / "run" / SCORES).read_bytes() == (scores / "first" / SCORES).read_bytes()


def test_a_run_goes_on_with_another_engine(run: Run, killed: Path) -> None:
    """Which has no use for a cluster's address, and for how its replicas are cut."""
    manifest = json.loads((killed / MANIFEST).read_bytes())
    manifest["arguments"] += ["--engine=ray", "--ray-address=127.0.0.1:9", "--replica-cpus", "2"]
    (killed / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    assert run(f"--resume={killed}", "--engine=local").ret == 0
    assert read_run(killed.parents[1]).manifest["engine"] == {"name": "local"}


def test_a_secret_of_then_is_asked_for(run: Run, killed: Path) -> None:
    """It is not kept, and stars are not sent in its place."""
    manifest = json.loads((killed / MANIFEST).read_bytes())
    manifest["arguments"].append("--judge=openai:m@http://***@127.0.0.1:9/v1")
    (killed / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    result = run(f"--resume={killed}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*with a secret in --judge, which is not kept. Give --judge*"])


def test_errors_are_asked_again(run: Run, data: Path, project: Path, plugin: Path) -> None:
    """And answers are not; the record of an error is replaced."""
    plugin.write_text(FAILING, encoding="utf-8")
    assert run(f"--data={data}", "--gates=none").ret == pytest.ExitCode.TESTS_FAILED
    plugin.write_text(COUNTING, encoding="utf-8")
    assert run("--resume=reports/run").ret == 0
    case_ids = (project / "asked").read_text(encoding="utf-8").split()
    assert len(case_ids) == 8
    assert all(case.endswith(":inference") for case in case_ids)
    records = read_run(project).records
    assert len(records) == 48
    assert not [line for line in records if line["verdict"]["outcome"] == "model_error"]


def test_a_complete_run_asks_nothing(run: Run, data: Path, project: Path, plugin: Path) -> None:
    """The model is not even loaded, and the scores are written again as they were."""
    assert run(f"--data={data}", "--gates=none").ret == 0
    scores = (project / "reports/run" / SCORES).read_bytes()
    plugin.write_text(UNUSED, encoding="utf-8")
    assert run("--resume=reports/run").ret == 0
    assert (project / "reports/run" / SCORES).read_bytes() == scores


def test_two_processes_do_not_write_one_run(run: Run, killed: Path) -> None:
    """The one that holds it is named; a killed one holds nothing any more."""
    content = (killed / MANIFEST).read_bytes()
    store = RunWriter(killed)
    store.open_again()
    try:
        result = run(f"--resume={killed}")
    finally:
        store.close()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    holder = json.loads(content)["process"]
    result.stderr.fnmatch_lines([f"*is being written by {holder}. Wait for its end*"])
    assert (killed / MANIFEST).read_bytes() == content


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seed=1"], "*it had another seed. Give the options of then*"),
        (["--prompts=clean"], "*it had another *prompts*"),
        (["--shard=1/2"], "*another shard*"),
        (["--run=other"], "*leave --run out*"),
        (["-m", "detection"], "*goes on with the whole run*leave -m out*"),
        (["-k", "isfake"], "*goes on with the whole run*leave -k out*"),
        (["--reuse=reports/other"], "*leave --reuse=reports/other out*"),
        (["--baseline=reports/run"], "*--baseline is the run that --resume goes on with*"),
    ],
    ids=["seed", "prompts", "shard", "run", "marker", "keyword", "reuse", "baseline"],
)
def test_another_run_cannot_go_on(
    run: Run, killed: Path, options: list[str], sentence: str
) -> None:
    """It is refused in a sentence before anything is asked, and left as it was."""
    content = [(killed / name).read_bytes() for name in (MANIFEST, RECORDS)]
    result = run(f"--resume={killed}", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([sentence])
    assert [(killed / name).read_bytes() for name in (MANIFEST, RECORDS)] == content


def test_an_edited_record_is_refused(run: Run, data: Path, project: Path) -> None:
    """A record whose label was changed by hand is not scored beside the others."""
    assert run(f"--data={data}", "--gates=none").ret == 0
    path = project / "reports" / "run" / RECORDS
    first, *others = path.read_text(encoding="utf-8").splitlines(keepends=True)
    record = json.loads(first)
    record["case"]["label"] = {"fake": "real", "real": "fake"}[record["case"]["label"]]
    edited = "".join([f"{json.dumps(record)}\n", *others])
    path.write_text(edited, encoding="utf-8")
    result = run("--resume=reports/run")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*that differs from the data set in label: it was edited*"])
    assert path.read_text(encoding="utf-8") == edited


def test_a_run_without_an_answer_is_started_anew(run: Run, project: Path) -> None:
    """There is nothing to resume, and no manifest that says how."""
    folder = project / "reports" / "run"
    folder.mkdir(parents=True)
    (folder / RECORDS).touch()
    result = run("--resume=reports/run")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*broke off before its first answer*"])


def test_an_image_that_changed_is_refused(run: Run, data: Path, killed: Path) -> None:
    """Its other cases were answered upon other pixels."""
    content = (killed / RECORDS).read_bytes()
    last = json.loads(content.splitlines()[-1])["case"]["image"]
    (path,) = data.rglob(Path(last).name)
    Image.new("RGB", (24, 16), (1, 2, 3)).save(path)
    result = run(f"--resume={killed}", "-n0")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*has other pixels than when the run began*"])
    assert (killed / RECORDS).read_bytes().startswith(content)


def test_the_command_goes_on_from_any_directory(fakebench: Command, tmp_path: Path) -> None:
    """``fakebench run --resume RUN`` has the options of then, outside of the checkout too."""
    options = ["--model=coin", "--sample=4", "--tasks=detection", "--run=run", "--gates=none"]
    first = fakebench("run", *options, cwd=tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    folder = tmp_path / "reports" / "run"
    scores, lines = (folder / SCORES).read_bytes(), (folder / RECORDS).read_bytes().splitlines(True)
    (folder / RECORDS).write_bytes(b"".join(lines[:5]))
    (folder / SCORES).unlink()
    resumed = fakebench("run", "--resume", "reports/run", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert f"5 answers kept, {len(lines) - 5} cases to ask" in resumed.stdout
    assert (folder / SCORES).read_bytes() == scores
