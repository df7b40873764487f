"""Workers share a machine: a GPU each, or their share of the cores."""

import os
import sys
from pathlib import Path

import pytest
import torch

from fakebench_suite.backends.transformers import devices
from fakebench_suite.backends.transformers.devices import claim_device, claim_gpus
from fakebench_suite.errors import EngineError


def test_each_worker_claims_a_gpu_and_a_released_one_is_claimed_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two GPUs serve two workers; a third is refused; the GPU of one that left is free again."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first, claim = claim_device(3)
    second, _other = claim_device(3)
    assert (first, second) == ("cuda:0", "cuda:1")
    with pytest.raises(EngineError, match="All 2 GPUs are claimed"):
        claim_device(3)
    claim.close()
    assert claim_device(3)[0] == "cuda:0"


def test_without_a_gpu_the_cores_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers on n cores compute with half of them each, and never with none."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(devices, "cpu_count", lambda: 8)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(8)
        assert claim_device(2)[0] == "cpu"
        assert torch.get_num_threads() == 4
        claim_device(10_000)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_worker_takes_no_more_threads_than_torch_was_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OMP_NUM_THREADS=3 leaves three of eight cores to one worker, and two to each of four."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(devices, "cpu_count", lambda: 8)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        claim_device(1)
        assert torch.get_num_threads() == 3
        claim_device(4)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux sets an affinity")
def test_the_affinity_of_a_process_limits_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine may have more cores than this process may use."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    before, cores = torch.get_num_threads(), os.sched_getaffinity(0)
    try:
        torch.set_num_threads(2)
        os.sched_setaffinity(0, {min(cores)})
        claim_device(1)
        assert torch.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(before)


def test_an_engine_claims_as_many_gpus_as_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the names that CUDA_VISIBLE_DEVICES gives them; what it cannot have it gives back."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    names, claim = claim_gpus(2)
    assert names == "4,5"
    with pytest.raises(EngineError, match="needs 2 of this machine's 3 GPUs, and 1 of them"):
        claim_gpus(2)
    assert claim_gpus(1)[0] == "6"
    claim.close()
    assert claim_gpus(2)[0] == "4,5"


def test_without_a_gpu_there_is_nothing_to_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine on the CPU takes what there is."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert claim_gpus(1)[0] == ""
