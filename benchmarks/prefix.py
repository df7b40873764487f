"""Answering all FakeQA questions about an image after one encoding of it, against the other ways.

``python benchmarks/prefix.py [IMAGES]`` (default 6) asks a random Qwen2-VL of 27 million parameters
14 questions about each image of 448 x 448, 16 new tokens each, greedily, on one thread: one by one,
in plain batches of up to 16, and by the prefix path. It prints milliseconds per prompt, how many
answers equal those of single prompts in float32 and in bfloat16, and ends with lines
``ratio NAME VALUE``.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as tf
from PIL import Image
from rich.console import Console
from rich.table import Table

from fakebench_suite.adapters.cards import Card, Generation
from fakebench_suite.adapters.huggingface import HuggingFaceAdapter
from fakebench_suite.adapters.trial import Route
from fakebench_suite.criteria import CRITERIA
from fakebench_suite.prompts import analysis_question, build_prompt
from fakebench_suite.types import Answer, Case, Form, Prompt, Task
from tests.architectures.qwen import describe_tokens
from tests.architectures.templates import QWEN
from tests.architectures.vocabulary import make_tokenizer

SIDE, NEW_TOKENS, ROWS = 448, 16, 16


def list_prompts(images: Sequence[str]) -> list[Prompt]:
    """The 14 questions about each image, as they are sent."""
    cases = [
        Case(
            id=f"{image}:{criterion}",
            task=Task.ANALYSIS,
            image=image,
            question=analysis_question(criterion),
            form=Form.CRITERION,
        )
        for image in images
        for criterion in CRITERIA
    ]
    return [build_prompt(case) for case in cases]


def save_model(folder: Path, prompts: Sequence[Prompt]) -> int:
    """A Qwen2-VL of the usual proportions with random weights; its number of parameters.

    The tokenizer knows the words of the questions, so that they are as long as they usually are.
    """
    torch.manual_seed(0)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>"]
    special += ["<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer: Any = make_tokenizer(special, eos="<|im_end|>", pad="<|endoftext|>")
    texts = [f"user\n{prompt.text} assistant\n" for prompt in prompts]
    tokenizer = tokenizer.train_new_from_iterator(texts, 2_000, show_progress=False)
    config = tf.Qwen2VLConfig(
        text_config={
            "vocab_size": 8_000,
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
    processor: Any = tf.Qwen2VLProcessor(
        image_processor=tf.Qwen2VLImageProcessor(patch_size=14),
        tokenizer=tokenizer,
        video_processor=tf.Qwen2VLVideoProcessor(patch_size=14),
        chat_template=QWEN,
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return int(model.num_parameters())


def load(folder: Path, dtype: str, *, shares: bool) -> HuggingFaceAdapter:
    """The adapter, left alone or kept to plain batches of up to ROWS."""
    rows = None if shares else ROWS
    generation = Generation(max_new_tokens=NEW_TOKENS, batch_size=rows)
    card = Card(name="random", path=str(folder), dtype=dtype, generation=generation)
    adapter = HuggingFaceAdapter(card, folder, device="cpu", remote_code=False)
    if not shares:
        adapter._questioner._route = Route(prefix=False, why="It is what is compared with.")
    return adapter


def main(count: int) -> None:
    """Time the ways to ask, compare their answers, and print ratios."""
    # Two threads on cores that others use too wait for each other at every product.
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    images = {
        f"{number}.png": Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
        for number in range(count)
    }
    prompts = list_prompts(list(images))

    def ask(adapter: HuggingFaceAdapter, *, single: bool) -> tuple[list[str], float]:
        """All texts, and milliseconds per prompt."""
        adapter.answer(prompts[:2], images)  # Warm up, and find the route.
        started = time.perf_counter()
        if single:
            replies = [adapter.answer([prompt], images)[0] for prompt in prompts]
        else:
            replies = list(adapter.answer(prompts, images))
        spent = time.perf_counter() - started
        texts = [reply.text for reply in replies if isinstance(reply, Answer)]
        assert len(texts) == len(prompts)
        return texts, 1000 * spent / len(prompts)

    table = Table("way", "float32, ms per prompt", "equal", "bfloat16, ms per prompt", "equal")
    cost = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        parameters = save_model(folder, prompts)
        results: dict[str, list[tuple[list[str], float]]] = {}
        for dtype in ("float32", "bfloat16"):
            for way in ("one by one", "plain batches", "prefix"):
                adapter = load(folder, dtype, shares=way == "prefix")
                results.setdefault(way, []).append(ask(adapter, single=way == "one by one"))
                assert adapter.route.prefix == (way == "prefix"), adapter.route.why
    for way, runs in results.items():
        cells = []
        for number, (texts, spent) in enumerate(runs):
            expected = results["one by one"][number][0]
            equal = sum(one == two for one, two in zip(texts, expected, strict=True))
            cells += [f"{spent:.1f}", f"{equal} of {len(prompts)}"]
            cost[way, number] = spent, 1 - equal / len(prompts)
        table.add_row(way, *cells)
    Console().print(table)
    distinct = len(set(results["one by one"][0][0]))
    print(f"{parameters / 1e6:.1f} million parameters, {len(prompts)} prompts, {distinct} answers")
    print(f"ratio prefix-vs-one-by-one {cost['one by one', 0][0] / cost['prefix', 0][0]:.2f}")
    print(f"ratio prefix-vs-batched {cost['plain batches', 0][0] / cost['prefix', 0][0]:.2f}")
    print(f"ratio prefix-differs-float32 {cost['prefix', 0][1]:.3f}")
    print(f"ratio prefix-differs-bfloat16 {cost['prefix', 1][1]:.3f}")
    print(f"ratio batched-differs-bfloat16 {cost['plain batches', 1][1]:.3f}")


if __name__ == "__main__":
    tf.utils.logging.set_verbosity_error()
    tf.utils.logging.disable_progress_bar()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
