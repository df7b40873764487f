"""How well the time left is predicted when a tenth of a run's cases have ended.

    python -m benchmarks.forecast [--rounds 3] [--sets modern cifake] [--modes n0 n2 endpoint]

Runs ``pocket`` at ``-n 0`` and ``-n 2``, and a model behind a URL that replies after half a second,
over each of the samples' data sets (FAKEBENCH_SAMPLES), and divides what the progress line predicts
then by what the rest took: 1.00 is right. Of a server nothing is predicted before three units have
ended, and a tenth of these sets is less. No prediction knows what else a machine will do, so the
load of its last minute is printed beside each.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.endpoint import serve
from fakebench_suite.plugin.reporting import RECORDER, get_record
from fakebench_suite.plugin.run_clock import RunClock

ROOT = Path(__file__).resolve().parents[1]
TENTH, LATENCY = 0.1, 0.5
CARD = 'backend = "openai"\n[endpoint]\nurl = "http://127.0.0.1:{port}"\nmodel = "tiny"\n'
MODES = {"n0": ("-n0",), "n2": ("-n2",), "endpoint": ("-n0",)}


class TenthClock(RunClock):
    """Notes what is predicted after a tenth of the cases, and what it should have been."""

    def __init__(self) -> None:
        super().__init__()
        self.predicted: float | None = None
        """The seconds left after a tenth of the cases."""
        self.tenth = self.last = 0.0
        """When a tenth of the cases had ended, and when the last one did."""
        self._ended = 0

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Predict once, as soon as a tenth of the cases are counted."""
        super().pytest_runtest_logreport(report)
        if get_record(report) is None:
            return
        self._ended += 1
        self.last = max(self.last, report.stop)
        selected = self._config.stash[RECORDER].selected
        if not self.tenth and self._ended >= TENTH * selected and self.forecast is not None:
            self.tenth = report.stop
            self.predicted = self.forecast.predict(selected - self._ended)


def measure(arguments: Sequence[str]) -> None:
    """Run the suite in this process, and print the ratio of the prediction to the truth."""
    clock = TenthClock()
    status = pytest.main([*arguments, "-q", "--no-header", "--no-summary"], plugins=[clock])
    if not clock.tenth or status not in (0, 1):
        sys.exit(f"pytest ended with {int(status)}, and nothing was measured.")
    predicted = clock.predicted
    print("\nnone" if predicted is None else f"\n{predicted / (clock.last - clock.tenth)}")


def run(data: Path, model: str, options: Sequence[str]) -> float | None:
    """The ratio of one run, in a process of its own; None where nothing was predicted."""
    with TemporaryDirectory() as reports:
        command = [
            *(sys.executable, "-m", "benchmarks.forecast", "--measure"),
            *("cases", f"--model={model}", f"--data={data}", f"--reports={reports}"),
            *("--gates=none", *options),
        ]
        output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    word = output.stdout.strip().splitlines()[-1]
    return None if word == "none" else float(word)


def main() -> None:
    """Print the ratio of each run, and the median, least and most by data set and mode."""
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sets", nargs="*", default=["modern", "cifake"])
    parser.add_argument("--modes", nargs="*", choices=list(MODES), default=list(MODES))
    chosen = parser.parse_args()
    samples = Path(os.environ["FAKEBENCH_SAMPLES"])
    connection, child_connection = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(LATENCY, child_connection), daemon=True
    )
    server.start()
    ratios: dict[str, list[float]] = {}
    with TemporaryDirectory() as folder:
        card = Path(folder) / "endpoint.toml"
        card.write_text(CARD.format(port=connection.recv()), encoding="utf-8")
        for number in range(chosen.rounds):
            for name in chosen.sets:
                for mode in chosen.modes:
                    model = str(card) if mode == "endpoint" else "pocket"
                    ratio = run(samples / name, model, MODES[mode])
                    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
                    words = "none yet" if ratio is None else f"{ratio:.2f}"
                    print(f"round {number + 1}, load {load:.1f}: {name} {mode} {words}", flush=True)
                    if ratio is not None:
                        ratios.setdefault(f"forecast-{name}-{mode}", []).append(ratio)
    server.terminate()
    for name, values in ratios.items():
        middle = statistics.median(values)
        print(f"ratio {name} {middle:.2f} ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
