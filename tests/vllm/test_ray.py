"""``--engine=ray`` with replicas of vLLM itself: the same answers, lost engines, and its ends.

These tests run in the environment that ``make test-vllm`` installs, where Ray is, too.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("vllm", reason="make test-vllm runs these tests in .venv-vllm")

from fakebench_suite.backends.cards import Card
from tests.helpers import read_run
from tests.vllm.test_engine import EndedRun, list_descendants, wait_until_dead

ON_RAY = ("--engine=ray", "--replica-engine=vllm", "--replica-cpus=1")
"""A Ray of the run's own, with a replica for each core of this machine."""
NICENESS = {"RAY_worker_niceness": "0"}
"""Replicas compute as urgently as other processes of the tests; by default Ray's are nicer."""


@pytest.fixture(scope="module")
def card(checkpoint: Path) -> Card:
    """A random Qwen2-VL."""
    return Card(name="random", path=str(checkpoint))


def run_on_ray(card: Card, folder: Path) -> EndedRun:
    """A run that has not begun, of several work units for each replica."""
    run = EndedRun(card, folder, *ON_RAY, sample=60)
    run.variables |= NICENESS
    return run


def read_command(process: int) -> str:
    """What a process is called."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def find_engines(run: int) -> set[int]:
    """The engines' own processes, of all replicas of a run."""
    replicas = {pid for pid in list_descendants(run) if "ray::Replica" in read_command(pid)}
    inside = {pid for replica in replicas for pid in list_descendants(replica)}
    return {pid for pid in inside if "EngineCore" in read_command(pid)}


def test_answers_are_those_of_one_engine_though_one_is_lost(card: Card, tmp_path: Path) -> None:
    """An engine is killed inside a replica that lives: no case is an error, asked twice or left."""
    spread = run_on_ray(card, tmp_path)
    process = spread.start()
    engines, started = find_engines(process.pid), list_descendants(process.pid)
    assert engines, spread.read_log()
    os.kill(min(engines), signal.SIGKILL)
    assert process.wait(900) == 0, spread.read_log()
    assert wait_until_dead(started) == set()
    run = read_run(tmp_path)
    assert run.manifest["recorded"] == run.manifest["selected"] == len(run.records)
    assert [record for record in run.records if record["answer"] is None] == []
    engine = run.manifest["engine"]
    assert (engine["name"], engine["replica_engine"]) == ("ray", "vllm")
    assert engine["lost"] >= 1
    assert run.manifest["inference"][0]["details"]["attention"] == ["CPU_ATTN"]
    command = [option for option in spread.command if option not in ON_RAY]
    alone = subprocess.run(
        [*command, "--engine=vllm", "--run=alone"],
        cwd=tmp_path,
        env=spread.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert alone.returncode == 0, alone.stdout
    answers = [
        {
            record["case"]["id"]: (record["answer"]["text"], record["answer"]["rendered"])
            for record in read_run(tmp_path, name).records
        }
        for name in ("run", "alone")
    ]
    assert answers[0] == answers[1]
    scores = [tmp_path / "reports" / name / "scores.json" for name in ("run", "alone")]
    assert scores[0].read_bytes() == scores[1].read_bytes()


def test_an_interrupted_run_leaves_no_process(card: Card, tmp_path: Path) -> None:
    """Neither of Ray nor of vLLM; what was answered is scored as partial."""
    status, started = run_on_ray(card, tmp_path).end(signal.SIGINT)
    assert status == 2
    assert started
    assert wait_until_dead(started) == set()
    assert read_run(tmp_path).manifest["status"] == "interrupted"
