"""Two replicas on Ray against two workers of xdist: the same cases, the same cores.

    python benchmarks/cluster.py [--cases 7200] [--seconds 0.2] [--images 60]

A scripted model that takes ``--seconds`` per slice answers ``--cases`` cases, and pocket the probes
of ``--images`` images (0: all). Ray runs on this machine, with a core for each replica, and is
started beforehand: the seconds are pytest's, from its start to its last case and to its end, and
the memory is that of its largest process, replicas aside.
"""

import argparse
import os
import secrets
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import ROOT, time_pytest, write_cases
from fakebench_suite.backends.cards import read_card

NODES = 2


@contextmanager
def start_ray(folder: Path) -> Generator[str, None, None]:
    """The address of a head that computes nothing and of nodes with one core each."""
    # Read when Ray is imported. Paths of sockets are short, and the key is of this Ray only.
    variables = {"TMPDIR": str(folder), "AUTH_MODE": "token", "AUTH_TOKEN": secrets.token_hex()}
    os.environ |= {f"RAY_{name}": value for name, value in variables.items()}
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0"}
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(NODES):
        cluster.add_node(num_cpus=1)
    try:
        yield cluster.address
    finally:
        cluster.shutdown()


def write_card(folder: Path, seconds: float) -> Path:
    """A model that looks at nothing and takes its time."""
    coin = (ROOT / "models" / "coin.toml").read_text(encoding="utf-8")
    path = folder / "slow.toml"
    path.write_text(f"{coin}\nseconds = {seconds}\n", encoding="utf-8")
    script = read_card(path, name="slow").script
    assert script is not None
    assert script.seconds == seconds, "the seconds stand in [script], which is the last table"
    return path


def main() -> None:
    """Print the tables and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=7200)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--images", type=int, default=60)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        tempfile.TemporaryDirectory(prefix="ray-") as ray_folder,
        start_ray(Path(ray_folder)) as address,
    ):
        folder = Path(name)
        cases = write_cases(folder, chosen.cases)
        card = write_card(folder, chosen.seconds)
        sample = [f"--sample={chosen.images}"] if chosen.images else []
        jobs = {
            "scripted": [f"--data={cases}", f"--model={card}"],
            "pocket": ["--model=pocket", *sample],
        }
        ray = ["--engine=ray", f"--ray-address={address}"]
        engines = {"xdist": ["-n", str(NODES)], "ray": ray}
        ratios = []
        for job, options in jobs.items():
            print(f"{job:<10}  {'to the last case':>16}  {'to the end':>10}  {'memory':>8}")
            seconds, scores = {}, set()
            for engine, arguments in engines.items():
                run = f"{job}-{engine}"
                run_options = [f"--reports={folder / 'runs'}", f"--run={run}", "--gates=none"]
                seconds[engine] = time_pytest([*options, *arguments, *run_options], ROOT)
                last, end, memory = seconds[engine]
                print(
                    f"  {engine:<8}  {last:>14.1f} s  {end:>8.1f} s  {memory:>5.2f} GB", flush=True
                )
                scores.add((folder / "runs" / run / "scores.json").read_bytes())
            print(f"  scores {'are equal' if len(scores) == 1 else 'DIFFER'}")
            for measure, index in (("cases", 0), ("with-report", 1)):
                ratio = seconds["ray"][index] / seconds["xdist"][index]
                ratios.append(f"ratio ray-vs-xdist-{job}-{measure} {ratio:.2f}")
        print("\n".join(ratios))


if __name__ == "__main__":
    main()
