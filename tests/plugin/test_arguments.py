"""Nothing that is handed to the suite is executed or read as configuration, however it is spelt."""

import importlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fakebench_suite import plugin
from fakebench_suite.plugin.arguments import find_mistaken, join_option_values, list_options
from tests.plugin.sandbox import MODES, ROOT, SCRIPT, Command, Run

MARK = "import pathlib; pathlib.Path({!r}).write_text('ran')\n"
INI = "[{}]\npythonpath = .\naddopts = -p planted\n"

CONFIGURATION = (
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "setup.cfg",
    "pyproject.toml",
    "pytest.toml",
)


def plant(folder: Path, marker: Path) -> Path:
    """Everything that pytest would read or run in a directory of tests; each leaves ``marker``."""
    folder.mkdir(parents=True, exist_ok=True)
    code = MARK.format(str(marker))
    for name in ("planted.py", "conftest.py", "test_planted.py", "sitecustomize.py", "setup.py"):
        (folder / name).write_text(code, encoding="utf-8")
    for name, section in (
        ("pytest.ini", "pytest"), (".pytest.ini", "pytest"), ("tox.ini", "pytest"),
        ("setup.cfg", "tool:pytest"),
    ):  # fmt: skip
        (folder / name).write_text(INI.format(section), encoding="utf-8")
    table = '[{}]\npythonpath = ["."]\naddopts = ["-p", "planted"]\n'
    (folder / "pyproject.toml").write_text(
        table.format("tool.pytest.ini_options"), encoding="utf-8"
    )
    (folder / "pytest.toml").write_text(table.format("pytest"), encoding="utf-8")
    return folder


@pytest.fixture
def places(project: Path, data: Path) -> dict[str, Path]:
    """A value for each option that takes a path, every one beside planted files."""
    model, gates, judge = project / "model", project / "rules", project / "judge"
    for folder in (data, model, gates, judge, project / "old", project / "reports"):
        plant(folder, project / "MARK")
    (model / "card.toml").write_text(SCRIPT, encoding="utf-8")
    (gates / "gates.toml").write_text('[[gate]]\nname = "e"\nkind = "errors"\n', encoding="utf-8")
    return {
        "--data": data,
        "--model": model,
        "--gates": gates / "gates.toml",
        "--reports": project / "reports",
        "--baseline": project / "old",
        "--answers": project / "old",
    }


def test_joined_values_run_nothing(run: Run, places: dict[str, Path], project: Path) -> None:
    """Data, model, gates, reports, baseline and answers are read as such, and none is executed."""
    joined = [f"{option}={path}" for option, path in places.items()]
    assert run(*joined[:4], "-n0").ret != pytest.ExitCode.USAGE_ERROR
    run(*joined[:5], "--run=compared", "--collect-only", "-n0")
    run(*joined, "--run=again", "--collect-only", "-n0")
    assert not (project / "MARK").exists()


@pytest.mark.parametrize("option", ["--data", "--model", "--gates", "--reports", "--baseline"])
def test_a_separate_value_stops_in_a_sentence(
    run: Run, places: dict[str, Path], project: Path, option: str
) -> None:
    """Pytest has taken the value for tests: status 4, what to write, and no conftest.py was run."""
    value = places[option]
    folder = value if value.is_dir() else value.parent
    for name in CONFIGURATION:  # What these name with -p no plugin of ours comes before.
        (folder / name).unlink()
    result = run("--model=scripted.toml", option, str(value), "-n0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: Write {option}={value}: *"])
    assert not (project / "MARK").exists()
    assert not (project / "reports" / "run").exists()


def test_the_command_takes_either_spelling_anywhere(fakebench: Command, tmp_path: Path) -> None:
    """``run`` reads the suite's own configuration, wherever it is called."""
    marker = tmp_path / "MARK"
    folder = plant(tmp_path / "model", marker)
    (folder / "card.toml").write_text(SCRIPT, encoding="utf-8")
    here = plant(tmp_path / "here", marker)
    for value in (
        ["--model", str(folder)],
        [f"--model={folder}"],
        [f"--model={folder / 'card.toml'}"],
    ):
        options = ["-n", "0", "--collect-only", "-q", "--sample", "2", "--reports", str(here)]
        result = fakebench("run", *options, *value, cwd=here)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "test_detection[" in result.stdout
    assert not marker.exists()


