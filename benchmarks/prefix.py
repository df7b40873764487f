"""Answering all FakeQA questions about an image after one encoding of it, against the other ways.

``python benchmarks/prefix.py [IMAGES]`` (default 6) asks a random Qwen2-VL of 26 million parameters
14 questions about each image of 448 x 448, 16 new tokens each, greedily, on one thread: one by one,
in plain batches of up to 16, and by the prefix path. It prints milliseconds per prompt, how many
answers equal those of single prompts in float32 and in bfloat16, and ends with lines
``ratio NAME VALUE``.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
import transformers as tf
from rich.console import Console
from rich.table import Table

from benchmarks.checkpoint import save_model
from benchmarks.pictures import draw_pictures
from benchmarks.questions import list_prompts
from fakebench_suite.backends.base import Request
from fakebench_suite.backends.cards import Card, Generation
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.backends.transformers.prefix_cache.selftest import InferencePath
from fakebench_suite.types import Answer

NEW_TOKENS, ROWS = 16, 16


def load(folder: Path, dtype: str, *, shares: bool) -> TransformersBackend:
    """The adapter, left alone or kept to plain batches of up to ROWS."""
    rows = None if shares else ROWS
    generation = Generation(max_new_tokens=NEW_TOKENS, batch_size=rows)
    card = Card(name="random", path=str(folder), dtype=dtype, generation=generation)
    adapter = TransformersBackend(card, folder, device="cpu", remote_code=False)
    if not shares:
        adapter._questioner._route = InferencePath(prefix=False, why="It is what is compared with.")
    return adapter


def count_equal(texts: Sequence[str], other_texts: Sequence[str]) -> int:
    """How many texts are the other of their place."""
    return sum(text == other_text for text, other_text in zip(texts, other_texts, strict=True))


def main() -> None:
    """Time the ways to ask, compare their answers, and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("images", type=int, nargs="?", default=6, help="default: %(default)s")
    count = parser.parse_args().images
    # Two threads on cores that others use too wait for each other at every product.
    torch.set_num_threads(1)
    images = draw_pictures(count)
    prompts = list_prompts(list(images))

    def ask(adapter: TransformersBackend, *, one_by_one: bool) -> tuple[list[str], float]:
        """All texts, and milliseconds per prompt."""
        requests = [Request(prompt=prompt, images=images) for prompt in prompts]
        adapter.run(requests[:2])  # Warm up, and find the route.
        start = time.perf_counter()
        if one_by_one:
            replies = [adapter.run([request])[0] for request in requests]
        else:
            replies = list(adapter.run(requests))
        seconds = time.perf_counter() - start
        texts = [reply.text for reply in replies if isinstance(reply, Answer)]
        assert len(texts) == len(prompts)
        return texts, 1000 * seconds / len(prompts)

    columns = ("float32, ms", "equal", "bfloat16, ms", "equal", "as in float32")
    table = Table("way", *columns)
    cost = {}
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        parameters = save_model(folder, [prompt.text for prompt in prompts])
        results: dict[str, list[tuple[list[str], float]]] = {}
        for dtype in ("float32", "bfloat16"):
            for path in ("one by one", "plain batches", "prefix"):
                adapter = load(folder, dtype, shares=path == "prefix")
                results.setdefault(path, []).append(ask(adapter, one_by_one=path == "one by one"))
                assert adapter.route.prefix == (path == "prefix"), adapter.route.why
    single_texts = [texts for texts, _ in results["one by one"]]
    for path, runs in results.items():
        cells = []
        for number, (texts, milliseconds) in enumerate(runs):
            equal_count = count_equal(texts, single_texts[number])
            cells += [f"{milliseconds:.1f}", f"{equal_count} of {len(prompts)}"]
            cost[path, number] = milliseconds, 1 - equal_count / len(prompts)
        table.add_row(path, *cells, f"{count_equal(runs[1][0], single_texts[0])} of {len(prompts)}")
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
    main()
