"""The core installation does all that needs no extra, and a missing extra is one sentence."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fakebench_suite import extras
from fakebench_suite.errors import MissingExtraError
from fakebench_suite.extras import Extra, has_extra, require_extra
from fakebench_suite.metrics.text import TextScores, score_texts
from tests.endpoint_server import Endpoint, serve
from tests.helpers import call_forked

ROOT = Path(__file__).parents[1]
HEAVY = sorted({name for names in extras.MODULES.values() for name in names} | {"plotly"})
USAGE_ERROR = 4
HIDE = """
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = classmethod(
    lambda finder, name, *rest: None if name in {hidden} else find(name, *rest)
)
"""
GATE = """
[[gate]]
name = "alike"
kind = "threshold"
task = "analysis"
metric = "similarity"
at_least = 0.5
"""
CALLS = """
import json, sys
from fakebench_suite.cli.main import app

for words in json.loads(sys.argv[1]):
    status = 0
    try:
        app(words)
    except SystemExit as error:
        status = error.code or 0
    for stream in (sys.stdout, sys.stderr):
        print({end!r}, status, file=stream, flush=True)
"""
END = "=====end of a call====="


@dataclass(frozen=True, slots=True)
class CallResult:
    """How one of several commands ended."""

    words: Sequence[str]
    status: int
    stdout: str
    stderr: str


class CoreInstallation:
    """A directory in which ``fakebench`` is called as if no extra were installed."""

    def __init__(self, folder: Path, hidden: list[str]) -> None:
        self.folder = folder
        (folder / "site").mkdir()
        hide = HIDE.format(hidden=hidden)
        (folder / "site" / "sitecustomize.py").write_text(hide, encoding="utf-8")

    def call(self, *calls: Sequence[str]) -> list[CallResult]:
        """One command after the other, in one process."""
        variables = {name: os.environ[name] for name in os.environ if "PYTEST" not in name}
        places = os.pathsep.join([str(self.folder / "site"), str(ROOT)])
        result = subprocess.run(
            [sys.executable, "-c", CALLS.format(end=END), json.dumps(calls)],
            cwd=self.folder,
            env=variables | {"PYTHONPATH": places},
            capture_output=True,
            text=True,
            check=False,
        )
        outputs, errors = (
            re.split(rf"{END} (\d+)\n", stream) for stream in (result.stdout, result.stderr)
        )
        assert len(outputs) == len(errors) == 2 * len(calls) + 1, result.stdout + result.stderr
        return [
            CallResult(words, int(status), stdout, stderr)
            for words, status, stdout, stderr in zip(
                calls, outputs[1::2], outputs[::2], errors[::2], strict=False
            )
        ]


@pytest.fixture
def core(tmp_path: Path) -> CoreInstallation:
    """An installation without any extra."""
    return CoreInstallation(tmp_path, HEAVY)


def test_modules_are_those_of_the_extras() -> None:
    """Each module belongs to a package of the extra, and none to the core."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    owners = packages_distributions()
    core = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    for extra, modules in extras.MODULES.items():
        packages = {
            canonicalize_name(Requirement(text).name)
            for text in project["optional-dependencies"][extra]
        }
        for module in modules:
            # vLLM lives in an environment of its own, and its package is called as its module.
            distributions = {canonicalize_name(owner) for owner in owners.get(module, [module])}
            assert distributions <= packages
            assert not distributions & core
    assert set(Extra) <= project["optional-dependencies"].keys()


@pytest.mark.parametrize("extra", Extra)
def test_a_missing_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch, extra: Extra) -> None:
    """With the feature, the module and the command that installs it."""
    module = extras.MODULES[extra][0]
    if not has_extra(extra):  # vLLM lives in an environment of its own.
        installed = ModuleType(module)
        installed.__spec__ = ModuleSpec(module, None, origin="a test")
        monkeypatch.setitem(sys.modules, module, installed)
    require_extra(extra, "--model=pocket")
    monkeypatch.setitem(sys.modules, module, None)
    assert not has_extra(extra)
    with pytest.raises(MissingExtraError) as exc_info:
        require_extra(extra, "--model=pocket")
    assert str(exc_info.value) == (
        f"--model=pocket needs {module}, which is not installed; install it with "
        f"pip install 'fakebench-suite[{extra}]'."
    )


def test_a_directory_is_no_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a folder ``ray`` of the user's."""
    (tmp_path / "ray").mkdir()
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    sys.path_importer_cache.clear()
    assert not has_extra(Extra.RAY)


