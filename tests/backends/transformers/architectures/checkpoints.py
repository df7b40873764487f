"""Tiny, randomly initialised checkpoints, saved as their families are published."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.backends.transformers.architectures import cross_attention, linear_attention, llava, qwen

MAKERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "qwen-vl": qwen.make_qwen3_vl,
    "qwen2-vl": qwen.make_qwen2_vl,
    "qwen2.5-vl": qwen.make_qwen2_5_vl,
    "qwen3-vl": qwen.make_qwen3_vl,
    "qwen3.5": linear_attention.make_qwen3_5,
    "llava-1.5": llava.make_llava,
    "llava-onevision": llava.make_llava_onevision,
    "internvl": llava.make_internvl,
    "minicpm-v": linear_attention.make_minicpm_v,
    "smolvlm": cross_attention.make_smolvlm,
    "idefics": cross_attention.make_idefics,
    "instructblip": cross_attention.make_instructblip,
    "kosmos-2": cross_attention.make_kosmos2,
    "gemma-3": llava.make_gemma3,
    "paligemma": llava.make_paligemma,
    "llama-3.2-vision": cross_attention.make_llama_vision,
}
"""Model and processor of each shipped card, by the card's name."""


def save_checkpoint(name: str, folder: Path) -> Path:
    """A checkpoint for the card ``name`` in ``folder``; the same weights at every call.

    The weights are spread wider than a fresh initialisation and gates that start shut are
    opened, so that answers depend on the picture, the question and every position: a mask or a
    position that is wrong shows.
    """
    torch.manual_seed(8)
    model, processor = MAKERS[name]()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1 or not parameter.any():
                parameter.normal_(std=0.3)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
