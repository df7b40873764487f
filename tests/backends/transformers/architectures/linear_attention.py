"""Tiny checkpoints whose language model mixes linear and full attention: Qwen3.5, MiniCPM-V."""

from typing import Any

import transformers as tf

from tests.backends.transformers.architectures.templates import MINICPM, QWEN3_5
from tests.backends.transformers.architectures.vocabulary import find_id, make_tokenizer

_LANGUAGE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "layer_types": ["linear_attention", "full_attention"] * 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_interleaved": True,
        "mrope_section": [2, 1, 1],
        "partial_rotary_factor": 1.0,
    },
}
_TURNS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]


def make_qwen3_5() -> tuple[Any, Any]:
    """Qwen3-VL's pictures; its template thinks aloud unless told not to."""
    vision_tokens = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer = make_tokenizer([*_TURNS, *vision_tokens], eos="<|im_end|>", pad="<|endoftext|>")
    config = tf.Qwen3_5Config(
        text_config=_LANGUAGE | {"vocab_size": len(tokenizer)},
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 32,
            "num_position_embeddings": 16,
        },
        vision_start_token_id=find_id(tokenizer, "<|vision_start|>"),
        vision_end_token_id=find_id(tokenizer, "<|vision_end|>"),
        image_token_id=find_id(tokenizer, "<|image_pad|>"),
        video_token_id=find_id(tokenizer, "<|video_pad|>"),
    )
    settings: dict[str, Any] = {
        "patch_size": 16,
        "size": {"shortest_edge": 32 * 32, "longest_edge": 64 * 64},
    }
    processor = tf.Qwen3VLProcessor(
        image_processor=tf.Qwen2VLImageProcessor(**settings),
        tokenizer=tokenizer,
        video_processor=tf.Qwen3VLVideoProcessor(**settings),
        chat_template=QWEN3_5,
    )
    return tf.Qwen3_5ForConditionalGeneration(config), processor


def make_minicpm_v() -> tuple[Any, Any]:
    """Pictures of any shape packed into one row of patches, sliced where they are large."""
    named_tokens = {
        "image_token": "<|image_pad|>",
        "video_token": "<|video_pad|>",
        "image_start_token": "<image>",
        "image_end_token": "</image>",
        "slice_start_token": "<slice>",
        "slice_end_token": "</slice>",
        "image_id_start_token": "<image_id>",
        "image_id_end_token": "</image_id>",
    }
    tokenizer = make_tokenizer(_TURNS, eos="<|im_end|>", pad="<|endoftext|>", named=named_tokens)
    config = tf.MiniCPMV4_6Config(
        text_config=_LANGUAGE | {"model_type": "qwen3_5_text", "vocab_size": len(tokenizer)},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 8,
        },
        insert_layer_id=0,
        image_size=32,
        image_token_id=find_id(tokenizer, "<|image_pad|>"),
        video_token_id=find_id(tokenizer, "<|video_pad|>"),
    )
    settings: dict[str, Any] = {"scale_resolution": 32, "patch_size": 8, "max_slice_nums": 4}
    processor = tf.MiniCPMV4_6Processor(
        image_processor=tf.MiniCPMV4_6ImageProcessor(**settings),
        video_processor=tf.MiniCPMV4_6VideoProcessor(**settings),
        tokenizer=tokenizer,
        chat_template=MINICPM,
    )
    return tf.MiniCPMV4_6ForConditionalGeneration(config), processor
