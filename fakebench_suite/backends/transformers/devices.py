"""The device of a worker: a GPU of its own, or a share of the CPU cores."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from filelock import FileLock, Timeout

from fakebench_suite.errors import EngineError


def count_gpus() -> int:
    """Return the number of GPUs visible to this process."""
    return torch.cuda.device_count()


def describe_device(device: str) -> str:
    """Return the product name of a GPU; the device itself for others."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


class ClaimedDevice(NamedTuple):
    """A device of this worker, and what releases it when it is closed."""

    device: str
    claim: contextlib.ExitStack


def claim_device(workers: int) -> ClaimedDevice:
    """Claim a GPU for this worker by a lock, or set its share of the CPU cores.

    ``workers`` is the number of workers on this machine. Closing the claim releases the GPU; so
    does the end of the process, so that a restarted worker gets the GPU of the one that crashed.
    OMP_NUM_THREADS may lower the number of threads: oversubscribed threads wait for each other in
    every matrix product. Raises EngineError if all GPUs are claimed.
    """
    claim = contextlib.ExitStack()
    count = count_gpus()
    if count == 0:
        threads = max(1, (os.cpu_count() or 1) // workers)
        torch.set_num_threads(min(threads, torch.get_num_threads()))
        return ClaimedDevice(device="cpu", claim=claim)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    for index in range(count):
        name = visible[index] if len(visible) == count and visible[index] else str(index)
        lock = FileLock(Path(tempfile.gettempdir(), f"fakebench-gpu-{name}.lock"))
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=0)
            claim.callback(lock.release)
            return ClaimedDevice(device=f"cuda:{index}", claim=claim)
    raise EngineError(
        f"{'The only GPU is' if count == 1 else f'All {count} GPUs are'} claimed by other "
        f"workers. Use at most -n {count}, or wait for the other run to end."
    )


def use_assigned_device(cores: int | None) -> str:
    """Return the GPU that a cluster assigned to this process, or set ``cores`` CPU threads.

    No lock is needed: the cluster assigns no GPU twice, and a lost replica may end late.
    """
    if cores is None:
        return "cuda:0"
    torch.set_num_threads(cores)
    return "cpu"