@pytest.fixture
def planted(tmp_path: Path) -> dict[str, Path]:
    """Places of somebody else's, each beside planted files."""
    marker = tmp_path / "MARK"
    names = ("here", "model", "data", "rules", "old", "reports")
    paths = {name: plant(tmp_path / name, marker) for name in names}
    for name in ("__init__.py", "json.py", "queue.py", "typer.py", "pytest.py", "numpy.py"):
        (paths["here"] / name).write_text(MARK.format(str(marker)), encoding="utf-8")
    plant(paths["here"] / "tests", marker)
    (paths["model"] / "card.toml").write_text(SCRIPT, encoding="utf-8")
    rows = json.dumps(
        {"id": "a", "task": "detection", "image": "a.png", "question": "Fake?", "label": "fake"}
    )
    (paths["data"] / "c.jsonl").write_text(rows + "\n", encoding="utf-8")
    Image.new("RGB", (9, 9)).save(paths["data"] / "a.png")
    (paths["rules"] / "gates.toml").write_text(
        '[[gate]]\nname = "e"\nkind = "errors"\n', encoding="utf-8"
    )
    return paths | {"mark": marker}


@pytest.mark.process
@pytest.mark.parametrize("mode", MODES, ids=" ".join)
def test_the_command_runs_nothing_of_strangers_in_any_mode(
    planted: dict[str, Path], mode: tuple[str, ...]
) -> None:
    """Neither this process nor a worker runs or imports a file of a place that is handed in."""
    arguments = ["--model", str(planted["model"]), "--data", str(planted["data"] / "c.jsonl")]
    arguments += ["--gates", str(planted["rules"] / "gates.toml")]
    environment = {name: os.environ[name] for name in os.environ if "PYTEST" not in name}
    environment.pop("PYTHONSAFEPATH", None)
    command = [sys.executable, "-m", "fakebench_suite", "run", *arguments, *mode]
    result = subprocess.run(
        [*command, "--reports", str(planted["reports"]), "--run=r"],
        cwd=planted["here"],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    records = (planted["reports"] / "r" / "records.jsonl").read_bytes().splitlines()
    assert len(records) == 1
    assert not planted["mark"].exists()


@pytest.mark.parametrize("source", ["variable", "file", "baseline", "answers"])
def test_the_command_joins_values_wherever_they_stand(
    fakebench: Command, planted: dict[str, Path], source: str
) -> None:
    """In PYTEST_ADDOPTS and in a file of arguments, too; what is no run is refused unread."""
    data = ["--data", str(planted["data"] / "c.jsonl")]
    file = planted["mark"].with_name("arguments")
    file.write_text("\n".join(data), encoding="utf-8")
    arguments = {
        "variable": [],
        "file": [f"@{file}"],
        "baseline": ["--baseline", str(planted["old"])],
        "answers": ["--answers", str(planted["old"])],
    }[source]
    variable = shlex.join(data) if source == "variable" else ""
    model = ["--model", str(planted["model"] / "card.toml"), "--collect-only", "-q", "-n0"]
    result = fakebench("run", *model, *arguments, cwd=planted["here"], PYTEST_ADDOPTS=variable)
    if source in ("variable", "file"):
        assert result.returncode == 0, result.stdout + result.stderr
        assert "test_detection[a.png:a]" in result.stdout
    else:
        assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert not planted["mark"].exists()


@pytest.mark.parametrize("argument", [".", "nowhere", "test_planted.py", "../data"])
def test_the_command_asks_the_suites_cases_only(
    fakebench: Command, planted: dict[str, Path], argument: str
) -> None:
    """Tests of others, and what is not there, are refused before a conftest.py is read."""
    result = fakebench("run", argument, "-n0", cwd=planted["here"])
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "names none of the suite's cases" in result.stderr
    assert not planted["mark"].exists()


@pytest.mark.parametrize("option", ["--help", "--markers", "--fixtures", "--cache-show"])
def test_lists_are_shown_whatever_the_run_would_need(
    fakebench: Command, tmp_path: Path, option: str
) -> None:
    """Beside other gates, with a model or data that are absent, and with nothing remembered."""
    (tmp_path / "gates.toml").write_text("", encoding="utf-8")
    for absent in ("--model=internvl", f"--data={tmp_path / 'absent'}"):
        options = (absent, "-o", f"cache_dir={tmp_path / 'cache'}", option)
        result = fakebench("run", *options, cwd=tmp_path)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "UsageError" not in result.stdout
    assert not (tmp_path / "reports").exists()


def test_a_last_option_keeps_its_default_value(fakebench: Command, tmp_path: Path) -> None:
    """The suite's cases, which are added to the command line, are not taken for its value."""
    result = fakebench("run", "-o", f"cache_dir={tmp_path}", "--cache-show", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_arguments_in_a_file_are_no_tests_either(run: Run, places: dict[str, Path]) -> None:
    """``pytest @FILE`` stops where it would at the same words on the command line."""
    data = places["--data"]
    for name in CONFIGURATION:
        (data / name).unlink()
    file = data.parent / "arguments"
    file.write_text(f"--data\n{data}\n", encoding="utf-8")
    result = run(f"@{file}", "-n0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert not (data.parent / "MARK").exists()


@pytest.mark.parametrize("joined", [False, True], ids=["space", "equals"])
def test_the_command_takes_every_path_in_either_spelling(
    fakebench: Command, tmp_path: Path, joined: bool
) -> None:
    """Paths with blanks and ``=``: model, data, gates and reports, then answers and a baseline."""
    for name in ("a = model", "some data", "the rules"):
        (tmp_path / name).mkdir()
    (tmp_path / "a = model" / "card.toml").write_text(SCRIPT, encoding="utf-8")
    Image.new("RGB", (9, 9)).save(tmp_path / "some data" / "a.png")
    row = {"id": "a", "task": "detection", "image": "a.png", "question": "Fake?", "label": "fake"}
    (tmp_path / "some data" / "c.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (tmp_path / "the rules" / "g.toml").write_text(
        '[[gate]]\nname = "e"\nkind = "errors"\n', encoding="utf-8"
    )
    shared = {
        "--data": "some data/c.jsonl",
        "--gates": "the rules/g.toml",
        "--reports": "my reports",
    }
    runs = {"first": {"--model": "a = model"}, "second": {}}
    runs["second"] = dict.fromkeys(("--answers", "--baseline"), "my reports/first")
    for run, extra_options in runs.items():
        words = [
            word
            for option, value in (shared | extra_options | {"--run": run}).items()
            for word in ([f"{option}={value}"] if joined else [option, value])
        ]
        result = fakebench("run", "-n0", *words, cwd=tmp_path)
        assert result.returncode == 0, result.stdout + result.stderr
        manifest = json.loads((tmp_path / "my reports" / run / "manifest.json").read_bytes())
        assert manifest["gates"]["file"] == "the rules/g.toml"
    assert manifest["answers"] == "first"
    assert manifest["baseline"]["run"] == "first"


class _Parser:
    """Notes the options with a value that a plugin adds."""

    def __init__(self) -> None:
        self.options: set[str] = set()

    def getgroup(self, *_: object) -> "_Parser":
        """The same for every group."""
        return self

    def addoption(self, name: str, **settings: object) -> None:
        """Note an option that is no flag."""
        if settings.get("action") != "store_true":
            self.options.add(name)


def test_every_option_with_a_value_is_known() -> None:
    """The list, read from the source, is that of the options the plugins add."""
    parser = _Parser()
    for name in plugin.FEATURES:
        add: Any = getattr(importlib.import_module(name), "pytest_addoption", None)
        if add is not None:
            add(parser)
    assert list_options() == parser.options
    expected = {"--data", "--model", "--gates", "--answers", "--baseline", "--reports", "--run"}
    assert expected <= parser.options


def test_values_are_joined_to_options_with_a_value_only() -> None:
    """Flags, options of pytest's and values that begin with a dash are left alone."""
    arguments = [
        "-m",
        "detection",
        "--strict-cases",
        "cases",
        "--data",
        "d",
        "--model",
        "-v",
        "--lf",
    ]
    assert join_option_values(arguments) == [
        "-m", "detection", "--strict-cases", "cases", "--data=d", "--model", "-v", "--lf"
    ]  # fmt: skip


def test_only_what_is_there_is_taken_for_tests(tmp_path: Path) -> None:
    """A name that is no file is none of pytest's tests either, whatever stands behind ``::``."""
    (tmp_path / "coin").mkdir()
    for value, mistaken in (
        ("coin", True),
        ("coin::x", True),
        ("fair", False),
        ("x" * 5000, False),
    ):
        result = find_mistaken(["-q", "--model", value], where=tmp_path)
        assert (result == ("--model", value)) is mistaken
    assert find_mistaken(["--ignore", "coin"], where=tmp_path) is None
