"""FakeBench's prompts by this suite and by lmms-eval: one checkpoint, the same pictures and texts.

    make bench-peers                                   (or, once that has made the environment:)
    python benchmarks/peers.py [--images 6] [--threads 1] [--batches 1 2 4 8 16]

Both are started as their users start them, each in a process and an environment of its own, over a
random Qwen2-VL of 26 million float32 parameters on the CPU: 16 new tokens, greedily. Analysis is
14 questions about each image; the mix is 17 prompts about each image and one about each of as many
real ones. lmms-eval answers the analysis set with every batch size and the mix with the best of
them. It is timed in its ``generate_until``; the suite from the loaded model to the last record, so
that finding out whether prefixes may be shared counts, too.
"""

import argparse
import os
import platform
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table
from transformers.utils import logging

from benchmarks.checkpoint import SIDE, draw_pictures, save_model
from benchmarks.questions import list_analysis, list_mix, write_cases
from benchmarks.sides import ROOT, Answered, run_lmms, run_suite
from fakebench_suite.prompts import build_prompt
from fakebench_suite.sources.jsonl import load_jsonl

PEER = ROOT / ".venv-peers" / "bin" / "python"
LIBRARIES = ("torch", "transformers", "pillow")
OURS = "fakebench-suite"
JPEG = (
    "lmms-eval sends its pictures through JPEG of quality 85; the suite sends pixels as they are."
)


def write_sets(folder: Path, images: int) -> dict[str, Path]:
    """The case files of both sets, each with its pictures beside it."""
    pictures = draw_pictures(2 * images)
    names = list(pictures)
    rows = {"analysis": list_analysis(names[:images]), "mix": list_mix(names)}
    paths = {}
    for name, asked in rows.items():
        paths[name] = folder / name / "cases.jsonl"
        paths[name].parent.mkdir()
        for number in names if name == "mix" else names[:images]:
            pictures[number].save(folder / name / number)
        write_cases(paths[name], asked)
    return paths


def describe_machine() -> str:
    """Processor, cores and Python."""
    told = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in told.splitlines() if "model name" in line]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


def list_versions() -> str:
    """What either side runs on."""
    names = ["lmms-eval", *LIBRARIES]
    code = f"import importlib.metadata as m; print(*map(m.version, {names!r}))"
    theirs = subprocess.run([PEER, "-c", code], check=True, capture_output=True, text=True)
    ours = [("fakebench-suite", version("fakebench-suite"))]
    ours += [(name, version(name)) for name in LIBRARIES]
    sides = (ours, zip(names, theirs.stdout.split(), strict=True))
    return "\n".join(", ".join(f"{name} {number}" for name, number in side) for side in sides)


def ask_both(
    cases: Path, model: Path, *, threads: int, sizes: Sequence[int]
) -> dict[str, Answered]:
    """What each side needed for the set, by what it is called; the suite is last."""
    sides = {}
    for size in sizes:
        theirs = run_lmms(PEER, cases, model, batch=size, threads=threads)
        sides[f"lmms-eval, batch {size}"] = theirs
    sides[OURS] = run_suite(cases, model, threads=threads)
    asked = {(side.prompts, side.prompt_tokens) for side in sides.values()}
    if len(asked) > 1:
        raise SystemExit(f"The sides were not asked the same: {asked} prompts and their tokens.")
    return sides


def make_table(sets: Mapping[str, Mapping[str, Answered]]) -> Table:
    """A line per process."""
    table = Table("set", "by", "prompts", "tokens, new", "ms per prompt", "process, s", "GB")
    for name, sides in sets.items():
        for side, run in sides.items():
            tokens = f"{run.prompt_tokens:,}, {run.new_tokens:,}"
            cells = (f"{run.pace:.1f}", f"{run.whole:.1f}", f"{run.gigabytes:.2f}")
            table.add_row(name, side, str(run.prompts), tokens, *cells)
    return table


def find_fastest(sides: Mapping[str, Answered]) -> str:
    """The name of lmms-eval's fastest batch size."""
    return min((side for side in sides if side != OURS), key=lambda side: sides[side].seconds)


def main() -> None:
    """Print the table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--images", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    chosen = parser.parse_args()
    if not PEER.exists():
        raise SystemExit("lmms-eval has no environment yet; 'make bench-peers' makes it.")
    sizes, sets = chosen.batches, {}
    with tempfile.TemporaryDirectory() as name:
        files, model = write_sets(Path(name), chosen.images), Path(name) / "random-qwen2-vl"
        prompts = [build_prompt(case).text for case in load_jsonl(files["mix"]).cases]
        parameters = save_model(model, prompts)
        for which, cases in files.items():
            sets[which] = ask_both(cases, model, threads=chosen.threads, sizes=sizes)
            sizes = [int(find_fastest(sets[which]).rpartition(" ")[2])]
    Console().print(make_table(sets))
    print(f"{parameters / 1e6:.1f} million parameters, float32, pictures of {SIDE}x{SIDE}. {JPEG}")
    print(f"{describe_machine()}, threads: {chosen.threads}\n{list_versions()}")
    pairs = {which: (sides[find_fastest(sides)], sides[OURS]) for which, sides in sets.items()}
    for which, (theirs, ours) in pairs.items():
        print(f"ratio {which}-vs-lmms-eval {theirs.pace / ours.pace:.2f}")
    for which, (theirs, ours) in pairs.items():
        print(f"ratio {which}-whole-process-vs-lmms-eval {theirs.whole / ours.whole:.2f}")
    for which, (theirs, ours) in pairs.items():
        print(f"ratio {which}-memory-vs-lmms-eval {ours.gigabytes / theirs.gigabytes:.2f}")


if __name__ == "__main__":
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    main()
