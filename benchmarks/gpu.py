"""FakeQA's questions on a GPU: one by one, in plain batches, after shared prefixes, and ahead.

``python benchmarks/gpu.py`` draws a random Qwen2-VL of two billion parameters in bfloat16 on the
GPU, and asks it 14 questions about each of ``--images`` of 448 x 448, greedily; no reply ends
before ``--tokens``. It prints prompts a second and tokens in a batch by each way, how many answers
equal those of the last way and of single prompts, and images a second of a pass that reads P(fake)
without decoding; and ends with lines ``ratio NAME VALUE``. Without a GPU it says so and exits 2;
``--device cpu --shape tiny`` shows that it works.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import transformers as tf
from rich.console import Console
from rich.table import Table

from benchmarks.checkpoint import SMALL, TINY, TWO_BILLION, save_shape
from benchmarks.pictures import draw_pictures
from benchmarks.questions import list_prompts
from fakebench_suite.backends.base import Capability, Reply, Request
from fakebench_suite.backends.cards import Card, Generation
from fakebench_suite.backends.transformers.model import TransformersBackend
from fakebench_suite.backends.transformers.prefix_cache.selftest import InferencePath
from fakebench_suite.execution.work_units import (
    MAX_UNIT_PROMPTS,
    MIN_UNIT_PROMPTS,
    assign_work_units,
)
from fakebench_suite.types import Answer, QuestionType

SHAPES = {"2b": TWO_BILLION, "small": SMALL, "tiny": TINY}
SINGLE_PROMPTS = 14
"""Prompts that are asked one by one: those about one image."""
PLAIN = InferencePath(prefix=False, why="It is what is compared with.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What became of some prompts."""

    replies: Sequence[Reply]
    seconds: float

    @property
    def texts(self) -> list[str]:
        """The answers; raises SystemExit where a prompt has none."""
        for reply in self.replies:
            if not isinstance(reply, Answer):
                raise SystemExit(f"A prompt was not answered: {reply}")
        return [reply.text for reply in self.replies if isinstance(reply, Answer)]

    @property
    def rate(self) -> float:
        """Prompts a second."""
        return len(self.replies) / self.seconds

    @property
    def batch(self) -> int:
        """Rows of the largest batch."""
        return max(reply.batch_size for reply in self.replies if isinstance(reply, Answer))


def make_model(folder: Path, args: argparse.Namespace, texts: Sequence[str]) -> TransformersBackend:
    """The backend of a random model, which is drawn and saved first."""
    parameters = save_shape(
        folder, texts, SHAPES[args.shape], ends=False, device=args.device, dtype="bfloat16"
    )
    generation = Generation(max_new_tokens=args.tokens)
    card = Card(name="random", path=str(folder), dtype="bfloat16", generation=generation)
    backend = TransformersBackend(card, folder, device=args.device, remote_code=False)
    print(f"{parameters / 1e6:,.1f} million parameters, torch {torch.__version__}, ", end="")
    print(f"transformers {tf.__version__}, {backend.describe().device}")
    return backend


def cut(requests: Sequence[Request], least: int) -> list[list[Request]]:
    """The requests by work unit, of so many prompts at least."""
    units: dict[int, list[Request]] = {}
    numbers = assign_work_units((request.prompt.image for request in requests), least=least)
    for number, request in zip(numbers, requests, strict=True):
        units.setdefault(number, []).append(request)
    return list(units.values())


def time_units(
    backend: TransformersBackend, units: Sequence[Sequence[Request]], *, ahead: bool
) -> Timing:
    """Ask unit after unit; the replies are on the CPU at the end of each."""
    backend._questioner.looks_ahead = ahead
    start = time.perf_counter()
    replies = [reply for unit in units for reply in backend.run(unit)]
    return Timing(replies=replies, seconds=time.perf_counter() - start)


