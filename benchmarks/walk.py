"""How far one case walks: the files of the package that it enters, and its jumps between them.

``python benchmarks/walk.py`` runs one case of the probes with ``coin`` and with ``pocket`` and
counts what is called from its set-up to its last report, but for what a run does once (ONCE). A
jump is a call of a function in another file than that of the function that its thread called
before. ``--route`` prints the file at every jump.
"""

import argparse
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = f"{ROOT / 'fakebench_suite'}{os.sep}"
CASE = "chelsea-101-forged:what"

ONCE = {
    ("plugin/fixtures.py", "ask"),
    ("plugin/fixtures.py", "judge"),
    ("plugin/fixtures.py", "record"),
    ("plugin/fixtures.py", "model"),
    ("plugin/fixtures.py", "case_runner"),
    ("plugin/engines.py", "engine"),
    ("plugin/reporting.py", "Recorder._open_store"),
    ("datasets/probes/dataset.py", "render_pair"),
}
"""What a run does once: its fixtures, with the model they load, the manifest that it begins, and
the pixels of a probe, which files of other data sets hold. These functions and what they call are
left out, and so are modules that are imported now, such as the grammar of replies."""


class Walk:
    """A plugin that records which file of the package each call enters while a case runs."""

    def __init__(self) -> None:
        self.calls: dict[int, list[tuple[str, str]]] = {}
        """By thread, the main one first, file and function of each call, in order."""
        self._once: dict[int, FrameType] = {}
        """By thread, the call of one of ONCE that it is in."""

    def _note(self, frame: FrameType, event: str, _argument: Any) -> None:
        file, name = frame.f_code.co_filename, frame.f_code.co_qualname
        thread = threading.get_ident()
        if event == "return" and frame is self._once.get(thread):
            del self._once[thread]
        elif event == "call" and thread not in self._once and file.startswith(PACKAGE):
            if name == "<module>" or (file.removeprefix(PACKAGE), name) in ONCE:
                self._once[thread] = frame
            else:
                calls = self.calls.setdefault(thread, [])
                calls.append((file.removeprefix(PACKAGE), name))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Watch one case from its set-up to its last report."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            return (yield)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def list_route(self) -> list[str]:
        """The files in order, each once per visit, of one thread after the other."""
        route: list[str] = []
        for calls in self.calls.values():
            files = [file for file, _ in calls]
            visits = zip(["", *files], files, strict=False)
            route += [file for before, file in visits if file != before]
        return route

    def list_functions(self) -> list[tuple[str, str]]:
        """File and function of each call, of one thread after the other."""
        return [call for calls in self.calls.values() for call in calls]


def walk_case(model: str, case: str) -> Walk:
    """The walk of one case; raises SystemExit where pytest does not come to an end."""
    walk = Walk()
    with TemporaryDirectory() as reports:
        status = pytest.main(
            [
                f"cases/test_detection.py::test_detection[{case}]",
                f"--model={model}",
                f"--reports={reports}",
                *("--gates=none", "-n0", "-q", "--no-header", "--no-summary"),
            ],
            plugins=[walk],
        )
    if status != pytest.ExitCode.OK or not walk.calls:
        sys.exit(f"pytest ended with {int(status)}; nothing was counted.")
    return walk


def main() -> None:
    """Walk with one model and print the counts."""
    parser = argparse.ArgumentParser(description="Files that one case enters, and jumps.")
    parser.add_argument(
        "models", nargs="*", default=["coin", "pocket"], help="cards (coin, pocket)"
    )
    parser.add_argument("--case", default=CASE, help=f"a detection case of the probes ({CASE})")
    parser.add_argument("--route", action="store_true", help="print each file at every jump")
    options = parser.parse_args()
    if (
        len(options.models) > 1
    ):  # Each in a process of its own: what is imported once is not seen again.
        for model in options.models:
            command = [sys.executable, __file__, model, f"--case={options.case}"]
            subprocess.run([*command, *(["--route"] * options.route)], check=True, cwd=ROOT)
        return
    walk = walk_case(options.models[0], options.case)
    route, calls = walk.list_route(), walk.list_functions()
    if options.route:
        print("\n".join(route))
    print(
        f"{options.models[0]}: {len(set(route))} files, {len(set(calls))} functions, "
        f"{len(calls)} calls, {len(route) - 1} jumps"
    )


if __name__ == "__main__":
    main()
