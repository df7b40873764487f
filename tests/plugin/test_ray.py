"""``--engine=ray`` on a real cluster of several nodes on this machine."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fakebench_suite.execution.work_units import MIN_UNIT_PROMPTS
from tests.helpers import read_run, wait_until
from tests.plugin.forking import ADDRESS, Forked
from tests.plugin.sandbox import ROOT, SCRIPT, Run, write_unloadable

# Found, not imported: Ray reads its settings when it is, and the cluster's fixture makes them.
pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")

PATIENCE = 240.0
"""Seconds that a run, or what it is waited for, may take on a busy machine."""
STORE = 80 * 2**20
"""Bytes of each node's store; what a node takes by default is too much for a test."""
IMAGES, QUESTIONS = 48, 15
CASES = IMAGES * (QUESTIONS + 1)


class Nodes:
    """A Ray cluster: a head that computes nothing, and nodes that come and go."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE}
        self.cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        self.address: str = self.cluster.address
        self.added: list[Any] = []

    def provide(self, count: int) -> None:
        """At least so many nodes of one core; those that earlier tests left are taken again."""
        while len(self.added) < count:
            self.added.append(self.cluster.add_node(num_cpus=1, object_store_memory=STORE))

    def kill(self, count: int) -> None:
        """So many nodes are gone without a word."""
        for _ in range(count):
            self.cluster.remove_node(self.added.pop(), allow_graceful=False)

    def find_replicas(self) -> list[int]:
        """The processes that hold a replica, by id."""
        raylets = {node.all_processes["raylet"][0].process.pid for node in self.added}
        pids = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if command.startswith(b"ray::Replica") and parent in raylets:
                pids.append(int(folder.name))
        return pids


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """A head node for all tests of this module."""
    # The paths of sockets may have a hundred characters: pytest's directories are too deep.
    folder = tempfile.mkdtemp(prefix="ray-")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_enable_worker_prestart", "0")
        # A dead node is noticed within seconds: by default it takes a quarter of a minute.
        patch.setenv("RAY_health_check_period_ms", "500")
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex())
        nodes = Nodes()
        yield nodes
        nodes.cluster.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def nodes(cluster: Nodes) -> Nodes:
    """The cluster, with two nodes of one core."""
    cluster.provide(2)
    return cluster


@pytest.fixture
def many_cases(project: Path) -> Path:
    """Twelve slices: 48 pictures, each asked for a verdict and fifteen sentences."""
    for name, seconds in (("slow", 0.5), ("slower", 3.0)):
        card = project / f"{name}.toml"
        card.write_text(SCRIPT + f"seconds = {seconds}\n", encoding="utf-8")
    lines = []
    for number in range(IMAGES):
        image = f"{number:02}.png"
        Image.new("RGB", (16, 16), (number, 90, 30)).save(project / image)
        label = ("fake", "real")[number % 2]
        question = "Is this a fake image, yes or no?"
        row = {"id": f"{image}:d", "task": "detection", "question": question, "label": label}
        lines.append({**row, "image": image})
        for index in range(QUESTIONS):
            analysis = {
                "id": f"{image}:{index}",
                "task": "analysis",
                "question": f"How is {index}?",
            }
            lines.append({**analysis, "image": image, "label": label})
    path = project / "many.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _forks(forks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs need not import the suite; replicas do."""
    monkeypatch.setenv(ADDRESS, forks)


class RayRun(Forked):
    """The suite under way, on a Ray of its own or the cluster; ``marker`` is in its environment."""

    def __init__(
        self, project: Path, *options: str, nodes: Nodes | None = None, marker: str = ""
    ) -> None:
        command = [sys.executable, "-m", "pytest", "-W", "error", "--run=run", "--gates=none"]
        address = [f"--ray-address={nodes.address}"] if nodes is not None else []
        environment = {
            name: os.environ[name] for name in os.environ if not name.startswith("PYTEST")
        }
        self.output = project / "output"
        with Path(os.devnull).open("rb") as stdin, self.output.open("wb") as output:
            super().__init__(
                [*command, "--engine=ray", *address, *options],
                (stdin, output, output),
                cwd=project,
                env=environment | {"MARK": marker},
                new_session=True,
            )


