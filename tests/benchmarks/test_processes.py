"""Processes of their own, what they took, and what runs below them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.process_tree import list_worker_cores, read_cpu_seconds, read_gigabytes
from benchmarks.processes import limit_threads, measure

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="The kernel has no /proc."),
]
CHILD = """
import subprocess, sys, time
child = [sys.executable, "-c", "for n in range(10**7): pass\\nprint(flush=True)\\ninput()"]
grandchild = subprocess.Popen(child, stdin=sys.stdin, stdout=sys.stdout)
grandchild.wait()
"""


def test_the_clocks_of_all_sets_are_read(tmp_path: Path) -> None:
    """In their order, among other lines."""
    lines = ["x", 'CLOCK {"set": 1}', "y", 'CLOCK {"set": 2}']
    script = f"import sys; sys.stderr.writelines(f'{{line}}\\n' for line in {lines})"
    usage = measure([sys.executable, "-c", script], cwd=tmp_path, env={})
    assert [clock["set"] for clock in usage.clocks] == [1, 2]
    assert usage.clock == {"set": 2}
    assert usage.seconds > 0
    assert usage.gigabytes > 0


def test_a_process_that_fails_ends_the_benchmark_with_its_errors(tmp_path: Path) -> None:
    """Also where it has told its clock before."""
    script = "import sys; print('CLOCK {}', file=sys.stderr); sys.exit('the disk is full')"
    with pytest.raises(SystemExit, match="the disk is full"):
        measure([sys.executable, "-c", script], cwd=tmp_path, env={})


def test_processor_time_is_that_of_children_too() -> None:
    """While they live; the memory is that of the largest."""
    before = read_cpu_seconds(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        of_child = read_cpu_seconds(process.pid)
        assert of_child > 0.1
        # Whole ticks of 0.01 s, and a difference of two floats that may be less by the last bit.
        assert round(read_cpu_seconds(os.getpid()) - before, 2) >= of_child
        assert read_gigabytes(os.getpid()) > read_gigabytes(process.pid) > 0
        assert list_worker_cores(process.pid) == []
        process.communicate(b"\n")


def test_cores_are_those_of_workers_of_vllm() -> None:
    """By the name that vLLM gives them; others are left out."""
    core = min(os.sched_getaffinity(0))
    script = (
        f"import os, pathlib; os.sched_setaffinity(0, [{core}]);"
        "pathlib.Path('/proc/self/comm').write_text('VLLM::Worker_TP'); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list_worker_cores(os.getpid()) == [core]
        process.communicate(b"\n")
    assert list_worker_cores(os.getpid()) == []


def test_threads_are_limited_for_every_library() -> None:
    """And vLLM computes on the last cores, where its front does not need to be."""
    variables = limit_threads(2, [0, 3, 5])
    assert variables["OMP_NUM_THREADS"] == variables["MKL_NUM_THREADS"] == "2"
    assert variables["VLLM_CPU_OMP_THREADS_BIND"] == "3,5"
