"""Servers on the CPU, in the environment that ``make test-vllm`` installs: vLLM, transformers."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

PYTHON = Path(__file__).parents[2] / ".venv-vllm" / "bin" / "python"
MODEL = "tiny"
"""The server's name of its model."""
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "2",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}
_START_S = 600.0
"""Longest start; three processes import torch, which took 80 to 95 s on two busy cores."""
_STOP_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What a server counted; the names of the fields are those of its metrics."""

    prefix_cache_queries: float
    """Tokens of prompts."""
    prefix_cache_hits: float
    """Of these, the tokens whose keys and values were in its cache."""
    mm_cache_queries: float
    """Images of prompts."""
    mm_cache_hits: float
    """Of these, the images that it had prepared before."""
    process_cpu_seconds: float
    """Of the process that takes requests: HTTP, images and tokens, and no computing."""

    def __sub__(self, earlier: Self) -> Self:
        """What was counted in between."""
        names = [field.name for field in fields(self)]
        return type(self)(**{name: getattr(self, name) - getattr(earlier, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmServer:
    """A server that answers."""

    root: str
    """Its address, without /v1."""
    process: int
    """The process that takes requests and has started the others."""

    @property
    def url(self) -> str:
        """The base URL of its chat completions."""
        return f"{self.root}/v1"

    def read_counters(self) -> Counters:
        """What it has counted since its start."""
        with urllib.request.urlopen(f"{self.root}/metrics") as reply:  # noqa: S310 - it is http
            text = reply.read().decode()
        names = [field.name for field in fields(Counters)]
        return Counters(**{name: _read_counter(text, name) for name in names})


def _read_counter(text: str, name: str) -> float:
    """The value of a counter in Prometheus's format; raises ValueError if there is none."""
    match = re.search(rf"^(?:vllm:)?{name}_total(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
    if match is None:
        raise ValueError(f"the server's metrics have no {name}")
    return float(match[1])


@contextmanager
def start_server(
    folder: Path, log: Path, *arguments: str, variables: Mapping[str, str] = ENVIRONMENT
) -> Iterator[VllmServer]:
    """A vLLM server of a checkpoint, on a port of its own, while the block runs.

    Its output goes to ``log``, and ``variables`` are added to its environment; raises RuntimeError
    with the end of its output where it does not start.
    """
    port = _find_port()
    command = [str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", f"--model={folder}"]
    command += ["--dtype=float32", "--enforce-eager", "--max-model-len=1024"]
    command += [f"--served-model-name={MODEL}", "--host=127.0.0.1", f"--port={port}", *arguments]
    root = f"http://127.0.0.1:{port}"
    with _run_until_end(command, root, log, variables) as process:
        yield VllmServer(root=root, process=process)


@contextmanager
def start_transformers(folder: Path, log: Path) -> Iterator[str]:
    """``transformers serve`` of a checkpoint likewise; the base URL of its chat completions.

    Its name of the model is the directory.
    """
    port = _find_port()
    command = [str(PYTHON.parent / "transformers"), "serve", str(folder), "--dtype=float32"]
    command += ["--device=cpu", "--host=127.0.0.1", f"--port={port}"]
    root = f"http://127.0.0.1:{port}"
    with _run_until_end(command, root, log, ENVIRONMENT):
        yield f"{root}/v1"


def _find_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def _run_until_end(
    command: Sequence[str], root: str, log: Path, variables: Mapping[str, str]
) -> Iterator[int]:
    """Start a server, wait until it answers, give its process, and end it after the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=os.environ | variables,
            start_new_session=True,
        )
    try:
        _wait(root, process, log)
        yield process.pid
    finally:
        _stop(process)


def _wait(root: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; raises RuntimeError where it ends or takes too long."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"{root}/health", timeout=5),  # noqa: S310 - it is http
        ):
            return
        time.sleep(0.5)
    raise RuntimeError(f"The server does not start: {log.read_text(errors='replace')[-3_000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server, and the processes that it started."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