def finish(process: RayRun) -> str:
    """What the suite printed until it ended: nothing of Ray's, and no traceback."""
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        pytest.fail(f"It did not end:\n{process.output.read_text(encoding='utf-8')}")
    output = process.output.read_text(encoding="utf-8")
    for phrase in ("Traceback", "raylet", "ray::", "warning"):
        assert phrase not in output, output
    return output


def interrupt(process: RayRun, project: Path) -> None:
    """Ctrl-C in the terminal of a run that has recorded something and waits for more."""
    count = 0
    wait_until(lambda: count_lines(project), seconds=PATIENCE)
    while count != count_lines(project):
        count = count_lines(project)
        time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)


def count_marked(marker: str) -> int:
    """Processes with the mark in their environment."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            count += f"MARK={marker}\0".encode() in path.read_bytes()
    return count


def count_lines(project: Path) -> int:
    """Records written so far."""
    path = project / "reports/run/records.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_interrupting_leaves_whole_records_and_no_replica(
    many_cases: Path, project: Path, nodes: Nodes
) -> None:
    """Ctrl-C ends the run at once, what was recorded stays, and the cluster is free again."""
    process = RayRun(project, f"--data={many_cases}", "--model=slower.toml", nodes=nodes)
    interrupt(process, project)
    output = finish(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert f"engine: Ray {nodes.address}" in output
    assert 0 < len(read_run(project).records) < CASES
    assert read_run(project).manifest["status"] == "interrupted"
    wait_until(lambda: not nodes.find_replicas(), seconds=PATIENCE)


def test_a_ray_of_this_run_ends_with_it(many_cases: Path, project: Path, cluster: Nodes) -> None:
    """Without an address a Ray is started here, and Ctrl-C in a terminal ends all of it."""
    assert cluster.address, "the environment keeps Ray's files in a place of their own"
    marker = project.name + str(os.getpid())
    options = (f"--data={many_cases}", "--model=slower.toml", "--replica-cpus=1")
    process = RayRun(project, *options, marker=marker)
    interrupt(process, project)
    output = finish(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "engine: Ray of this run" in output
    wait_until(lambda: not count_marked(marker), seconds=PATIENCE)


def test_the_end_of_this_machines_ray_ends_the_run(
    many_cases: Path, project: Path, nodes: Nodes
) -> None:
    """It is said in a sentence, and what was recorded stays.

    Nothing is killed here, for Ray may then be faster: nobody listens any more once a slice is
    answered.
    """
    ending = """
from fakebench_suite.execution.ray import client, worker

wait = client.RayCluster.wait

def wait_and_end(self, *asked):
    found = wait(self, *asked)
    if any(isinstance(result, worker.UnitResponse) for result in found.values()):
        self._node = ("127.0.0.1", 1)
    return found

