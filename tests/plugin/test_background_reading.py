"""Explanations are read while others are written, and nothing but the time tells."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.plugin.sandbox import EVERY_MODE, SCRIPT, Run

CONFTEST = """
import subprocess
import pytest
from fakebench_suite.grading.claims import reader_processes
from fakebench_suite.plugin import background_reading
from fakebench_suite.plugin.reporting import get_record

background_reading.MIN_CASES = {least}
reader_processes.MIN_CHARACTERS = reader_processes._CHUNK_CHARACTERS = 400
started, records, read = [], [], []


class Popen(subprocess.Popen):
    def __init__(self, command, *args, **options):
        super().__init__(command, *args, **options)
        if "reader_processes" in str(command):
            started.append(self)


subprocess.Popen = Popen
add = background_reading.BackgroundReading.add


def note_and_add(self, record):
    read.append(record)
    add(self, record)


background_reading.BackgroundReading.add = note_and_add


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    if get_record(report) is not None:
        records.append(report)
        if len(records) == {interrupted_at}:
            raise KeyboardInterrupt


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        assert all(process.poll() is not None for process in started)
        (config.rootpath / "started").write_text(str(len(started)))
        (config.rootpath / "read").write_text(str(len(read)))
"""
COUNT = 24


@pytest.fixture
def explained(project: Path) -> Path:
    """Photographs that are asked about, and a model that explains each in other words."""
    texts = [
        f"The texture is unnatural {number} times. The edges are not blurred, but the light is odd."
        for number in range(COUNT)
    ]
    card = SCRIPT.replace('["It is natural."]', json.dumps(texts))
    (project / "explains.toml").write_text(card, encoding="utf-8")
    rows = []
    for number in range(COUNT):
        Image.new("RGB", (24, 16), (number * 10, 90, 30)).save(project / f"{number}.png")
        row = {"id": "texture", "task": "analysis", "label": "real", "image": f"{number}.png"}
        rows.append(json.dumps(row | {"question": "How is the texture?"}) + "\n")
    (project / "cases.jsonl").write_text("".join(rows), encoding="utf-8")
    return project


def write_conftest(project: Path, *, least: int, interrupted_at: int = 0) -> None:
    """How many cases a run must have, and after which one Ctrl-C arrives."""
    source = CONFTEST.format(least=least, interrupted_at=interrupted_at)
    (project / "cases" / "conftest.py").write_text(source, encoding="utf-8")


def read_scores(project: Path, name: str) -> str:
    """The scores of a run."""
    return (project / "reports" / name / "scores.json").read_text(encoding="utf-8")


def test_scores_are_those_of_texts_read_at_the_end(run: Run, explained: Path) -> None:
    """In every mode, and no process is left; a run of few cases starts none for its texts."""
    options = ("--model=explains.toml", "--data=cases.jsonl", "--gates=none", "--tasks=analysis")
    write_conftest(explained, least=1)
    for mode in EVERY_MODE:
        name = f"ahead{len(mode)}{mode[-1]}".replace(":", "")
        result = run(*options, *mode, f"--run={name}")
        assert result.ret == 0, result.stdout.str()
        assert int((explained / "started").read_text(encoding="utf-8")) >= 1
    (explained / "cases" / "conftest.py").unlink()
    assert run(*options, "-n0", "--run=plain").ret == 0
    names = [path.parent.name for path in (explained / "reports").glob("ahead*/scores.json")]
    assert len(names) == len(EVERY_MODE)
    assert {read_scores(explained, name) for name in names} == {read_scores(explained, "plain")}
    assert "hallucinated_claim_rate" in read_scores(explained, "plain")


def test_ctrl_c_ends_the_process(run: Run, explained: Path) -> None:
    """The run is scored with what was answered."""
    write_conftest(explained, least=1, interrupted_at=COUNT - 4)
    result = run("--model=explains.toml", "--data=cases.jsonl", "--gates=none", "-n0")
    assert result.ret == pytest.ExitCode.INTERRUPTED, result.stdout.str()
    assert int((explained / "started").read_text(encoding="utf-8")) >= 1
    assert read_scores(explained, "run")


def test_texts_that_a_resumed_run_keeps_are_read_too(run: Run, explained: Path) -> None:
    """As they come by, before the run is scored."""
    options = ("--model=explains.toml", "--data=cases.jsonl", "--gates=none", "--tasks=analysis")
    write_conftest(explained, least=1, interrupted_at=COUNT - 4)
    assert run(*options, "-n0").ret == pytest.ExitCode.INTERRUPTED
    write_conftest(explained, least=1)
    assert run(*options, "-n0", "--resume=reports/run").ret == 0
    assert int((explained / "read").read_text(encoding="utf-8")) == COUNT
