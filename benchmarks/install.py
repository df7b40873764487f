"""What an installation takes: packages, megabytes and seconds, of the core and of each extra.

``python benchmarks/install.py`` builds the wheel and installs it by pip into a new environment for
each ``--extras``, without pip's cache, and so with what the package index takes to answer.
``--try`` then runs a model in an empty directory, by the command and by pytest, and compares the
scores: ``always-fake`` needs the core alone, ``pocket`` the extra ``local``.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ("-p", "fakebench_suite.plugin", "--pyargs", "fakebench_suite.cases")


def main() -> None:
    """Print a line for each extra."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--extras", nargs="*", default=["", "local"], help="'' is the core (default: '' local)"
    )
    arguments.add_argument("--try", dest="model", metavar="MODEL", help="a model to run")
    options = arguments.parse_args()
    with TemporaryDirectory() as folder:
        wheel = build(Path(folder))
        print(f"wheel: {wheel.stat().st_size / 1e6:.1f} MB")
        for extra in options.extras:
            target = Path(folder, extra or "core")
            venv.create(target / "venv", with_pip=True)
            before, start, cpu = measure_size(target), time.perf_counter(), measure_cpu()
            requirement = f"{wheel}[{extra}]" if extra else str(wheel)
            pip = [str(target / "venv/bin/python"), "-m", "pip", "--disable-pip-version-check"]
            subprocess.run(
                [*pip, "install", "-q", "--no-cache-dir", requirement],
                check=True,
                capture_output=True,
            )
            seconds, size = time.perf_counter() - start, measure_size(target) - before
            cpu = measure_cpu() - cpu
            freeze = subprocess.run([*pip, "freeze"], check=True, capture_output=True)
            packages = len(freeze.stdout.splitlines())
            print(f"{extra or 'core'}: {packages} packages, {size:,.0f} MB, ", end="")
            print(f"{seconds:.0f} s, of which CPU {cpu:.0f} s", flush=True)
            if options.model:
                run_model(target, options.model)


def build(folder: Path) -> Path:
    """The wheel of this checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def measure_size(folder: Path) -> float:
    """Megabytes of the files below a directory, links left out."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def measure_cpu() -> float:
    """Seconds that processes which were started and have ended have spent computing."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_model(target: Path, model: str) -> None:
    """Run detection by the command and by pytest, and compare their scores."""
    cwd, programs = target / "empty", target / "venv" / "bin"
    cwd.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    for run, command in (
        ("command", [str(programs / "fakebench"), "run"]),
        ("plugin", [str(programs / "pytest"), *PLUGIN]),
    ):
        start = time.perf_counter()
        subprocess.run(
            [*command, f"--model={model}", "-m", "detection", f"--run={run}", "-q", "-n0"],
            cwd=cwd,
            env=clean,
            check=False,
            capture_output=True,
        )
        print(f"  {model} by the {run}: {time.perf_counter() - start:.0f} s")
    first, second = (cwd / "reports" / run / "scores.json" for run in ("command", "plugin"))
    print("  scores are equal" if first.read_bytes() == second.read_bytes() else "  scores DIFFER")


if __name__ == "__main__":
    main()
