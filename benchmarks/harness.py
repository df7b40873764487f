"""What the harness costs: scripted cases against as many empty tests of bare pytest.

    python benchmarks/harness.py [--cases 6000 54000] [--workers 0]

Both are measured in one run, each in a process of its own: from its start to its last case, and
to its end, which for us includes scores, gates and the report. Of several numbers of cases the
ratio ``harness-growth`` compares the largest with the smallest: the suite's seconds to its end.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.processes import measure

ROOT = Path(__file__).parents[1]
PER_IMAGE = 9
Times = tuple[float, float, float]
"""Seconds to the last case and to the end, and the memory of the largest process, in GB."""
BARE = """
import pytest

@pytest.mark.parametrize("case", range({cases}))
def test_bare(case):
    pass
"""


def write_cases(folder: Path, cases: int) -> Path:
    """As many cases as asked for, nine an image: one detection and eight criteria."""
    criteria = ("texture", "edge", "clarity", "layout", "symmetry", "shape", "theme", "distortion")
    lines = []
    for number in range(cases // PER_IMAGE):
        name = f"{number:05}.png"
        Image.new("RGB", (32, 32), (number % 256, 90, 30)).save(folder / name)
        row = {"image": name, "label": ("fake", "real")[number % 2]}
        question = "Is this a fake image, yes or no?"
        lines.append(row | {"id": "d", "task": "detection", "question": question})
        for criterion in criteria:
            analysis = {"id": criterion, "task": "analysis", "question": f"How is the {criterion}?"}
            lines.append(row | analysis)
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def time_pytest(command: list[str], cwd: Path) -> Times:
    """What a run of pytest took."""
    pytest = [sys.executable, "-m", "pytest", "-p", "benchmarks.case_clock"]
    usage = measure([*pytest, *command], cwd=cwd, env={"PYTHONPATH": str(ROOT)})
    return usage.clock["last"] - usage.started, usage.seconds, usage.gigabytes


def time_both(cases: int, workers: int) -> tuple[Times, Times]:
    """What bare pytest took for as many empty tests, and the suite for as many cases."""
    spread = ["-n", str(workers)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = folder / "bare"
        bare.mkdir()
        (bare / "test_bare.py").write_text(BARE.format(cases=cases), encoding="utf-8")
        data = folder / "data"
        data.mkdir()
        path = write_cases(data, cases)
        suite_options = [
            f"--data={path}",
            "--model=coin",
            f"--reports={folder / 'runs'}",
            "--gates=none",
        ]
        return time_pytest([*spread, "-q"], bare), time_pytest([*suite_options, *spread], ROOT)


def main() -> None:
    """Print a table for each number of cases, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, nargs="+", default=[6_000, 54_000])
    parser.add_argument("--workers", type=int, default=0)
    chosen = parser.parse_args()
    sizes = sorted(set(chosen.cases))
    times, ratios = {}, []
    for cases in sizes:
        pytest_times, suite_times = times[cases] = time_both(cases, chosen.workers)
        print(f"{cases:,} cases, -n {chosen.workers}")
        print(f"{'':<12}  {'to the last case':>16}  {'to the end':>10}  {'memory':>8}")
        for title, (last, end, memory) in (
            ("bare pytest", pytest_times),
            ("the suite", suite_times),
        ):
            print(f"{title:<12}  {last:>14.1f} s  {end:>8.1f} s  {memory:>5.2f} GB", flush=True)
        name = f"ratio harness-{cases}-n{chosen.workers}"
        ratios.append(f"{name}-cases {suite_times[0] / pytest_times[1]:.2f}")
        ratios.append(f"{name}-with-report {suite_times[1] / pytest_times[1]:.2f}")
    if len(sizes) > 1:
        (_, smallest), (_, largest) = times[sizes[0]], times[sizes[-1]]
        ratios.append(f"ratio harness-growth {largest[1] / smallest[1]:.2f}")
    print("\n".join(ratios))


if __name__ == "__main__":
    main()
