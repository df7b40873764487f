"""What only a GPU shows: claims, precision, memory that runs out, and look-ahead.

Without a GPU these tests are skipped; ``benchmarks/gpu.sh`` runs them where there is one.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from benchmarks.checkpoint import save_model
from benchmarks.pictures import draw_pictures
from benchmarks.questions import list_prompts
from fakebench_suite.backends.cards import Card, Generation, find_card
from fakebench_suite.backends.gpu_detection import has_gpu, is_on_gpu
from fakebench_suite.backends.transformers.devices import (
    claim_device,
    claim_gpus,
    count_gpus,
    describe_device,
    list_gpu_names,
)
from fakebench_suite.backends.transformers.inputs import collate, encode_prompt
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.backends.transformers.prefix_cache.decode import generate_after_prefix
from fakebench_suite.backends.transformers.vision_attention import find_flash_attention
from fakebench_suite.errors import EngineError
from tests.backends.asking import ask, weigh
from tests.backends.transformers.architectures.checkpoints import MAKERS, save_checkpoint
from tests.backends.transformers.architectures.questions import (
    PICTURES,
    PROMPTS,
    load,
    read_answers,
    shrink_card,
)

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here"),
]
GPU = "cuda:0"
IMAGES = draw_pictures(12)
QUESTIONS = list_prompts(list(IMAGES))


def load_on_gpu(card: Card, **options: Any) -> TransformersBackend:
    """The adapter of a card with a path."""
    return TransformersBackend(card, Path(str(card.path)), device=GPU, remote_code=False, **options)


def list_texts(adapter: TransformersBackend, prompts: Sequence[Any], images: Any) -> list[str]:
    """What the model says to each prompt."""
    return [answer.text for answer in read_answers(ask(adapter, prompts, images))]


@pytest.fixture(scope="module")
def find_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Tiny checkpoints by the name of their card."""
    return lambda name: save_checkpoint(name, tmp_path_factory.mktemp(name))


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> Card:
    """A card over a Qwen2-VL of 26 million parameters, whose batches take hundreds of megabytes."""
    folder = tmp_path_factory.mktemp("medium")
    save_model(folder, [prompt.text for prompt in QUESTIONS], ends=False)
    return Card(
        name="medium", path=str(folder), dtype="float32", generation=Generation(max_new_tokens=12)
    )


@pytest.fixture
def _own_memory() -> Iterator[None]:
    """Let a test take part of the GPU's memory away."""
    torch.cuda.empty_cache()
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def test_the_driver_and_torch_agree() -> None:
    """Work units are cut for a GPU where models are loaded on one."""
    assert has_gpu()
    assert is_on_gpu(find_card("pocket"))
    assert describe_device(GPU) == torch.cuda.get_device_name(0)


def test_every_gpu_is_claimed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One worker more than there are GPUs is refused in a sentence, until one is released."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    count = count_gpus()
    claimed = [claim_device(count) for _ in range(count)]
    assert [device.device for device in claimed] == [f"cuda:{index}" for index in range(count)]
    with pytest.raises(EngineError, match="claimed by other workers"):
        claim_device(count + 1)
    claimed[0].claim.close()
    names, claim = claim_gpus(1)
    assert names == list_gpu_names()[0]
    claim.close()


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_float32_answers_as_a_cpu_does(name: str, find_checkpoint: Callable[[str], Path]) -> None:
    """Every architecture, by prefixes or in plain batches, looking ahead."""
    card = shrink_card(name, find_checkpoint(name))
    on_gpu, on_cpu = load_on_gpu(card), load(card)
    assert list_texts(on_gpu, PROMPTS, PICTURES) == list_texts(on_cpu, PROMPTS, PICTURES)
    info = on_gpu.describe()
    assert info.details["look_ahead"] is True
    assert info.device == torch.cuda.get_device_name(0)
    assert info.path == on_cpu.describe().path


def test_a_shared_prefix_answers_as_prompts_alone_do(medium: Card) -> None:
    """In float32, with the batches that memory allows; the route says so."""
    adapter = load_on_gpu(medium)
    together = list_texts(adapter, QUESTIONS, IMAGES)
    assert adapter.route.prefix
    assert adapter.route.shared
    assert adapter.route.mixes
    singles = [list_texts(adapter, [prompt], IMAGES)[0] for prompt in QUESTIONS[:42]]
    assert together[:42] == singles
    assert len(set(together)) > 10


