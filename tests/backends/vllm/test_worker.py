"""What the suite adds to vLLM's workers: they end with the process of the run."""

import os
import subprocess
import sys
import time

import pytest

from fakebench_suite.backends.vllm.worker import has_ended

ATTACHED = """
import time
from fakebench_suite.backends.vllm.worker import WorkerExtension

WorkerExtension().attach_to_run({process})
time.sleep(60)
"""


@pytest.mark.process
def test_a_process_that_nobody_waits_for_has_ended() -> None:
    """Its number is still taken."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    deadline = time.monotonic() + 30
    while not has_ended(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, 0)
    process.wait()
    assert has_ended(process.pid)
    assert not has_ended(os.getpid())


@pytest.mark.process
def test_a_worker_ends_with_the_run() -> None:
    """However that ends."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as run:
        worker = subprocess.Popen([sys.executable, "-c", ATTACHED.format(process=run.pid)])
        time.sleep(1.0)
        assert worker.poll() is None
        run.kill()
        assert worker.wait(30) == 1
