"""Attention of the image encoder: FlashAttention where it is installed, runs and agrees with sdpa.

Text keeps sdpa, with which rows share a prefix. transformers alone would choose sdpa for both.
"""

from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from transformers.utils.import_utils import is_flash_attn_2_available, is_flash_attn_3_available

from fakebench_suite.backends.transformers.generation import GenerationOutput, GreedyGenerator
from fakebench_suite.backends.transformers.inputs import collate, encode_prompt
from fakebench_suite.backends.transformers.prefix_cache.selftest import (
    MAX_LOGIT_GAP,
    max_logit_gap,
)
from fakebench_suite.backends.transformers.processor import Encoder
from fakebench_suite.errors import CardError
from fakebench_suite.types import Prompt, QuestionType

_PART = "vision_config"
"""Name of the image encoder's part of a configuration, in all architectures that have one."""
_TRIAL_SIDE = 112
"""Side in pixels of the trial's image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionTrial:
    """What became of another implementation of attention for images."""

    used: bool
    why: str
    """The reason, in one sentence."""


def find_flash_attention(model: Any) -> str | None:
    """Return the newest installed FlashAttention that fits the model's device and precision.

    It has kernels for GPUs and 16 bits only.
    """
    if model.device.type != "cuda" or model.dtype not in (torch.float16, torch.bfloat16):
        return None
    if is_flash_attn_3_available():
        return "flash_attention_3"
    return "flash_attention_2" if is_flash_attn_2_available() else None


def try_vision_attention(generator: GreedyGenerator, encoder: Encoder, name: str) -> AttentionTrial:
    """Use another implementation for images if the first token's logits stay what they are.

    ``name`` is transformers'. Logits may differ by MAX_LOGIT_GAP, as for shared prefixes. Whatever
    fails, the model is left as it was. Raises CardError where it does not answer any more after
    that.
    """
    model = generator.model
    part = getattr(model.config, _PART, None)
    if part is None:
        return AttentionTrial(used=False, why="The model has no image encoder of its own.")
    before: Any = getattr(part, "_attn_implementation", None)
    if before is None:
        return AttentionTrial(used=False, why="The image encoder has no choice of attention.")
    try:
        expected = _generate(generator, encoder)
        model.set_attn_implementation({_PART: name})
        if part._attn_implementation != name:  # transformers has warned, and nothing more.
            return AttentionTrial(used=False, why=f"The image encoder does not support {name}.")
        gap = max_logit_gap(_generate(generator, encoder), [expected])
    except Exception as error:  # A kernel may refuse a model in any way.
        message = str(error).partition("\n")[0]
        why = f"Images cannot be attended to by {name} ({type(error).__name__}: {message})."
    else:
        if gap <= MAX_LOGIT_GAP:
            return AttentionTrial(used=True, why=f"{name} is installed, and logits match {before}.")
        why = f"With {name} for images, logits differ by {gap:.2g} standard deviations."
    model.set_attn_implementation({_PART: before})
    try:
        _generate(generator, encoder)
    except Exception as error:  # After an illegal access of memory every call of the GPU fails.
        raise CardError(
            f"The trial of {name} for images has broken the GPU for this process. Set attention = "
            f'"{before}" in a card of the model, so that it is not tried.'
        ) from error
    return AttentionTrial(used=False, why=why)


@torch.inference_mode()
def _generate(generator: GreedyGenerator, encoder: Encoder) -> GenerationOutput:
    """Generate one token about a small image."""
    image = Image.linear_gradient("L").resize((_TRIAL_SIDE, _TRIAL_SIDE)).convert("RGB")
    prompt = Prompt(case="", image="", question_type=QuestionType.WHAT, text="What is this?")
    row = encode_prompt(encoder, prompt, {"": image})
    encoder.clear()
    inputs = generator.to_device(collate([row], generator.settings.pad_token_id))
    return generator.generate(inputs, steps=1, logits=True)


def list_attention(model: Any) -> dict[str, str]:
    """Return the implementations of attention in force by part: ``text``, ``vision``, others."""
    parts = {
        name.removesuffix("_config"): getattr(model.config, name)
        for name in model.config.sub_configs
        if getattr(model.config, name, None) is not None
    } or {"text": model.config}
    return {name: str(part._attn_implementation) for name, part in sorted(parts.items())}
