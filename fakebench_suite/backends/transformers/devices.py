"""Which device a worker computes on: a GPU of its own, or its share of the cores."""

import contextlib
import os
import tempfile
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from fakebench_suite.errors import EngineError


def count_gpus() -> int:
    """GPUs visible to this process."""
    return torch.cuda.device_count()


def describe_device(device: str) -> str:
    """The name a GPU has from its maker; other devices have none but their own."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def claim_device(workers: int) -> tuple[str, contextlib.ExitStack]:
    """A GPU of this worker's own, claimed with a lock, or the CPU with its share of the cores.

    Torch takes fewer threads where it was told so (OMP_NUM_THREADS): two threads on cores that
    others use wait for each other at every product.

    The claim is held until the returned stack closes or the process ends, so a restarted worker
    inherits the GPU of the one that crashed. Raises EngineError when all GPUs are claimed.
    """
    held = contextlib.ExitStack()
    count = count_gpus()
    if count == 0:
        share = max(1, (os.cpu_count() or 1) // workers)
        torch.set_num_threads(min(share, torch.get_num_threads()))
        return "cpu", held
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    for index in range(count):
        name = visible[index] if len(visible) == count and visible[index] else str(index)
        lock = FileLock(Path(tempfile.gettempdir(), f"fakebench-gpu-{name}.lock"))
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=0)
            held.callback(lock.release)
            return f"cuda:{index}", held
    raise EngineError(
        f"{'The only GPU is' if count == 1 else f'All {count} GPUs are'} claimed by other "
        f"workers. Use at most -n {count}, or wait for the other run to end."
    )


def use_assigned_device(cores: int | None) -> str:
    """The GPU that a cluster gave to this process alone, or else so many cores of the CPU.

    Nothing is claimed: the cluster gives no GPU twice, and a lost replica may end a little late.
    """
    if cores is None:
        return "cuda:0"
    torch.set_num_threads(cores)
    return "cpu"
