"""A random Qwen2-VL on disk, which the benchmarks of models ask."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a Qwen2-VL."""

    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    key_heads: int
    rope_sections: tuple[int, int, int]
    """Parts of half a head for time, height and width."""
    image_layers: int
    image_width: int
    image_heads: int
    vocabulary: int | None
    """Tokens of the model, many of which have no text; None for those that have one."""
    ties: bool = False
    """Whether the embedding of tokens reads them out, too."""


SMALL = Shape(
    hidden_size=384, intermediate_size=1_024, layers=8, heads=6, key_heads=2,
    rope_sections=(8, 12, 12), image_layers=4, image_width=320, image_heads=5, vocabulary=8_000,
)  # fmt: skip
"""26 million parameters in the usual proportions."""
TINY = Shape(
    hidden_size=32, intermediate_size=64, layers=2, heads=4, key_heads=2,
    rope_sections=(1, 1, 2), image_layers=1, image_width=32, image_heads=4, vocabulary=None,
)  # fmt: skip
"""As small as it can be, to see that a benchmark works."""
TWO_BILLION = Shape(
    hidden_size=1_536, intermediate_size=8_960, layers=28, heads=12, key_heads=2,
    rope_sections=(16, 24, 24), image_layers=32, image_width=1_280, image_heads=16,
    vocabulary=151_936, ties=True,
)  # fmt: skip
"""Qwen2-VL-2B's: 2.2 billion parameters."""


def save_model(
    folder: Path,
    questions: Iterable[str],
    *,
    vocabulary: int | None = 8_000,
    ends: bool = True,
) -> int:
    """A Qwen2-VL of SMALL's shape with random float32 weights; its number of parameters.

    As ``save_shape``; ``vocabulary`` takes the place of the shape's.
    """
    return save_shape(folder, questions, replace(SMALL, vocabulary=vocabulary), ends=ends)


def save_shape(
    folder: Path,
    questions: Iterable[str],
    shape: Shape,
    *,
    ends: bool = True,
    device: str = "cpu",
    dtype: str = "float32",
) -> int:
    """A Qwen2-VL of a shape with random weights; its number of parameters.

    The tokenizer knows the words of the questions, so that they are as long as they usually are.
    Without ``ends`` it never writes a special token, so that every reply goes on to its limit. The
    weights are drawn on ``device``: a GPU takes seconds for billions.
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
            "vocab_size": len(tokenizer) if shape.vocabulary is None else shape.vocabulary,
            "hidden_size": shape.hidden_size,
            "intermediate_size": shape.intermediate_size,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.key_heads,
            "bos_token_id": 0,
            "eos_token_id": 2,
            "pad_token_id": 0,
            "rope_parameters": {"rope_type": "default", "mrope_section": list(shape.rope_sections)},
        },
        vision_config={
            "depth": shape.image_layers,
            "embed_dim": shape.image_width,
            "hidden_size": shape.hidden_size,
            "num_heads": shape.image_heads,
            "patch_size": 14,
        },
        tie_word_embeddings=shape.ties,
        **describe_tokens(tokenizer),
    )
    with torch.device(device):
        model: Any = tf.Qwen2VLForConditionalGeneration._from_config(
            config, dtype=getattr(torch, dtype)
        )
    # Wider than at birth, as much as the sum over a layer's inputs bears: answers depend on picture
    # and question.
    gain = 4 * (SMALL.hidden_size / shape.hidden_size) ** 0.5
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(gain)
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
