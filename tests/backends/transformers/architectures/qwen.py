"""Tiny checkpoints of the Qwen-VL generations."""

from typing import Any

import transformers as tf

from tests.backends.transformers.architectures.templates import QWEN
from tests.backends.transformers.architectures.vocabulary import make_tokenizer

_SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
_LANGUAGE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
_SIZE = {"shortest_edge": 32 * 32, "longest_edge": 64 * 64}


def _tokenizer() -> Any:
    return make_tokenizer(_SPECIAL, eos="<|im_end|>", pad="<|endoftext|>")


def describe_tokens(tokenizer: Any) -> dict[str, Any]:
    """What a Qwen-VL config says of its tokens."""
    names = {
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
    }
    return {name: tokenizer.convert_tokens_to_ids(token) for name, token in names.items()}


def _processor(kind: Any, video: Any, tokenizer: Any, patch: int) -> Any:
    settings: dict[str, Any] = {"patch_size": patch, "size": _SIZE}
    return kind(
        image_processor=tf.Qwen2VLImageProcessor(**settings),
        tokenizer=tokenizer,
        video_processor=video(**settings),
        chat_template=QWEN,
    )


def make_qwen2_vl() -> tuple[Any, Any]:
    """Rotary positions in three axes over time, height and width."""
    tokenizer = _tokenizer()
    config = tf.Qwen2VLConfig(
        text_config=_LANGUAGE
        | {
            "vocab_size": len(tokenizer),
            "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]},
        },
        vision_config={
            "depth": 2,
            "embed_dim": 32,
            "hidden_size": 32,
            "num_heads": 2,
            "patch_size": 14,
        },
        **describe_tokens(tokenizer),
    )
    processor = _processor(tf.Qwen2VLProcessor, tf.Qwen2VLVideoProcessor, tokenizer, 14)
    return tf.Qwen2VLForConditionalGeneration(config), processor


def make_qwen2_5_vl() -> tuple[Any, Any]:
    """Windowed attention in the vision tower."""
    tokenizer = _tokenizer()
    config = tf.Qwen2_5_VLConfig(
        text_config=_LANGUAGE
        | {
            "vocab_size": len(tokenizer),
            "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]},
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 32,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        **describe_tokens(tokenizer),
    )
    processor = _processor(tf.Qwen2_5_VLProcessor, tf.Qwen2VLVideoProcessor, tokenizer, 14)
    return tf.Qwen2_5_VLForConditionalGeneration(config), processor


def make_qwen3_vl() -> tuple[Any, Any]:
    """Interleaved rotary positions, and vision features added in several layers."""
    tokenizer = _tokenizer()
    config = tf.Qwen3VLConfig(
        text_config=_LANGUAGE
        | {
            "vocab_size": len(tokenizer),
            "head_dim": 8,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_interleaved": True,
                "mrope_section": [2, 1, 1],
            },
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 32,
            "num_position_embeddings": 16,
            "deepstack_visual_indexes": [0, 1],
        },
        **describe_tokens(tokenizer),
    )
    processor = _processor(tf.Qwen3VLProcessor, tf.Qwen3VLVideoProcessor, tokenizer, 16)
    return tf.Qwen3VLForConditionalGeneration(config), processor
