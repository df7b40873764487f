"""Prompts with linear layers by oneDNN and by PyTorch's own choice, in turns.

``python -m benchmarks.linear_layers`` asks a random Qwen2-VL of 26 million float32 parameters 14
questions about each of ``--images`` pictures of 448x448, 16 new tokens each, on one thread, by one
model whose linear layers are switched between rounds. It prints milliseconds per prompt and how
many answers are equal, and ends with a line ``ratio onednn-vs-pytorch VALUE``, of medians.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
import transformers as tf
from rich.console import Console
from rich.table import Table

from benchmarks.checkpoint import save_model
from benchmarks.pictures import draw_pictures
from benchmarks.prefix import load
from benchmarks.questions import list_prompts
from fakebench_suite.backends.base import Request
from fakebench_suite.checkpoints.linear_layers import OneDnnLinear, prefers_onednn
from fakebench_suite.types import Answer

WAYS = {"PyTorch": torch.nn.Linear, "oneDNN": OneDnnLinear}


def main() -> None:
    """Time both ways, compare their answers, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=12, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    options = parser.parse_args()
    torch.set_num_threads(1)
    images = draw_pictures(options.images)
    prompts = list_prompts(list(images))
    requests = [Request(prompt=prompt, images=images) for prompt in prompts]
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    answers: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder), [prompt.text for prompt in prompts])
        adapter = load(Path(folder), "float32", shares=True)
    layers = [m for m in adapter._model.modules() if isinstance(m, torch.nn.Linear)]
    adapter.run(requests[:2])  # Warm up, and find the route.
    for _ in range(options.rounds):
        for name, kind in WAYS.items():
            for layer in layers:
                layer.__class__ = kind
            start = time.perf_counter()
            replies = adapter.run(requests)
            seconds[name].append(time.perf_counter() - start)
            answers[name] = [reply.text for reply in replies if isinstance(reply, Answer)]
    table = Table("linear layers by", "ms a prompt", "least to most")
    cost = {name: [1000 * s / len(prompts) for s in taken] for name, taken in seconds.items()}
    for name, taken in cost.items():
        spread = f"{min(taken):.1f} to {max(taken):.1f}"
        table.add_row(name, f"{statistics.median(taken):.1f}", spread)
    Console().print(table)
    first, second = answers.values()
    equal = sum(one == other for one, other in zip(first, second, strict=True))
    print(f"{equal} of {len(prompts)} answers are equal.")
    print(f"Here the suite takes {'oneDNN' if prefers_onednn() else 'what PyTorch takes'}.")
    medians = {name: statistics.median(taken) for name, taken in cost.items()}
    print(f"ratio onednn-vs-pytorch {medians['PyTorch'] / medians['oneDNN']:.2f}")


if __name__ == "__main__":
    tf.utils.logging.set_verbosity_error()
    tf.utils.logging.disable_progress_bar()
    main()