def time_analysis(
    backend: TransformersBackend, requests: Sequence[Request]
) -> dict[str, tuple[Timing, int]]:
    """Each way to ask by its name, with the tokens that one batch may have."""
    shared = backend.route
    small, large = cut(requests, MIN_UNIT_PROMPTS), cut(requests, MAX_UNIT_PROMPTS)
    ways = {
        "one by one": (PLAIN, [[request] for request in requests[:SINGLE_PROMPTS]], False),
        "plain batches": (PLAIN, large, True),
        f"prefix, units of {MIN_UNIT_PROMPTS}": (shared, small, False),
        f"prefix, units of {MAX_UNIT_PROMPTS}": (shared, large, False),
        "prefix, looking ahead": (shared, large, True),
    }
    timings = {}
    for name, (route, units, ahead) in ways.items():
        backend._questioner._route = route
        timing = time_units(backend, units, ahead=ahead)
        timings[name] = timing, backend.describe().batch_tokens or 0
    return timings


def time_likelihood(
    backend: TransformersBackend, requests: Sequence[Request]
) -> tuple[Timing, Timing]:
    """One detection question about each image, in turn and looking ahead; no token is decoded."""
    asked = {
        request.prompt.image: replace(
            request,
            want=Capability.PROBABILITIES,
            prompt=replace(
                request.prompt,
                question_type=QuestionType.ISFAKE,
                text="Is this a fake image, yes or no?",
            ),
        )
        for request in requests
    }
    units = cut(list(asked.values()), MAX_UNIT_PROMPTS)
    time_units(backend, units[:1], ahead=True)
    return tuple(time_units(backend, units, ahead=ahead) for ahead in (False, True))  # type: ignore[return-value]  # two


def count_equal(texts: Sequence[str], other_texts: Sequence[str]) -> str:
    """How many texts are the other of their place, of those that both have."""
    pairs = list(zip(texts, other_texts, strict=False))
    return f"{sum(first == second for first, second in pairs)} of {len(pairs)}"


def main() -> None:
    """Time the ways to ask, compare their answers, and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=96, help="default: %(default)s")
    parser.add_argument("--tokens", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--shape", choices=SHAPES, default="2b", help="default: %(default)s")
    parser.add_argument("--device", default="cuda:0", help="default: %(default)s")
    parser.add_argument("--check", action="store_true", help="only say whether there is a GPU")
    args = parser.parse_args()
    if args.device.startswith("cuda") and not torch.cuda.is_available():
        parser.exit(2, "There is no GPU here that torch can use: run this on a machine with one.\n")
    if args.check:
        parser.exit(0, f"{torch.cuda.get_device_name(args.device)}\n")
    images = draw_pictures(args.images)
    prompts = list_prompts(list(images))
    requests = [Request(prompt=prompt, images=images) for prompt in prompts]
    with tempfile.TemporaryDirectory() as folder:
        backend = make_model(Path(folder), args, [prompt.text for prompt in prompts])
        backend.run(requests[:2])  # Warm up, and find the route.
        print(f"path: {backend.describe().path} ({backend.route.why}); ", end="")
        print(f"attention: {backend.describe().details['attention']}")
        timings = time_analysis(backend, requests)
        in_turn, ahead = time_likelihood(backend, requests)
    table = Table("way", "prompts", "prompts/s", "rows", "batch tokens", "as the last", "as single")
    last, single = timings["prefix, looking ahead"][0], timings["one by one"][0]
    for name, (timing, tokens) in timings.items():
        equal = [count_equal(timing.texts, other.texts) for other in (last, single)]
        counts = str(len(timing.texts)), f"{timing.rate:.1f}", str(timing.batch), str(tokens)
        table.add_row(name, *counts, *equal)
    Console().print(table)
    print(f"P(fake) without decoding: {in_turn.rate:.1f} images a second in turn, ", end="")
    print(f"{ahead.rate:.1f} looking ahead")
    for name, (timing, _) in timings.items():
        if timing is not last:
            print(f"ratio ahead-vs-{name.replace(', ', '-').replace(' ', '-')} ", end="")
            print(f"{last.rate / timing.rate:.2f}")
    print(f"ratio likelihood-ahead-vs-in-turn {ahead.rate / in_turn.rate:.2f}")


if __name__ == "__main__":
    tf.utils.logging.set_verbosity_error()
    tf.utils.logging.disable_progress_bar()
    main()