client.RayCluster.wait = wait_and_end
"""
    (project / "cases" / "conftest.py").write_text(ending, encoding="utf-8")
    process = RayRun(project, f"--data={many_cases}", "--model=slow.toml", nodes=nodes)
    output = finish(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "The Ray on this machine has ended. Start it again" in output
    assert 0 < len(read_run(project).records) < CASES
    assert read_run(project).manifest["status"] == "interrupted"


def test_what_is_lost_in_the_middle_is_answered_elsewhere(
    run: Run, many_cases: Path, project: Path, nodes: Nodes
) -> None:
    """A process and a node die under way: no case is lost or doubled, and scores are equal."""
    process = RayRun(project, f"--data={many_cases}", "--model=slow.toml", nodes=nodes)
    wait_until(lambda: count_lines(project), seconds=PATIENCE)
    os.kill(nodes.find_replicas()[0], signal.SIGKILL)
    wait_until(lambda: count_lines(project) > 2 * MIN_UNIT_PROMPTS, seconds=PATIENCE)
    nodes.kill(1)
    assert count_lines(project) < CASES
    output = finish(process)
    assert process.returncode == 0, output
    records = read_run(project).records
    assert len({line["case"]["id"] for line in records}) == len(records) == CASES
    engine = read_run(project).manifest["engine"]
    assert engine["name"] == "ray"
    assert engine["lost"] >= 2
    assert engine["replicas"] == sum(engine["nodes"].values()) >= 1
    assert f"{engine['lost']} lost" in output
    assert run(f"--data={many_cases}", "--run=local", "--gates=none").ret == 0
    outcomes = [
        [(line["case"]["id"], line["answer"]["text"], line["verdict"]) for line in lines]
        for lines in (records, read_run(project, "local").records)
    ]
    assert outcomes[0] == outcomes[1]
    scores = [project / "reports" / name / "scores.json" for name in ("run", "local")]
    assert scores[0].read_bytes() == scores[1].read_bytes()


def test_pocket_answers_alike_on_a_cluster(run: Run, project: Path, cluster: Nodes) -> None:
    """A checkpoint on a replica says of real pixels what it says here, by the same route."""
    cluster.provide(1)
    options = (f"--model={ROOT / 'models' / 'pocket'}", "--sample=4", "-m", "detection")
    process = RayRun(project, *options, nodes=cluster)
    output = finish(process)
    assert process.returncode == 0, output
    assert run(*options, "--run=local", "--gates=none").ret == 0
    answers = [
        {line["case"]["id"]: line["answer"]["text"] for line in read_run(project, name).records}
        for name in ("run", "local")
    ]
    assert len(answers[0]) == 12
    assert answers[0] == answers[1]
    (route,) = read_run(project).manifest["inference"]
    assert route["path"] == "prefix"
    assert [route] == read_run(project, "local").manifest["inference"]


VLLM = """
import asyncio
import sys
from pathlib import Path

import pytest
from fake_vllm import Completion, EngineDeadError, FakeVllm, install

HERE = Path(__file__).parent

def complete(prompt, parameters):
    if len(fake.asked) > 20 and not (HERE / "died").exists():
        (HERE / "died").touch()
        fake.dead = True
        raise EngineDeadError
    return Completion(token_ids=[10, 2])

