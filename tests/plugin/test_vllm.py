"""``--engine=vllm``: its options, and whole runs over a vllm that computes nothing."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fakebench_suite.backends.registry import VllmOptions
from fakebench_suite.errors import UserError
from fakebench_suite.execution.plan import RunRequest, choose_card
from fakebench_suite.execution.work_units import (
    MAX_UNIT_PROMPTS,
    MIN_UNIT_PROMPTS,
    choose_unit_size,
)
from tests.helpers import read_run
from tests.plugin.sandbox import EVERY_MODE, ROOT, Run

PACKAGE = """
import asyncio
import pytest
from tests.backends.vllm.fake_vllm import Completion, FakeVllm, install

gate = asyncio.Event()
gate.set()
fake = FakeVllm(complete=lambda *_: Completion(token_ids=[{token}, 2]), gate=gate)
install(pytest.MonkeyPatch(), fake)
"""
DEAD = PACKAGE + "fake.dead = True\n"


def install_package(project: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Let the runs of a project import a package ``vllm`` of this source."""
    (project / "vllm").mkdir()
    (project / "vllm" / "__init__.py").write_text(source.format(token=10), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(project), str(ROOT)]))


@pytest.mark.checkpoint
@pytest.mark.parametrize("mode", EVERY_MODE, ids=" ".join)
def test_a_run_is_answered_by_vllm(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, mode: tuple[str, ...]
) -> None:
    """In this process and over workers, which agree on the work units; the manifest says so."""
    install_package(project, monkeypatch, PACKAGE)
    result = run("--model=pocket", "--engine=vllm", "--sample=12", "--gates=none", *mode)
    assert result.ret == 0, result.stdout.str()
    written = read_run(project)
    assert {record["answer"]["tokens"] for record in written.records} == {2}
    assert written.manifest["engine"] == {"name": "vllm"}
    assert written.manifest["identity"]["card"]["backend"] == "vllm"
    assert written.manifest["recorded"] == written.manifest["selected"] > MIN_UNIT_PROMPTS
    for info in written.manifest["inference"]:
        assert info["details"]["vllm"] == "0.0"


@pytest.mark.checkpoint
def test_a_dead_engine_ends_the_run_in_a_sentence(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No case is an error, and ``--resume`` goes on once vLLM lives."""
    install_package(project, monkeypatch, DEAD)
    options = ("--model=pocket", "--engine=vllm", "--sample=2", "--gates=none", "-n0")
    result = run(*options)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*vLLM's engine has ended*--resume*"])
    assert not (project / "reports" / "run" / "records.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tensor-parallel-size=2"], "*are about --engine=vllm; add that*"),
        (["--deterministic"], "*are about --engine=vllm; add that*"),
        (["--engine=vllm", "--tensor-parallel-size=0"], "*'0' is not a number, 1 or more*"),
        (["--engine=vllm", "--ray-address=auto"], "*are about --engine=ray; add that*"),
        (["--engine=vllm", "--answers=reports"], "*--answers asks no model; leave*vllm out*"),
        (["--engine=vllm", "--replica-engine=vllm"], "*are about --engine=ray; add that*"),
        (["--engine=ray", "--deterministic"], "*With --engine=ray, add --replica-engine=vllm*"),
        (["--engine=ray", "--tensor-parallel-size=2"], "*With --engine=ray, add --replica-engine*"),
        (["--engine=ray", "--data-parallel-size=2"], "*a replica for each copy of the model*"),
        (["--engine=ray", "--replica-engine=ray"], "*there is no 'ray'; allowed: local, vllm*"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_do_not_fit_are_usage_errors(
    run: Run, options: list[str], message: str
) -> None:
    """In a sentence, before anything is loaded."""
    result = run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


@pytest.mark.skipif("vllm" in sys.modules, reason="vLLM is installed")
def test_a_missing_vllm_is_one_sentence(run: Run) -> None:
    """With the command that installs it."""
    for options in (["--engine=vllm"], ["--engine=ray", "--replica-engine=vllm"]):
        result = run(*options)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        install = "pip install 'fakebench-suite?vllm?'"
        result.stderr.fnmatch_lines([f"*{options[-1]} needs vllm*{install}*"])


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.parametrize("asked_by", ["option", "card"])
def test_replicas_of_vllm_limit_prompts(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, asked_by: str
) -> None:
    """So ``--case-timeout`` is allowed, and the header says what computes in replicas."""
    install_package(project, monkeypatch, "")
    card = f'path = "{ROOT / "models" / "pocket"}"\n'
    (project / "mine.toml").write_text(f'{card}backend = "vllm"\n', encoding="utf-8")
    model = ["--model=pocket", "--replica-engine=vllm"]
    options = model if asked_by == "option" else ["--model=mine.toml"]
    result = run(*options, "--engine=ray", "--case-timeout=9", "--sample=2", "--collect-only")
    assert result.ret == 0, result.stderr.str()
    result.stdout.fnmatch_lines(["engine: Ray of this run, vLLM in each replica"])


def test_a_card_without_a_checkpoint_is_refused() -> None:
    """The sentence names what answers it; a card of transformers is answered by vLLM."""
    with pytest.raises(UserError, match=r"coin is answered by scripted.*--replica-engine=vllm out"):
        choose_card(RunRequest(model="coin", vllm=VllmOptions()))
    assert choose_card(RunRequest(model="pocket", vllm=VllmOptions())).backend == "vllm"
    assert choose_card(RunRequest(model="pocket")).backend == "transformers"


@pytest.mark.parametrize(
    ("cases", "workers", "size"),
    [
        (100, 8, MIN_UNIT_PROMPTS),
        (3_200, 8, 100),
        (53_971, 8, MAX_UNIT_PROMPTS),
    ],
)
def test_workers_get_large_units_where_there_are_many_cases(
    cases: int, workers: int, size: int
) -> None:
    """So that vLLM is full, and nevertheless none is idle for long at the end."""
    assert choose_unit_size(cases, workers) == size
