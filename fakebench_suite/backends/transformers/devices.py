"""The device of a worker: a GPU of its own, or a share of the CPU cores."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from filelock import FileLock, Timeout
from joblib import cpu_count

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
    The cores are those that the affinity and the quota of this process leave it. OMP_NUM_THREADS
    may lower the number of threads: oversubscribed threads wait for each other in every matrix
    product. Raises EngineError if all GPUs are claimed.
    """
    claim = contextlib.ExitStack()
    count = count_gpus()
    if count == 0:
        threads = max(1, cpu_count() // workers)
        torch.set_num_threads(min(threads, torch.get_num_threads()))
        return ClaimedDevice(device="cpu", claim=claim)
    for index, name in enumerate(list_gpu_names()):
        if _lock_gpu(name, claim):
            return ClaimedDevice(device=f"cuda:{index}", claim=claim)
    raise EngineError(
        f"{'The only GPU is' if count == 1 else f'All {count} GPUs are'} claimed by other "
        f"workers. Use at most -n {count}, or wait for the other run to end."
    )


def list_gpu_names() -> list[str]:
    """Return the visible GPUs as CUDA_VISIBLE_DEVICES names them, by default by number."""
    count = count_gpus()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    named = len(visible) == count and all(visible)
    return visible if named else [str(index) for index in range(count)]


def _lock_gpu(name: str, claim: contextlib.ExitStack) -> bool:
    """Lock a GPU until the claim is closed, if no other process has."""
    lock = FileLock(Path(tempfile.gettempdir(), f"fakebench-gpu-{name}.lock"))
    with contextlib.suppress(Timeout):
        lock.acquire(timeout=0)
        claim.callback(lock.release)
        return True
    return False


def use_assigned_device(cores: int | None) -> str:
    """Return the GPU that a cluster assigned to this process, or set ``cores`` CPU threads.

    No lock is needed: the cluster assigns no GPU twice, and a lost replica may end late.
    """
    if cores is None:
        return "cuda:0"
    torch.set_num_threads(cores)
    return "cpu"


def claim_gpus(wanted: int) -> tuple[str, contextlib.ExitStack]:
    """Claim GPUs for one engine by locks, as ``claim_device`` claims one.

    Returns their names as CUDA_VISIBLE_DEVICES takes them, and what releases them. Without a GPU
    on this machine there is nothing to claim, and no name. Raises EngineError if too few are free.
    """
    claim = contextlib.ExitStack()
    names: list[str] = []
    for name in list_gpu_names():
        if len(names) < wanted and _lock_gpu(name, claim):
            names.append(name)
    count = count_gpus()
    if count and len(names) < wanted:
        claim.close()
        raise EngineError(
            f"The model needs {wanted} of this machine's {count} GPUs, and {len(names)} of them "
            "are free. Use fewer workers or smaller sizes, or wait for the other run to end."
        )
    return ",".join(names), claim
