"""What the suite costs a pytest session of somebody else's, in the same environment.

``python benchmarks/entry_point.py`` runs one empty test in an empty directory with the installed
suite beside it, and sums what pytest does for the suite's entry point: it imports its module, lists
the files of the distribution, and calls the module's hook. ``--python`` is the interpreter of
another environment; an editable install lists fewer files than a wheel does.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

SESSION = """
import functools, importlib.metadata, json, sys, time

import pytest

PARTS = dict.fromkeys(("import", "files", "hook"), 0.0)

def clock(part, function):
    @functools.wraps(function)
    def timed(*arguments, **named):
        start = time.thread_time()
        try:
            return function(*arguments, **named)
        finally:
            PARTS[part] += 1000 * (time.thread_time() - start)
    return timed

def load(entry, load=importlib.metadata.EntryPoint.load):
    if entry.dist.name != "fakebench-suite":
        return load(entry)
    before = set(sys.modules)
    module = clock("import", load)(entry)
    PARTS["modules"] = sorted(set(sys.modules) - before)
    module.in_suite_project = clock("hook", module.in_suite_project)
    return module

def list_files(distribution, files=importlib.metadata.Distribution.files.fget):
    ours = distribution.name == "fakebench-suite"
    return clock("files", files)(distribution) if ours else files(distribution)

importlib.metadata.EntryPoint.load = load
importlib.metadata.Distribution.files = property(list_files)
status = pytest.main(["-q", "-p", "no:cacheprovider"])
print(json.dumps(PARTS))
sys.exit(status)
"""


def main() -> None:
    """Print the milliseconds of CPU of each part, the median and the least of several sessions."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--python", default=sys.executable, help="default: this one")
    arguments.add_argument("--sessions", type=int, default=20)
    options = arguments.parse_args()
    # Without cached bytecode each session would compile the module.
    clean = {name: os.environ[name] for name in os.environ if not name.startswith("PYTHON")}
    sessions = []
    with TemporaryDirectory() as folder:
        Path(folder, "test_empty.py").write_text("def test_empty(): pass\n", encoding="utf-8")
        for _ in range(options.sessions + 1):
            result = subprocess.run(
                [options.python, "-c", SESSION],
                cwd=folder,
                env=clean,
                check=True,
                capture_output=True,
            )
            sessions.append(json.loads(result.stdout.splitlines()[-1]))
    print("modules:", ", ".join(sessions[0].pop("modules")))
    del sessions[0]  # It compiled the modules.
    for session in sessions:
        session.pop("modules")
        session["all"] = sum(session.values())
    for phase in sessions[0]:
        times = [session[phase] for session in sessions]
        print(f"{phase:<7} {statistics.median(times):6.2f} ms, least {min(times):6.2f} ms")


if __name__ == "__main__":
    main()
