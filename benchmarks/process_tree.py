"""A process with all that it started: processor time, cores and memory, as Linux counts them.

Imports nothing but Python's own, because peers' environments run it too.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

WORKER = "VLLM::Worker"
"""The name of vLLM's processes that compute."""
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PARENT, _TIMES = 1, slice(11, 15)
"""Places in a line of /proc/PID/stat after the process's name: its parent, and the ticks that it
and the children it waited for were computing, for themselves and in the kernel."""


def read_cpu_seconds(process: int) -> float:
    """Processor time of a process, of those that it started and of those they waited for."""
    stats = _read_stats()
    tree = _list_tree(process, stats)
    ticks = sum(int(tick) for child in tree for tick in stats.get(child, [])[_TIMES])
    return ticks / _TICKS


def list_worker_cores(process: int) -> list[int]:
    """The cores to which the threads of vLLM's workers are bound that a process has started."""
    cores = set[int]()
    for child in _list_tree(process, _read_stats()):
        with suppress(OSError):  # It has ended.
            if Path(f"/proc/{child}/comm").read_text(encoding="utf-8").startswith(WORKER):
                cores |= os.sched_getaffinity(child)
    return sorted(cores)


def read_gigabytes(process: int) -> float:
    """The peak of the resident memory of the largest process of a tree."""
    peaks = [0]
    for child in _list_tree(process, _read_stats()):
        with suppress(OSError):
            lines = Path(f"/proc/{child}/status").read_text(encoding="utf-8").splitlines()
            peaks += [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return max(peaks) / 2**20


def _list_tree(process: int, stats: Mapping[int, Sequence[str]]) -> Sequence[int]:
    """A process and the living ones that it and its children started."""
    tree, new = [process], {process}
    while new:
        new = {child for child, stat in stats.items() if int(stat[_PARENT]) in new}
        tree += sorted(new)
    return tree


def _read_stats() -> dict[int, list[str]]:
    """What /proc tells of every process, from its state on."""
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            text = path.read_text(encoding="utf-8", errors="replace")
            stats[int(path.parent.name)] = text.rpartition(")")[2].split()
    return stats
