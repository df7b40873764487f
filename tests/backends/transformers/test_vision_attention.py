"""Another attention for images: used where it agrees, and otherwise the model is as it was."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from fakebench_suite.backends.transformers import model, vision_attention
from fakebench_suite.backends.transformers.generation import GenerationOutput
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.backends.transformers.prefix_cache.selftest import max_logit_gap
from fakebench_suite.backends.transformers.vision_attention import (
    find_flash_attention,
    list_attention,
    try_vision_attention,
)
from fakebench_suite.checkpoints.linear_layers import prefers_onednn
from fakebench_suite.errors import CardError
from tests.backends.asking import ask
from tests.backends.transformers.architectures.checkpoints import save_checkpoint
from tests.backends.transformers.architectures.questions import (
    PICTURES,
    PROMPTS,
    load,
    read_answers,
    shrink_card,
)


def attend_to_nothing(*arguments: Any, **options: Any) -> tuple[torch.Tensor, None]:
    """Attention whose result is no number."""
    output, _ = sdpa_attention_forward(*arguments, **options)
    return torch.full_like(output, torch.nan), None


def refuse(*_: Any, **__: Any) -> tuple[torch.Tensor, None]:
    """Attention that has no kernel for anything."""
    raise RuntimeError("no kernel\nfor this head size")


@pytest.fixture(scope="module", autouse=True)
def _kernels() -> Iterator[None]:
    """Three implementations that transformers knows by their names."""
    kernels = {"agrees": sdpa_attention_forward, "differs": attend_to_nothing, "refuses": refuse}
    for name, kernel in kernels.items():
        AttentionInterface.register(name, kernel)
    yield
    for name in kernels:
        AttentionInterface._global_mapping.pop(name)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen3-VL."""
    return save_checkpoint("qwen3-vl", tmp_path_factory.mktemp("qwen3-vl"))


@pytest.fixture
def adapter(checkpoint: Path) -> TransformersBackend:
    """Its adapter."""
    return load(shrink_card("qwen3-vl", checkpoint))


def test_an_implementation_that_agrees_is_used_for_images_alone(
    adapter: TransformersBackend,
) -> None:
    """Text keeps sdpa, so prefixes are shared; answers are what they were."""
    expected = [answer.text for answer in read_answers(ask(adapter, PROMPTS, PICTURES))]
    trial = try_vision_attention(adapter._generator, adapter._encoder, "agrees")
    assert trial.used
    assert trial.why == "agrees is installed, and logits match sdpa."
    assert list_attention(adapter._model) == {"text": "sdpa", "vision": "agrees"}
    answers = read_answers(ask(adapter, PROMPTS, PICTURES))
    assert [answer.text for answer in answers] == expected
    assert adapter.route.shared
    assert adapter._encoder.rendered == {}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("differs", "With differs for images, logits differ by inf standard deviations."),
        ("refuses", "Images cannot be attended to by refuses (RuntimeError: no kernel)."),
        ("unknown", "Images cannot be attended to by unknown (ValueError: "),
    ],
)
def test_one_that_does_not_is_given_up(adapter: TransformersBackend, name: str, why: str) -> None:
    """The model answers as before, and the reason is one sentence."""
    expected = [answer.text for answer in read_answers(ask(adapter, PROMPTS, PICTURES))]
    trial = try_vision_attention(adapter._generator, adapter._encoder, name)
    assert not trial.used
    assert trial.why.startswith(why)
    assert "\n" not in trial.why
    assert list_attention(adapter._model) == {"text": "sdpa", "vision": "sdpa"}
    answers = read_answers(ask(adapter, PROMPTS, PICTURES))
    assert [answer.text for answer in answers] == expected


def test_one_that_transformers_refuses_in_a_warning_is_not_used(
    adapter: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logits would match those of the attention that stayed in force."""
    monkeypatch.setattr(adapter._model, "set_attn_implementation", lambda _: None)
    trial = try_vision_attention(adapter._generator, adapter._encoder, "agrees")
    assert not trial.used
    assert trial.why == "The image encoder does not support agrees."


def test_a_trial_after_which_nothing_works_ends_the_run(
    adapter: TransformersBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a sentence, for every case would be an error of the model."""
    generate, calls = vision_attention._generate, []

    def break_gpu(*arguments: Any) -> GenerationOutput:
        calls.append(arguments)
        if len(calls) > 1:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return generate(*arguments)

    monkeypatch.setattr(vision_attention, "_generate", break_gpu)
    with pytest.raises(CardError, match='Set attention = "sdpa" in a card'):
        try_vision_attention(adapter._generator, adapter._encoder, "agrees")
    assert list_attention(adapter._model) == {"text": "sdpa", "vision": "sdpa"}


def test_a_trial_is_in_the_manifest(
    adapter: TransformersBackend, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in force, and why; a card that names an attention has no trial."""
    assert adapter.describe().details == {
        "attention": {"text": "sdpa", "vision": "sdpa"},
        "linear_layers": "oneDNN" if prefers_onednn() else "PyTorch",
        "look_ahead": False,
    }
    monkeypatch.setattr(model, "find_flash_attention", lambda _: "refuses")
    details = load(shrink_card("qwen3-vl", checkpoint)).describe().details
    assert details["attention"] == {"text": "sdpa", "vision": "sdpa"}
    assert details["attention_reason"].startswith("Images cannot be attended to by refuses")


@pytest.mark.parametrize(
    ("device", "dtype", "installed", "found"),
    [
        ("cuda:0", torch.bfloat16, {2, 3}, "flash_attention_3"),
        ("cuda:0", torch.float16, {2}, "flash_attention_2"),
        ("cuda:0", torch.bfloat16, set(), None),
        ("cuda:0", torch.float32, {2, 3}, None),
        ("cpu", torch.bfloat16, {2, 3}, None),
    ],
)
def test_flash_attention_is_for_gpus_in_16_bits(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    dtype: torch.dtype,
    installed: set[int],
    found: str | None,
) -> None:
    """The newest that is installed."""
    for version in (2, 3):
        monkeypatch.setattr(
            vision_attention,
            f"is_flash_attn_{version}_available",
            lambda version=version: version in installed,
        )
    assert find_flash_attention(SimpleNamespace(device=torch.device(device), dtype=dtype)) == found


def test_a_logit_that_is_no_number_is_no_agreement() -> None:
    """Nor is one that is infinite; where it is so alone, too, nothing is compared."""

    def make(*logits: float) -> GenerationOutput:
        tokens, broken = torch.zeros(1, 1, dtype=torch.long), torch.zeros(1, 1, dtype=torch.bool)
        return GenerationOutput(tokens=tokens, logits=(torch.tensor([logits]),), broken=broken)

    nan, inf = float("nan"), float("inf")
    assert max_logit_gap(make(1.0, 2.0, 3.0), [make(1.0, 2.0, 3.0)]) == 0
    assert max_logit_gap(make(1.0, nan, 3.0), [make(1.0, 2.0, 3.0)]) == inf
    assert max_logit_gap(make(1.0, inf, 3.0), [make(1.0, 2.0, 3.0)]) == inf
    assert max_logit_gap(make(1.0, 2.0, 3.0, -inf), [make(1.0, 2.0, 3.0, -inf)]) == 0
