"""A random Qwen2-VL on disk, which the benchmarks of models ask."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import transformers as tf

from tests.backends.transformers.architectures.qwen import describe_tokens
from tests.backends.transformers.architectures.vocabulary import make_tokenizer

TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message.role != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}"
    "{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Says what Qwen2-VL's own template says: a system prompt comes first in any case."""


def save_model(
    folder: Path,
    questions: Iterable[str],
    *,
    vocabulary: int | None = 8_000,
    ends: bool = True,
) -> int:
    """A Qwen2-VL of the usual proportions with random float32 weights; its number of parameters.

    The tokenizer knows the words of the questions, so that they are as long as they usually are.
    ``vocabulary`` counts the tokens of the model, many of which have no text; None for those that
    have one. Without ``ends`` it never writes a special token, so that every reply goes on to its
    limit.
    """
    torch.manual_seed(0)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>"]
    special += ["<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer: Any = make_tokenizer(special, eos="<|im_end|>", pad="<|endoftext|>")
    texts = [
        f"system\nYou are a helpful assistant. user\n{question} assistant\n"
        for question in questions
    ]
    tokenizer = tokenizer.train_new_from_iterator(texts, 2_000, show_progress=False)
    # As Qwen2-VL's, and saved: lmms-eval pads where the tokenizer says.
    tokenizer.padding_side = tokenizer.init_kwargs["padding_side"] = "left"
    config = tf.Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer) if vocabulary is None else vocabulary,
            "hidden_size": 384,
            "intermediate_size": 1_024,
            "num_hidden_layers": 8,
            "num_attention_heads": 6,
            "num_key_value_heads": 2,
            "bos_token_id": 0,
            "eos_token_id": 2,
            "pad_token_id": 0,
            "rope_parameters": {"rope_type": "default", "mrope_section": [8, 12, 12]},
        },
        vision_config={
            "depth": 4,
            "embed_dim": 320,
            "hidden_size": 384,
            "num_heads": 5,
            "patch_size": 14,
        },
        **describe_tokens(tokenizer),
    )
    model = tf.Qwen2VLForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)  # Wider than at birth: answers depend on picture and question.
        if not ends:  # Their logits are 0, where the largest of thousands is far above.
            model.lm_head.weight[tokenizer.all_special_ids] = 0
    processor: Any = tf.Qwen2VLProcessor(
        image_processor=tf.Qwen2VLImageProcessor(patch_size=14),
        tokenizer=tokenizer,
        video_processor=tf.Qwen2VLVideoProcessor(patch_size=14),
        chat_template=TEMPLATE,
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return int(model.num_parameters())