def test_texts_are_scored_without_an_encoder() -> None:
    """By shared words alone; what an encoder would give has no value."""
    (score,) = score_texts(["The hand has six fingers."], [["six fingers", "odd light"]], None)
    assert isinstance(score, TextScores)
    assert score.bleu_1 > 0
    assert (score.similarity, score.clue_recall, score.clue_precision) == (None, None, None)


MISSING = (
    (("run",), Extra.LOCAL),
    (("run", "--engine=vllm"), Extra.VLLM),
    (("run", "--model=detector.onnx"), Extra.ONNX),
    (("run", "--model=coin", "--judge=transformers:somebody/judge"), Extra.LOCAL),
    (("run", "--model=coin", "--gates=alike.toml"), Extra.SIMILARITY),
    (("judge", "calibrate", "--judge=embedding"), Extra.SIMILARITY),
    (("run", "--model=coin", "--data=x-aigd:."), Extra.PARQUET),
)


def test_a_missing_extra_is_met_before_a_model_is_asked(core: CoreInstallation) -> None:
    """Without a traceback, and without a run directory."""
    (core.folder / "alike.toml").write_text(GATE, encoding="utf-8")
    (core.folder / "detector.onnx").write_bytes(b"")
    results = core.call(*(words for words, _ in MISSING))
    for result, (words, extra) in zip(results, MISSING, strict=True):
        assert result.status == (USAGE_ERROR if words[0] == "run" else 2)
        output = result.stderr + result.stdout
        assert f"pip install 'fakebench-suite[{extra}]'" in output
        assert "Traceback" not in output
    assert not (core.folder / "reports").exists()


def test_a_scripted_model_needs_no_extra(core: CoreInstallation, forks: str) -> None:
    """A run of all tasks ends, in workers too; similarity has no value, and the run says why.

    ``--answers`` gives the same replies their similarity once its extra is installed.
    """
    (result,) = core.call(("run", "--model=coin", "--sample=4", "--run=core", "-n2"))
    assert result.status == 0, result.stdout + result.stderr
    scores = json.loads((core.folder / "reports/core/scores.json").read_bytes())
    values = {row["metric"]: row["value"] for row in scores if row["task"] == "analysis"}
    assert values["bleu_1"] is not None
    assert values["similarity"] is None
    manifest = json.loads((core.folder / "reports/core/manifest.json").read_bytes())
    assert "similarity" not in manifest["text_metrics"]
    (reservation,) = manifest["reservations"]
    assert "pip install 'fakebench-suite[similarity]'" in reservation
    replay = ("run", "--answers=reports/core", "--run=full", "-n0")
    assert call_forked(forks, *replay, cwd=core.folder).returncode == 0
    scores = json.loads((core.folder / "reports/full/scores.json").read_bytes())
    assert {row["value"] is None for row in scores if row["metric"] == "similarity"} == {False}
    manifest = json.loads((core.folder / "reports/full/manifest.json").read_bytes())
    assert manifest["reservations"] == []


def test_what_follows_a_run_needs_no_extra(core: CoreInstallation) -> None:
    """Collecting, merging, comparing and reporting, and looking at data and models."""
    sample = ("run", "--model=coin", "--sample=6", "-n0")
    results = core.call(
        (*sample, "--shard=1/2", "--run=first"),
        (*sample, "--shard=2/2", "--run=second"),
        ("merge", "reports/first", "reports/second", "--into=reports/whole"),
        ("compare", "reports/first", "reports/whole"),
        ("judge", "agreement", "reports/first", "reports/whole"),
        ("report", "reports/whole"),
        ("runs",),
        ("data",),
        ("models",),
        ("tables",),
        ("run", "--model=pocket", "--collect-only", "-q"),
    )
    assert [result for result in results if result.status] == []
    assert (core.folder / "reports/whole/index.html").exists()


def test_a_model_behind_a_url_needs_no_extra(core: CoreInstallation) -> None:
    """Also over workers, of which there is one without a GPU."""
    with serve(Endpoint(behave=lambda _body, _number: (200, "It is fake."))) as endpoint:
        model = f"--model=openai:tiny@{endpoint.url}"
        (result,) = core.call(["run", model, "--sample=2", "--gates=none", "-n", "auto"])
        assert result.status == 0, result.stdout + result.stderr
        assert len(endpoint.asked) > 2
