"""Tiny checkpoints that attend to image features or resample them: IDEFICS, BLIP, Kosmos, Llama."""

from typing import Any

import transformers as tf

from tests.backends.transformers.architectures.templates import LLAMA3, SMOLVLM
from tests.backends.transformers.architectures.vocabulary import find_id, make_tokenizer

_LANGUAGE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
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


def make_smolvlm() -> tuple[Any, Any]:
    """Pictures cut into rows and columns of crops, with a token for each place."""
    position_tokens = [f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)]
    tokenizer = make_tokenizer(
        ["<|endoftext|>", "<|im_start|>", "<end_of_utterance>", *position_tokens],
        bos="<|im_start|>",
        eos="<end_of_utterance>",
        pad="<|endoftext|>",
        named={
            "image_token": "<image>",
            "fake_image_token": "<fake_token_around_image>",
            "global_image_token": "<global-img>",
            "end_of_utterance_token": "<end_of_utterance>",
            "video_token": "<video>",
        },
    )
    config: Any = tf.SmolVLMConfig(
        text_config={
            "model_type": "llama",
            **_LANGUAGE,
            "vocab_size": len(tokenizer),
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
        },
        vision_config=_VISION,
        image_token_id=find_id(tokenizer, "<image>"),
    )
    config.pad_token_id = 0
    sizes: dict[str, Any] = {"size": {"longest_edge": 64}, "max_image_size": {"longest_edge": 32}}
    processor = tf.SmolVLMProcessor(
        image_processor=tf.SmolVLMImageProcessor(**sizes),
        tokenizer=tokenizer,
        video_processor=tf.SmolVLMVideoProcessor(**sizes),
        image_seq_len=4,
        chat_template=SMOLVLM,
    )
    return tf.SmolVLMForConditionalGeneration(config), processor


def make_idefics() -> tuple[Any, Any]:
    """Gated cross attention from text to picture; no chat template, text and picture in a list."""
    added_tokens = ["<fake_token_around_image>", "<image>", "<end_of_utterance>"]
    tokenizer = make_tokenizer(
        ["<unk>", "<s>", "</s>"],
        bos="<s>",
        eos="</s>",
        pad="<unk>",
    )
    vocabulary = len(tokenizer)
    tokenizer.add_tokens(added_tokens, special_tokens=True)
    config = tf.IdeficsConfig(
        **_LANGUAGE,
        vocab_size=vocabulary,
        additional_vocab_size=len(added_tokens),
        cross_layer_interval=1,
        alpha_initializer="ones",
        use_resampler=True,
        vision_config={
            "embed_dim": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
        },
        perceiver_config={
            "use_resampler": True,
            "resampler_n_latents": 4,
            "resampler_depth": 1,
            "resampler_n_heads": 2,
            "resampler_head_dim": 8,
        },
    )
    processor = tf.IdeficsProcessor(tf.IdeficsImageProcessor(image_size=32), tokenizer)
    return tf.IdeficsForVisionText2Text(config), processor


def make_llama_vision() -> tuple[Any, Any]:
    """Cross attention in chosen layers only, over tiles of the picture."""
    tokenizer = make_tokenizer(
        [
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eot_id|>",
            "<|python_tag|>",
            "<|finetune_right_pad_id|>",
        ],
        bos="<|begin_of_text|>",
        eos="<|eot_id|>",
        pad="<|finetune_right_pad_id|>",
        writes_bos=True,
    )
    vocabulary = len(tokenizer)
    tokenizer.add_tokens(["<|image|>"], special_tokens=True)  # The id after the last output row.
    config = tf.MllamaConfig(
        text_config={
            **_LANGUAGE,
            "num_hidden_layers": 3,
            "cross_attention_layers": [1],
            "vocab_size": vocabulary,
            "bos_token_id": 0,
            "eos_token_id": 4,
            "pad_token_id": 6,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_global_layers": 1,
            "attention_heads": 2,
            "image_size": 32,
            "patch_size": 8,
            "vision_output_dim": 64,
            "intermediate_layers_indices": [1],
            "supported_aspect_ratios": [
                [rows, columns]
                for rows in range(1, 5)
                for columns in range(1, 5)
                if rows * columns <= 4
            ],
        },
        image_token_index=vocabulary,
    )
    processor = tf.MllamaProcessor(
        tf.MllamaImageProcessor(size=_SQUARE, max_image_tiles=4),
        tokenizer,
        chat_template=LLAMA3,
    )
    return tf.MllamaForConditionalGeneration(config), processor


def make_instructblip() -> tuple[Any, Any]:
    """A Q-Former that reads the question too, before a Llama; no chat template."""
    tokenizer = make_tokenizer(
        ["<unk>", "<s>", "</s>"], bos="<s>", eos="</s>", pad="<unk>", writes_bos=True
    )
    questions = make_tokenizer(["[PAD]", "[CLS]", "[SEP]"], bos="[CLS]", eos="[SEP]", pad="[PAD]")
    processor = tf.InstructBlipProcessor(
        image_processor=tf.BlipImageProcessor(size=_SQUARE),
        tokenizer=tokenizer,
        qformer_tokenizer=questions,
        num_query_tokens=4,
    )
    config = tf.InstructBlipConfig(
        text_config={
            "model_type": "llama",
            **_LANGUAGE,
            "vocab_size": len(tokenizer),
            "pad_token_id": 0,
        },
        vision_config=_VISION,
        qformer_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "encoder_hidden_size": 32,
            "vocab_size": len(questions),
        },
        num_query_tokens=4,
        image_token_index=find_id(tokenizer, "<image>"),
    )
    return tf.InstructBlipForConditionalGeneration(config), processor


def make_kosmos2() -> tuple[Any, Any]:
    """Sinusoidal positions counted from the tokens that are not padding; no chat template."""
    tokenizer = make_tokenizer(
        ["<s>", "<pad>", "</s>", "<unk>", *[f"<image_{index}>" for index in range(64)]],
        bos="<s>",
        eos="</s>",
        pad="<pad>",
        unk="<unk>",
    )
    processor = tf.Kosmos2Processor(
        tf.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=_SQUARE), tokenizer, 4
    )
    config = tf.Kosmos2Config(
        text_config={
            "vocab_size": len(tokenizer),
            "embed_dim": 32,
            "ffn_dim": 64,
            "layers": 2,
            "attention_heads": 4,
            "tie_word_embeddings": False,
        },
        vision_config=_VISION,
        latent_query_num=64,
        tie_word_embeddings=False,
    )
    return tf.Kosmos2ForConditionalGeneration(config), processor
