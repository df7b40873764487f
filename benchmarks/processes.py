"""A process of its own, and what it took."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUsage:
    """What a process that succeeded took and told."""

    started: float
    """In seconds since the epoch."""
    seconds: float
    """From its start to its end."""
    gigabytes: float
    """Its memory at its peak: the largest resident set of it or of a child it waited for."""
    clocks: Sequence[Mapping[str, Any]]
    """The lines ``CLOCK {...}`` of its standard error, of which there is one at least."""

    @property
    def clock(self) -> Mapping[str, Any]:
        """The last of these."""
        return self.clocks[-1]


def measure(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> ProcessUsage:
    """Run the command there, with ``env`` added to the environment; exits where it fails.

    Where this process is interrupted, the command's process and its children are killed.
    """
    start = time.time()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=os.environ | env,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stderr is not None
        try:
            with process.stderr:
                errors = process.stderr.read()  # to its end, which is the process's
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        process.returncode, ended = os.waitstatus_to_exitcode(status), time.time()
        lines = [line for line in errors.splitlines() if line.startswith("CLOCK ")]
        if not lines or process.returncode:
            output.seek(0)
            raise SystemExit(
                f"{output.read()}{errors}\n{command[0]} ended with {process.returncode}."
            )
    return ProcessUsage(
        started=start,
        seconds=ended - start,
        gigabytes=usage.ru_maxrss / 2**20,
        clocks=[json.loads(line.removeprefix("CLOCK ")) for line in lines],
    )


def limit_threads(threads: int, cores: Sequence[int]) -> dict[str, str]:
    """Variables that keep every library to so many; vLLM's are bound to the last of the cores."""
    variables = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL", "OPENBLAS")}
    bound = ",".join(map(str, cores[-threads:]))
    return variables | {"VLLM_CPU_OMP_THREADS_BIND": bound}
