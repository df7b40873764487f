"""FakeBench's prompts by this suite and by lmms-eval: one checkpoint, the same pictures and texts.

    make bench-peers                                   (or, once that has made the environment:)
    python benchmarks/peers.py [--images 16] [--threads 1] [--batches 1 2 4 8 16]

Both are started as their users start them, each in a process and an environment of its own, over a
random Qwen2-VL of 26 million float32 parameters on the CPU: 16 new tokens, greedily. Analysis is
14 questions about each image; the mix is 17 prompts about each image and one about each of as many
real ones. lmms-eval answers both with the batch size that was its fastest for a few images.

The table has milliseconds per prompt. lmms-eval is timed in its ``generate_until``; the suite from
the loaded model to the end of the last case, so that recording counts, and trying whether prefixes
may be shared, which is done once a run, however long. "Answering" leaves these out, and the opening
of pictures, which lmms-eval's figures include.
"""

import argparse
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table
from transformers.utils import logging

from benchmarks.checkpoint import SIDE, draw_pictures, save_model
from benchmarks.questions import list_analysis, list_mix, write_cases
from benchmarks.sides import ROOT, Measurement, run_lmms, run_suite
from fakebench_suite.datasets.jsonl import load_jsonl
from fakebench_suite.execution.manifest_builder import cpu_name
from fakebench_suite.tasks.prompts import build_prompt

PEER = ROOT / ".venv-peers" / "bin" / "python"
LIBRARIES = ("torch", "transformers", "pillow")
JPEG = (
    "lmms-eval sends its pictures through JPEG of quality 85; the suite sends pixels as they are."
)
TRIED = 4
"""Images on whose analysis lmms-eval's batch sizes are tried."""
RATIOS: dict[str, Callable[[Measurement, Measurement], float]] = {
    "": lambda peer, suite: peer.seconds / suite.seconds,
    "-answering": lambda peer, suite: peer.answering / suite.answering,
    "-cpu": lambda peer, suite: peer.cpu / suite.cpu,
    "-whole-process": lambda peer, suite: peer.whole / suite.whole,
    "-memory": lambda peer, suite: suite.gigabytes / peer.gigabytes,
}
"""Above 1 the suite is faster, but for memory: there it needs more. By what their names say."""


def write_sets(folder: Path, images: int) -> dict[str, Path]:
    """The case files of all sets, each with its pictures beside it."""
    pictures = draw_pictures(2 * images)
    names = list(pictures)
    sample = names[: min(images, TRIED)]
    rows = {
        "sizes": list(list_analysis(sample)),
        "analysis": list(list_analysis(names[:images])),
        "mix": list(list_mix(names)),
    }
    paths = {}
    for name, questions in rows.items():
        paths[name] = folder / name / "cases.jsonl"
        paths[name].parent.mkdir()
        for image in {row["image"] for row in questions}:
            pictures[image].save(folder / name / image)
        write_cases(paths[name], questions)
    return paths


def describe_machine() -> str:
    """Processor, cores and Python."""
    return f"{cpu_name()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def list_versions() -> str:
    """What either side runs on."""
    names = ["lmms-eval", *LIBRARIES]
    code = f"import importlib.metadata as m; print(*map(m.version, {names!r}))"
    result = subprocess.run([PEER, "-c", code], check=True, capture_output=True, text=True)
    suite_versions = [("fakebench-suite", version("fakebench-suite"))]
    suite_versions += [(name, version(name)) for name in LIBRARIES]
    columns = (suite_versions, zip(names, result.stdout.split(), strict=True))
    return "\n".join(", ".join(f"{name} {number}" for name, number in column) for column in columns)


def make_table(rows: Sequence[tuple[str, str, Measurement]]) -> Table:
    """A line per process."""
    table = Table("set", "by", "prompts", "all", "answering", "CPU", "process", "memory")
    for name, program, run in rows:
        spans = (run.seconds, run.answering, run.cpu)
        cells = [f"{1000 * span / run.prompts:.1f}" for span in spans]
        process = (f"{run.whole:.1f} s", f"{run.gigabytes:.2f} GB")
        table.add_row(name, program, str(run.prompts), *cells, *process)
    for column in table.columns[2:]:
        column.justify = "right"
    return table


def check_alike(peer: Measurement, suite: Measurement) -> str:
    """What both were asked, in a sentence; exits where they were not asked the same."""
    work = [(run.prompts, run.prompt_tokens, run.threads) for run in (peer, suite)]
    if work[0] != work[1]:
        raise SystemExit(f"Prompts, their tokens and threads differ: {work[0]} and {work[1]}.")
    tokens = f"{peer.new_tokens:,} and {suite.new_tokens:,} new ones"
    return f"{suite.prompts} prompts of {suite.prompt_tokens:,} tokens; {tokens} (theirs, ours)"


def main() -> None:
    """Print the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    chosen = parser.parse_args()
    if not PEER.exists():
        raise SystemExit("lmms-eval has no environment yet; 'make bench-peers' makes it.")
    rows: list[tuple[str, str, Measurement]] = []
    pairs: dict[str, tuple[Measurement, Measurement]] = {}
    with tempfile.TemporaryDirectory() as name:
        sets, model = write_sets(Path(name), chosen.images), Path(name) / "random-qwen2-vl"
        prompts = [build_prompt(case).text for case in load_jsonl(sets["mix"]).cases]
        parameters = save_model(model, prompts)

        def run_peer(set_name: str, batch: int) -> Measurement:
            run = run_lmms(PEER, sets[set_name], model, batch=batch, threads=chosen.threads)
            rows.append((set_name, f"lmms-eval x{batch}", run))
            return run

        best = min(chosen.batches, key=lambda batch: run_peer("sizes", batch).seconds)
        for key in ("analysis", "mix"):
            peer = run_peer(key, best)
            suite = run_suite(sets[key], model, threads=chosen.threads)
            rows.append((key, "the suite", suite))
            pairs[key] = peer, suite
    Console(width=100).print(make_table(rows))
    for key, pair in pairs.items():
        print(f"{key}: {check_alike(*pair)}")
    print(f"{parameters / 1e6:.1f} million parameters, float32, pictures of {SIDE}x{SIDE}. {JPEG}")
    print(f"{describe_machine()}, threads: {chosen.threads}\n{list_versions()}")
    for title, ratio in RATIOS.items():
        for key, pair in pairs.items():
            print(f"ratio {key}{title}-vs-lmms-eval {ratio(*pair):.2f}")


if __name__ == "__main__":
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    main()
