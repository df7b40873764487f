"""What a vLLM server makes of the suite's order of prompts, and of a uuid beside each image.

    python benchmarks/vllm_server.py [--images 24] [--concurrency 8] [--tokens 16]

14 questions about each image of 448 x 448 go to a random Qwen2-VL on the CPU of this machine: image
by image, as the suite asks them; shuffled over the images; and image by image with a ``uuid``
beside each image, the digest of its pixels, by which vLLM's caches know it without reading its
bytes. The server's cache of keys and values has room for two fifths of the images, as that of a
large model has for some of a benchmark's. It needs the environment of ``make test-vllm``. The name
of this file is not vllm.py, which Python would import for vLLM itself.
"""

import argparse
import hashlib
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import msgspec
import transformers as tf
from PIL import Image

from benchmarks.checkpoint import save_model
from benchmarks.pictures import draw_pictures
from benchmarks.questions import list_prompts
from fakebench_suite.backends.base import Request
from fakebench_suite.backends.cards import Card, Generation
from fakebench_suite.backends.openai import images as image_parts
from fakebench_suite.backends.openai.bodies import ServerFeatures
from fakebench_suite.backends.openai.images import build_image_part
from fakebench_suite.backends.openai.model import EndpointBackend
from fakebench_suite.backends.openai.options import EndpointOptions
from fakebench_suite.endpoints.address import parse_address
from fakebench_suite.types import Answer, Prompt
from tests.vllm.server import MODEL, PYTHON, Counters, VllmServer, start_server

BLOCK = 32
"""Tokens of a block of the server's cache: the fewest that its kernels for CPUs prefer."""
PREFIX_BLOCKS = 9
"""That hold the system prompt and the 256 tokens of an image."""
OWN_BLOCKS = 3
"""That a prompt takes for its question and reply."""

BuildPart = Callable[[Image.Image, EndpointOptions], msgspec.Raw]


def add_uuid(image: Image.Image, options: EndpointOptions) -> msgspec.Raw:
    """The part of a message that holds an image, with the digest of its pixels."""
    part = msgspec.json.decode(build_image_part(image, options))
    digest = hashlib.sha256(image.tobytes()).hexdigest()
    return msgspec.Raw(msgspec.json.encode(part | {"uuid": digest}))


def ask(
    server: VllmServer,
    prompts: Sequence[Prompt],
    images: Mapping[str, Image.Image],
    *,
    concurrency: int,
    tokens: int,
    build_part: BuildPart = build_image_part,
) -> tuple[float, Counters]:
    """Seconds that all replies took, and what the server counted meanwhile."""
    endpoint = EndpointOptions(url=server.url, model=MODEL)
    generation = Generation(max_new_tokens=tokens)
    card = Card(backend="openai", endpoint=endpoint, generation=generation)
    address = parse_address(server.url)
    backend = EndpointBackend(card, address, ServerFeatures(), concurrency=concurrency)
    requests = [Request(prompt=prompt, images=images) for prompt in prompts]
    before = server.read_counters()
    with closing(backend), patch.object(image_parts, "build_image_part", build_part):
        start = time.perf_counter()
        replies = backend.run(requests)
        seconds = time.perf_counter() - start
    assert all(isinstance(reply, Answer) for reply in replies)
    return seconds, server.read_counters() - before


def compare(server: VllmServer, count: int, *, concurrency: int, tokens: int) -> None:
    """Print a row for each way to ask; each has images of its own, which no cache knows."""
    pictures = iter(draw_pictures(1 + 4 * count).values())
    warm = {"warm.png": next(pictures)}
    ask(server, list_prompts(list(warm)), warm, concurrency=concurrency, tokens=tokens)
    columns = ("prompts/s", "prefix hits", "image hits", "server's front, CPU")
    print(f"{'prompts':<28}" + "".join(f"{column:>20}" for column in columns))
    rates = {}
    for order in ("image by image", "shuffled", "with uuid", "image by image again"):
        images = {f"{number}.png": next(pictures) for number in range(count)}
        prompts = list_prompts(list(images))
        if order == "shuffled":
            random.Random(0).shuffle(prompts)
        build_part = add_uuid if order == "with uuid" else build_image_part
        seconds, counted = ask(
            server, prompts, images, concurrency=concurrency, tokens=tokens, build_part=build_part
        )
        rates[order] = len(prompts) / seconds
        prefix = counted.prefix_cache_hits / counted.prefix_cache_queries
        image_hits = f"{counted.mm_cache_hits:.0f} of {counted.mm_cache_queries:.0f}"
        front_cpu = f"{1000 * counted.process_cpu_seconds / len(prompts):.1f} ms"
        print(
            f"{order:<28}{rates[order]:>20.2f}{prefix:>20.3f}{image_hits:>20}{front_cpu:>20}",
            flush=True,
        )
    print(f"ratio vllm-together-vs-shuffled {rates['image by image'] / rates['shuffled']:.2f}")
    without = (rates["image by image"] + rates["image by image again"]) / 2
    print(f"ratio vllm-uuid-vs-none {rates['with uuid'] / without:.2f}")


def main() -> None:
    """Start a server, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--concurrency", type=int, default=8, help="requests in flight")
    parser.add_argument("--tokens", type=int, default=16, help="new tokens of a reply")
    chosen = parser.parse_args()
    if not PYTHON.exists():
        raise SystemExit("There is no .venv-vllm, which make test-vllm installs.")
    blocks = max(32, PREFIX_BLOCKS * chosen.images * 2 // 5 + OWN_BLOCKS * chosen.concurrency)
    cache = (f"--block-size={BLOCK}", f"--num-gpu-blocks-override={blocks}")
    with tempfile.TemporaryDirectory() as folder:
        questions = [prompt.text for prompt in list_prompts(["one.png"])]
        save_model(Path(folder, "model"), questions)
        with start_server(Path(folder, "model"), Path(folder, "log"), *cache) as server:
            compare(server, chosen.images, concurrency=chosen.concurrency, tokens=chosen.tokens)


if __name__ == "__main__":
    tf.utils.logging.set_verbosity_error()
    tf.utils.logging.disable_progress_bar()
    main()
