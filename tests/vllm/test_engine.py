"""``--engine=vllm`` with vLLM itself: the same answers as here, hits in its cache, and its ends.

These tests run in the environment that ``make test-vllm`` installs, for vLLM is in their process.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

pytest.importorskip("vllm", reason="make test-vllm runs these tests in .venv-vllm")

from benchmarks.pictures import draw_pictures
from benchmarks.questions import list_prompts
from fakebench_suite.backends.base import Backend, Capability
from fakebench_suite.backends.cards import Card, Generation, find_card
from fakebench_suite.backends.registry import LoadOptions, load_model
from fakebench_suite.errors import CardError, ModelError
from fakebench_suite.execution.plan import RunRequest, make_plan
from fakebench_suite.types import Answer, FinishReason, Prompt, Task
from tests.backends.asking import ask, begin
from tests.helpers import read_run
from tests.vllm.server import ENVIRONMENT
from tests.vllm.test_server import normalize

BLOCK, BLOCKS = 32, 64
"""Tokens of a block of the cache of keys and values, and its blocks: room for seven images."""
ENGINE_OPTIONS: dict[str, Any] = {
    "enforce_eager": True,
    "max_model_len": 1024,
    "block_size": BLOCK,
    "num_gpu_blocks_override": BLOCKS,
}
Images = Mapping[str, Image.Image]


@pytest.fixture(scope="session")
def card(checkpoint: Path) -> Card:
    """A random Qwen2-VL in float32, of which eight prompts are computed together."""
    generation = Generation(max_new_tokens=16, batch_size=8)
    options = ENGINE_OPTIONS
    return Card(
        name="random",
        path=str(checkpoint),
        dtype="float32",
        generation=generation,
        options=options,
    )


@pytest.fixture(scope="session")
def backend(card: Card) -> Iterator[Backend]:
    """The checkpoint in vLLM; one engine for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        vllm_card = msgspec.structs.replace(card, backend="vllm")
        with load_model(vllm_card, LoadOptions()) as loaded:
            yield loaded


@pytest.fixture(scope="session")
def reference(card: Card) -> Iterator[Backend]:
    """The same checkpoint in transformers."""
    with load_model(card, LoadOptions()) as loaded:
        yield loaded


def ask_all(
    backend: Backend,
    prompts: Sequence[Prompt],
    images: Images,
    want: Capability = Capability.TEXT,
) -> list[Answer]:
    """The answers, of which none may be missing."""
    replies = ask(backend, prompts, images, want)
    assert [reply for reply in replies if not isinstance(reply, Answer)] == []
    return [reply for reply in replies if isinstance(reply, Answer)]


def test_greedy_answers_are_those_of_transformers(backend: Backend, reference: Backend) -> None:
    """In words, in numbers of tokens, in why they ended, and in the tokens of their prompts."""
    images = draw_pictures(4)
    prompts = list_prompts(list(images))
    answers = ask_all(backend, prompts, images)
    expected = ask_all(reference, prompts, images)
    assert len({answer.text for answer in expected}) > len(prompts) / 4
    assert [normalize(answer.text) for answer in answers] == [
        normalize(answer.text) for answer in expected
    ]
    for name in ("tokens", "finish_reason", "rendered"):
        assert [getattr(answer, name) for answer in answers] == [
            getattr(answer, name) for answer in expected
        ]
    assert {answer.finish_reason for answer in answers} <= set(FinishReason)
    assert backend.describe().details["tokens_as_transformers"]
    assert backend.describe().rendering == reference.describe().rendering
    assert backend.describe().generation == reference.describe().generation


def test_verdicts_by_likelihood_are_those_of_transformers(
    backend: Backend, reference: Backend
) -> None:
    """Over detection probes: P(fake) to a thousandth, and at least 99 % of the options chosen."""
    plan = make_plan(RunRequest(sample=60))
    cases = [case for case in plan.cases if case.task == Task.DETECTION]
    images = {case.image: plan.dataset.open_image(case) for case in cases}
    prompts = [plan.build_prompt(case) for case in cases]
    weighed = ask_all(backend, prompts, images, Capability.PROBABILITIES)
    expected = ask_all(reference, prompts, images, Capability.PROBABILITIES)
    pairs = list(zip(weighed, expected, strict=True))
    assert len(pairs) >= 100
    for answer, other in pairs:
        assert answer.p_fake == pytest.approx(other.p_fake, abs=1e-3)
        assert answer.option_probability_mass == pytest.approx(
            other.option_probability_mass, abs=1e-3
        )
    assert sum(answer.text == other.text for answer, other in pairs) >= 0.99 * len(pairs)


def measure_hit_rate(backend: Backend, prompts: Sequence[Prompt], images: Images) -> float:
    """The share of the prompts' tokens that vLLM had in its cache."""
    before = backend.describe().details
    begin(backend, prompts, images)
    after = backend.describe().details
    cached, asked = (after[name] - before[name] for name in ("cached_tokens", "prompt_tokens"))
    return float(cached / asked)