def test_bfloat16_shares_prefixes_and_repeats_itself(medium: Card) -> None:
    """Each prompt is answered, equally in two loads with equal batches, looking ahead or not."""
    card = msgspec.structs.replace(medium, dtype="bfloat16")
    texts, probabilities = [], []
    for looks_ahead in (True, True, False):
        adapter = load_on_gpu(card)
        assert adapter._questioner.looks_ahead
        adapter._questioner.looks_ahead = looks_ahead
        texts.append(list_texts(adapter, QUESTIONS, IMAGES))
        assert adapter.route.prefix
        weighed = read_answers(weigh(adapter, QUESTIONS[::14], IMAGES))
        probabilities.append([reply.p_fake for reply in weighed])
    assert texts[0] == texts[1] == texts[2]
    assert probabilities[0] == probabilities[1]
    assert all(p is not None and 0 < p < 1 for p in probabilities[0])


@pytest.mark.parametrize("prefix", [True, False])
def test_the_gpu_is_waited_for_by_transformers_alone(medium: Card, prefix: bool) -> None:
    """Between two tokens: whether all rows have ended, and whether the mask hides anything."""
    adapter = load_on_gpu(medium)
    generator, pad = adapter._generator, adapter._questioner._pad_token_id
    rows = [encode_prompt(adapter._encoder, prompt, IMAGES) for prompt in QUESTIONS[:4]]
    waits = []
    for steps in (2, 4, 12):  # The first warms up.
        with torch.inference_mode(), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                if prefix:
                    generate_after_prefix(
                        generator, [rows], pad_token_id=pad, share=True, steps=steps
                    )
                else:
                    generator.generate(generator.to_device(collate(rows, pad)), steps=steps)
            finally:
                torch.cuda.set_sync_debug_mode("default")
        waits.append(sum("synchronizing CUDA" in str(warning.message) for warning in caught))
    assert 0 < waits[2] - waits[1] <= 3 * 8


def test_inputs_are_copied_from_pinned_memory(medium: Card) -> None:
    """Before the model needs them, in its precision."""
    adapter = load_on_gpu(msgspec.structs.replace(medium, dtype="bfloat16"))
    staged = adapter._generator.stage(adapter._encoder.encode(QUESTIONS[:1], IMAGES))
    assert all(value.is_pinned() and value.device.type == "cpu" for value in staged.values())
    assert staged["pixel_values"].dtype == torch.bfloat16
    moved = adapter._generator.to_device(staged)
    for name, value in staged.items():
        assert moved[name].device.type == "cuda"
        assert torch.equal(moved[name].cpu(), value)


@pytest.mark.usefixtures("_own_memory")
def test_memory_that_runs_out_costs_no_prompt(medium: Card) -> None:
    """With a third of the memory that its batch takes, the model answers the same in parts."""
    adapter = load_on_gpu(medium)
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    expected = list_texts(adapter, QUESTIONS, IMAGES)
    needed = torch.cuda.max_memory_allocated() - before
    tokens = adapter.describe().batch_tokens
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((before + needed / 3) / total)
    assert list_texts(adapter, QUESTIONS, IMAGES) == expected
    reduced = adapter.describe().batch_tokens
    assert tokens is not None
    assert reduced is not None
    assert reduced < tokens
    torch.cuda.set_per_process_memory_fraction(1.0)
    sizes = [answer.batch_size for answer in read_answers(ask(adapter, QUESTIONS, IMAGES))]
    assert max(sizes) < len(QUESTIONS)


def test_the_attention_in_force_is_told(medium: Card) -> None:
    """FlashAttention for images where it is installed and agrees; sdpa for text in any case."""
    adapter = load_on_gpu(msgspec.structs.replace(medium, dtype="bfloat16"))
    details, flash = adapter.describe().details, find_flash_attention(adapter._model)
    assert details["attention"]["text"] == "sdpa"
    assert ("attention_reason" in details) == (flash is not None)
    assert details["attention"]["vision"] in {"sdpa", flash}
