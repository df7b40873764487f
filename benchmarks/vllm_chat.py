"""FakeQA's prompts by the suite on vLLM, and by vLLM's own ``LLM.chat`` over the same list.

    .venv-vllm/bin/python -m benchmarks.vllm_chat [--images 16] [--rounds 2] [--tokens 16]

14 questions about each image of 448 x 448 go to a random Qwen2-VL in two engines of vLLM on the CPU
of this machine, in turns, and to each engine as files that no cache knows. The suite opens them,
asks, grades and makes records (``execute``, without pytest); the other opens them and chats. It
runs in the environment of ``make test-vllm``. The name of this file is not vllm.py, which Python
would import for vLLM itself.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from benchmarks.bare_chat import OPTIONS, chat, count_tokens, load
from benchmarks.checkpoint import save_model
from benchmarks.pictures import draw_pictures
from benchmarks.questions import list_analysis, list_prompts, write_cases
from fakebench_suite.backends.base import Backend
from fakebench_suite.backends.cards import Card, Generation
from fakebench_suite.backends.registry import LoadOptions, load_model
from fakebench_suite.execution.plan import RunRequest, make_plan
from fakebench_suite.execution.runner import execute
from tests.vllm.server import ENVIRONMENT


def write_round(folder: Path, pictures: dict[str, Image.Image], number: int) -> Path:
    """The files of a round: its cases, and its images beside them."""
    folder.mkdir()
    for name, picture in pictures.items():
        picture.transpose(list(Image.Transpose)[number]).save(folder / name)
    write_cases(folder / "cases.jsonl", list_analysis(list(pictures)))
    return folder / "cases.jsonl"


def ask_by_suite(backend: Backend, card: Path, cases: Path) -> tuple[float, int]:
    """Prompts a second, and new tokens."""
    plan = make_plan(RunRequest(model=str(card), data=cases))
    started = time.perf_counter()
    records = list(execute(plan, backend))
    seconds = time.perf_counter() - started
    answers = [record.answer for record in records if record.answer is not None]
    assert len(answers) == len(plan.cases)
    return len(answers) / seconds, sum(answer.tokens for answer in answers)


def ask_by_chat(llm: Any, cases: Path, tokens: int) -> tuple[float, int]:
    """The same by ``LLM.chat``."""
    started = time.perf_counter()
    outputs = chat(llm, cases, tokens=tokens)
    seconds = time.perf_counter() - started
    return len(outputs) / seconds, sum(count_tokens(outputs))


def compare(folder: Path, chosen: argparse.Namespace) -> None:
    """Print a row for each round of each."""
    save_model(folder / "model", [prompt.text for prompt in list_prompts(["one.png"])])
    path = folder / "card.toml"
    path.write_text('path = "model"\n', encoding="utf-8")
    card = Card(
        name="random",
        backend="vllm",
        path=str(folder / "model"),
        dtype="float32",
        generation=Generation(max_new_tokens=chosen.tokens),
        options=OPTIONS,
    )
    with load_model(card, LoadOptions()) as backend:
        llm = load(folder / "model")
        warm = write_round(folder / "warm", draw_pictures(1), 0)
        ask_by_suite(backend, path, warm)
        ask_by_chat(llm, warm, chosen.tokens)
        pictures = draw_pictures(chosen.images)
        rates: dict[str, list[float]] = {"the suite": [], "LLM.chat": []}
        print(f"{'round':<8}{'by':<12}{'prompts/s':>12}{'new tokens':>12}")
        for number in range(chosen.rounds):
            cases = write_round(folder / str(number), pictures, number)
            for name in rates if number % 2 == 0 else reversed(rates):
                if name == "the suite":
                    rate, tokens = ask_by_suite(backend, path, cases)
                else:
                    rate, tokens = ask_by_chat(llm, cases, chosen.tokens)
                rates[name].append(rate)
                print(f"{number + 1:<8}{name:<12}{rate:>12.2f}{tokens:>12,}", flush=True)
        details = msgspec.to_builtins(backend.describe())["details"]
    print(f"cached by the suite: {details['cached_tokens'] / details['prompt_tokens']:.3f}")
    means = {name: len(values) / sum(1 / rate for rate in values) for name, values in rates.items()}
    print(f"ratio analysis-vllm-vs-bare-chat {means['the suite'] / means['LLM.chat']:.2f}")


def main() -> None:
    """Start both engines, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=16, help="new tokens of a reply")
    chosen = parser.parse_args()
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), chosen)


if __name__ == "__main__":
    main()