def test_prompts_of_an_image_hit_the_cache_together(backend: Backend) -> None:
    """Image by image, as the suite asks, far more tokens are in the cache than in any order."""
    images = {name: turn(image) for name, image in draw_pictures(14).items()}
    prompts = list_prompts(list(images))
    together = measure_hit_rate(backend, prompts, images)
    images = {name: turn(image) for name, image in images.items()}
    shuffled = random.Random(0).sample(prompts, len(prompts))
    apart = measure_hit_rate(backend, shuffled, images)
    assert together > 0.7
    assert together > 1.5 * apart


def turn(image: Image.Image) -> Image.Image:
    """Another image, which no cache knows."""
    return image.transpose(Image.Transpose.ROTATE_90)


def test_a_prompt_that_is_too_long_is_an_error_of_its_own(backend: Backend) -> None:
    """Those beside it are answered."""
    images = draw_pictures(1)
    prompts = list_prompts(list(images))[:3]
    prompts[1] = Prompt(
        case="long",
        image=prompts[1].image,
        question_type=prompts[1].question_type,
        text="odd " * 2_000,
    )
    replies = ask(backend, prompts, images)
    assert [type(reply) for reply in replies] == [Answer, ModelError, Answer]


def test_a_first_token_is_one_token(backend: Backend) -> None:
    """Latency measures it."""
    images = draw_pictures(1)
    (answer,) = begin(backend, list_prompts(list(images))[:1], images)
    assert isinstance(answer, Answer)
    assert (answer.tokens, answer.finish_reason) == (1, None)


def test_the_model_pocket_is_refused_in_a_sentence() -> None:
    """The LLaVA of vLLM takes no vision encoder such as pocket's; the sentence names an engine."""
    card = msgspec.structs.replace(find_card("pocket"), backend="vllm")
    with pytest.raises(CardError, match=r"vision config.*--engine=local"):
        load_model(card, LoadOptions()).__enter__()


def list_descendants(process: int) -> set[int]:
    """The processes that a process started, and those that they did."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found, new = set[int](), {process}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def is_alive(process: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in {"Z", "X"}


def wait_until_dead(processes: set[int], seconds: float = 60.0) -> set[int]:
    """The processes that are alive after so many seconds."""
    deadline = time.monotonic() + seconds
    while (alive := set(filter(is_alive, processes))) and time.monotonic() < deadline:
        time.sleep(0.5)
    return alive


class EndedRun:
    """A run in a process of its own, on an engine, ended by a signal after its first records."""

    def __init__(self, card: Card, folder: Path, *engine: str, sample: int = 20) -> None:
        self.folder = folder
        (folder / "random.toml").write_text(
            f'path = "{card.path}"\ndtype = "float32"\n'
            "[generation]\nmax_new_tokens = 48\nbatch_size = 4\n"
            "[options]\nenforce_eager = true\nmax_model_len = 1024\n",
            encoding="utf-8",
        )
        self.command = [sys.executable, "-m", "fakebench_suite", "run", "-n0", "--gates=none"]
        self.command += ["--model=random.toml", f"--sample={sample}"]
        self.command += engine or ["--engine=vllm"]
        self.variables = os.environ | ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).parents[2])}

    def start(self) -> subprocess.Popen[bytes]:
        """The run under way, once it has recorded something."""
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*self.command, "--run=run"],
                cwd=self.folder,
                env=self.variables,
                stdout=log,
                stderr=log,
            )
        records = self.folder / "reports" / "run" / "records.jsonl"
        while process.poll() is None and not (records.exists() and records.stat().st_size):
            time.sleep(0.2)
        return process

    def end(self, number: signal.Signals) -> tuple[int, set[int]]:
        """Start it and end it; its status, and the processes that it had started."""
        process = self.start()
        started = list_descendants(process.pid)
        process.send_signal(number)
        return process.wait(120), started

    def read_log(self) -> str:
        """What it printed."""
        return (self.folder / "log").read_text(encoding="utf-8")


def test_an_interrupted_run_leaves_no_process(card: Card, tmp_path: Path) -> None:
    """Its records are scored as partial, and vLLM's processes end with it."""
    status, started = EndedRun(card, tmp_path).end(signal.SIGINT)
    assert status == 2
    assert started
    assert wait_until_dead(started) == set()
    assert read_run(tmp_path).manifest["status"] == "interrupted"


def test_a_killed_run_leaves_no_process_and_is_resumed(card: Card, tmp_path: Path) -> None:
    """Its records stay; the engine ends with it, and a resumption asks what is missing."""
    ended = EndedRun(card, tmp_path)
    status, started = ended.end(signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert started
    assert wait_until_dead(started) == set()
    kept = len(read_run(tmp_path).records)
    assert kept > 0
    resumed = subprocess.run(
        [*ended.command, "--resume=reports/run"],
        cwd=tmp_path,
        env=ended.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert resumed.returncode == 0, resumed.stdout
    run = read_run(tmp_path)
    assert run.manifest["engine"] == {"name": "vllm"}
    assert run.manifest["identity"]["card"]["backend"] == "vllm"
    assert run.manifest["recorded"] == run.manifest["selected"] > kept
    assert [record for record in run.records if record["answer"] is None] == []
    details = run.manifest["inference"][-1]["details"]
    assert details["attention"] == ["CPU_ATTN"]