gate = asyncio.Event()
gate.set()
fake = FakeVllm(complete=complete, gate=gate)
install(pytest.MonkeyPatch(), fake)
engine = sys.modules["vllm.v1.engine.async_llm"].AsyncLLM
engine.shutdown = lambda self, timeout: (HERE / "shut").touch()
"""


def test_replicas_of_vllm_are_started_again_where_an_engine_ends(
    project: Path, cluster: Nodes
) -> None:
    """No case is an error, and the last engine ends in order."""
    cluster.provide(1)
    package = project / "vllm"
    package.mkdir()
    (package / "__init__.py").write_text(VLLM, encoding="utf-8")
    shutil.copy(ROOT / "tests" / "backends" / "vllm" / "fake_vllm.py", project)
    options = ("--model=pocket", "--sample=12", "--replica-engine=vllm", "--case-timeout=200")
    process = RayRun(project, *options, nodes=cluster)
    output = finish(process)
    assert process.returncode == 0, output
    assert f"engine: Ray {cluster.address}, vLLM in each replica" in output
    assert "ray, 2 vLLM replicas on 1 node, 1 lost" in output
    assert (package / "died").exists()
    run = read_run(project)
    assert run.manifest["recorded"] == run.manifest["selected"] > MIN_UNIT_PROMPTS
    assert {record["answer"]["tokens"] for record in run.records} == {2}
    engine = run.manifest["engine"]
    assert (engine["name"], engine["replica_engine"], engine["lost"]) == ("ray", "vllm", 1)
    assert run.manifest["identity"]["card"]["backend"] == "vllm"
    assert {info["details"]["vllm"] for info in run.manifest["inference"]} == {"0.0"}
    assert (package / "shut").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model=broken"], "'broken' cannot be loaded from"),
        (["--replica-cpus=9"], "No node of the cluster has 9 cores for a replica"),
    ],
    ids=["broken", "too-large"],
)
def test_where_no_replica_can_be_the_run_ends_in_a_sentence(
    many_cases: Path, project: Path, cluster: Nodes, options: list[str], sentence: str
) -> None:
    """It names what is wrong, and there is no record."""
    cluster.provide(1)
    write_unloadable(project / "broken")
    process = RayRun(project, f"--data={many_cases}", *options, nodes=cluster)
    output = finish(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert sentence in output
    assert not (project / "reports" / "run").exists()


def test_the_end_of_the_last_node_ends_the_run(
    many_cases: Path, project: Path, nodes: Nodes
) -> None:
    """It is said in a sentence after a while, and what was recorded stays."""
    conftest = "from fakebench_suite.execution.ray import pool\n\npool.NODE_LOSS_TIMEOUT_S = 1.0\n"
    (project / "cases" / "conftest.py").write_text(conftest, encoding="utf-8")
    process = RayRun(project, f"--data={many_cases}", "--model=slow.toml", nodes=nodes)
    wait_until(lambda: count_lines(project), seconds=PATIENCE)
    nodes.kill(2)
    output = finish(process)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "All nodes that replicas can run on are gone" in output
    assert 0 < len(read_run(project).records) < CASES
    assert read_run(project).manifest["status"] == "interrupted"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--engine=ray", "-n2"], "spreads the work units by itself"),
        (["--engine=ray", "--answers=old"], "asks no model"),
        (["--engine=spark"], "there is no 'spark'; allowed: local, vllm, ray"),
        (["--engine=ray", "--ray-address=ray://here:10001"], "it must be HOST:PORT"),
        (["--engine=ray", "--ray-address=here:65536"], "with a port of 1 to 65535"),
        (["--engine=ray", "-pnoray"], "pip install 'fakebench-suite[[]ray[]]'"),
        (["--replica-cpus=2"], "are about --engine=ray"),
        (["--replica-engine=vllm"], "are about --engine=ray"),
        (["--engine=ray", "--replica-cpus=none"], "'none' is not a number, 1 or more"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_options_that_do_not_go_together(
    run: Run, project: Path, data: Path, options: list[str], sentence: str
) -> None:
    """Each is a usage error of one sentence, and nothing is started."""
    absent = "import sys\n\nsys.modules['ray'] = None\n"
    (project / "noray.py").write_text(absent, encoding="utf-8")
    result = run(f"--data={data}", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{sentence}*"])


class Mail(socketserver.BaseRequestHandler):
    """A server of another kind."""

    def handle(self) -> None:
        """It speaks first."""
        self.request.sendall(b"220 mail ready\r\n")


def test_an_address_where_no_ray_listens(run: Run, data: Path, project: Path) -> None:
    """It is a usage error, with what to do, whether nobody is there or somebody else."""
    options = (f"--data={data}", "--engine=ray")
    with socketserver.TCPServer(("127.0.0.1", 0), Mail) as server:
        port = server.server_address[1]
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        not_ray = run(*options, f"--ray-address=127.0.0.1:{port}")
        thread.join()
    refused = run(*options, f"--ray-address=127.0.0.1:{port}")
    for result, reason in ((not_ray, "what listens there is no Ray"), (refused, "refused")):
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"*There is no Ray at 127.0.0.1:*{reason}*ray start --head*"])
    assert not (project / "reports" / "run").exists()
    assert run(*options, f"--ray-address=127.0.0.1:{port}", "--collect-only").ret == 0


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        (
            ["--ray-address=auto"],
            "The address auto finds no Ray on this machine, or several. Start",
        ),
        ([], "Ray does not start here: Set --address."),
    ],
    ids=["auto", "own"],
)
def test_where_ray_does_not_begin_it_is_said_in_whole_sentences(
    run: Run,
    data: Path,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    sentences: str,
) -> None:
    """Ray's own words are cut to the last line, and a full stop there is not doubled."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    conftest = """
from fakebench_suite.execution.ray import client

def refuse(**options):
    raise ConnectionError("There is none.\\nSet --address.")

client.ray.init = refuse
"""
    (project / "cases" / "conftest.py").write_text(conftest, encoding="utf-8")
    result = run(f"--data={data}", "--engine=ray", *options)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert sentences in result.stdout.str()
    assert "address.." not in result.stdout.str()
    assert not (project / "reports" / "run").exists()
