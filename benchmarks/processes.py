"""A process of its own, and what it took."""

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUsage:
    """What a process that succeeded took and told."""

    started: float
    """In seconds since the epoch."""
    seconds: float
    """From its start to its end."""
    gigabytes: float
    """Its memory at its peak: the largest resident set of it or of a child it waited for."""
    clock: Mapping[str, float]
    """The last line ``CLOCK {...}`` of its standard error."""


def measure(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> ProcessUsage:
    """Run the command there, with ``env`` added to the environment; exits where it fails."""
    start = time.time()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=os.environ | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    errors = process.stderr.read()  # to its end, which is the process's
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode, ended = os.waitstatus_to_exitcode(status), time.time()
    lines = [line for line in errors.splitlines() if line.startswith("CLOCK ")]
    if not lines or process.returncode:
        raise SystemExit(errors)
    return ProcessUsage(
        started=start,
        seconds=ended - start,
        gigabytes=usage.ru_maxrss / 2**20,
        clock=json.loads(lines[-1].removeprefix("CLOCK ")),
    )
