"""Tiny checkpoints that put image features in place of image tokens: LLaVA, InternVL, Gemma."""

from typing import Any

import transformers as tf

from tests.backends.transformers.architectures.templates import (
    GEMMA3,
    INTERNVL,
    LLAVA,
    LLAVA_ONEVISION,
)
from tests.backends.transformers.architectures.vocabulary import find_id, make_tokenizer

_LANGUAGE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
_VISION: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
_SQUARE = {"height": 32, "width": 32}


def _stops(tokenizer: Any) -> dict[str, Any]:
    """Vocabulary and stop tokens of a language model over this tokenizer."""
    return {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def make_llava() -> tuple[Any, Any]:
    """A CLIP tower before a Llama; the tokenizer writes the beginning of sequence."""
    tokenizer = make_tokenizer(
        ["<unk>", "<s>", "</s>", "<image>", "<pad>"],
        bos="<s>",
        eos="</s>",
        pad="<pad>",
        writes_bos=True,
    )
    config = tf.LlavaConfig(
        text_config={"model_type": "llama", **_LANGUAGE, **_stops(tokenizer)},
        vision_config={"model_type": "clip_vision_model", "projection_dim": 32, **_VISION},
        image_token_index=find_id(tokenizer, "<image>"),
        image_seq_length=16,
    )
    processor = tf.LlavaProcessor(
        image_processor=tf.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=_SQUARE),
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA,
    )
    return tf.LlavaForConditionalGeneration(config), processor


def make_llava_onevision() -> tuple[Any, Any]:
    """Pictures cut into as many tiles as their shape asks for, before a Qwen2."""
    tokenizer = make_tokenizer(
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>"],
        eos="<|im_end|>",
        pad="<|endoftext|>",
    )
    grid = [[32, 32], [32, 64], [64, 32], [64, 64]]
    config = tf.LlavaOnevisionConfig(
        text_config={"model_type": "qwen2", **_LANGUAGE, **_stops(tokenizer)},
        vision_config={
            "model_type": "siglip_vision_model",
            "vision_use_head": False,
            **_VISION,
        },
        image_token_index=find_id(tokenizer, "<image>"),
        video_token_index=find_id(tokenizer, "<video>"),
        image_grid_pinpoints=grid,
    )
    processor = tf.LlavaOnevisionProcessor(
        image_processor=tf.LlavaOnevisionImageProcessor(size=_SQUARE, image_grid_pinpoints=grid),
        tokenizer=tokenizer,
        video_processor=tf.LlavaOnevisionVideoProcessor(size=_SQUARE),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=LLAVA_ONEVISION,
    )
    return tf.LlavaOnevisionForConditionalGeneration(config), processor


def make_internvl() -> tuple[Any, Any]:
    """Pictures cut into square crops, before a Qwen2."""
    named_tokens = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    tokenizer = make_tokenizer(
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        eos="<|im_end|>",
        pad="<|endoftext|>",
        named=named_tokens,
    )
    config = tf.InternVLConfig(
        text_config={"model_type": "qwen2", **_LANGUAGE, **_stops(tokenizer)},
        vision_config=_VISION | {"image_size": [32, 32], "patch_size": [8, 8]},
        image_token_id=find_id(tokenizer, "<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    processor = tf.InternVLProcessor(
        image_processor=tf.GotOcr2ImageProcessor(size=_SQUARE, min_patches=1, max_patches=4),
        tokenizer=tokenizer,
        video_processor=tf.InternVLVideoProcessor(size=_SQUARE),
        image_seq_length=4,
        chat_template=INTERNVL,
    )
    return tf.InternVLForConditionalGeneration(config), processor


def make_gemma3() -> tuple[Any, Any]:
    """Image tokens see each other both ways, and every other layer sees a short window only."""
    named_tokens = {
        "boi_token": "<start_of_image>",
        "eoi_token": "<end_of_image>",
        "image_token": "<image_soft_token>",
    }
    tokenizer = make_tokenizer(
        ["<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"],
        bos="<bos>",
        eos="<eos>",
        pad="<pad>",
        named=named_tokens,
        writes_bos=True,
    )
    config = tf.Gemma3Config(
        text_config=_LANGUAGE
        | _stops(tokenizer)
        | {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}
        | {"tie_word_embeddings": False},
        vision_config={"vision_use_head": False, **_VISION},
        mm_tokens_per_image=4,
        tie_word_embeddings=False,  # Tied random embeddings would repeat the last token for ever.
        boi_token_index=find_id(tokenizer, "<start_of_image>"),
        eoi_token_index=find_id(tokenizer, "<end_of_image>"),
        image_token_index=find_id(tokenizer, "<image_soft_token>"),
    )
    processor = tf.Gemma3Processor(
        image_processor=tf.Gemma3ImageProcessor(size=_SQUARE),
        tokenizer=tokenizer,
        image_seq_length=4,
        chat_template=GEMMA3,
    )
    return tf.Gemma3ForConditionalGeneration(config), processor


def make_paligemma() -> tuple[Any, Any]:
    """The whole prompt is seen both ways, and there is no chat template."""
    tokenizer = make_tokenizer(["<pad>", "<eos>", "<bos>"], bos="<bos>", eos="<eos>", pad="<pad>")
    image_processor: Any = tf.SiglipImageProcessor(size=_SQUARE)
    image_processor.image_seq_length = 16
    processor = tf.PaliGemmaProcessor(image_processor=image_processor, tokenizer=tokenizer)
    config = tf.PaliGemmaConfig(
        text_config={"model_type": "gemma", **_LANGUAGE, **_stops(tokenizer)},
        vision_config={
            "model_type": "siglip_vision_model",
            "vision_use_head": False,
            "projection_dim": 32,
            **_VISION,
        },
        image_token_index=find_id(tokenizer, "<image>"),
        projection_dim=32,
        hidden_size=32,
    )
    return tf.PaliGemmaForConditionalGeneration(config), processor
