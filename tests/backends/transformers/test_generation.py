"""Inputs on their way to the model's device."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fakebench_suite.backends.transformers.generation import GreedyGenerator

INPUTS = {"input_ids": torch.tensor([[1, 2]]), "pixel_values": torch.tensor([[0.1, 0.2]])}


def make_decoder(device: str) -> GreedyGenerator:
    """A decoder of a model in bfloat16, which computes nothing."""
    model: Any = SimpleNamespace(device=torch.device(device), dtype=torch.bfloat16)
    return GreedyGenerator(model, settings=None)  # type: ignore[arg-type]


def test_inputs_are_rounded_to_the_precision_of_the_model() -> None:
    """Numbers of tokens stay what they are; rounding twice changes nothing."""
    decoder = make_decoder("cpu")
    staged = decoder.stage(INPUTS)
    assert {name: value.dtype for name, value in staged.items()} == {
        "input_ids": torch.int64,
        "pixel_values": torch.bfloat16,
    }
    for inputs in (decoder.to_device(INPUTS), decoder.to_device(staged)):
        assert all(torch.equal(value, staged[name]) for name, value in inputs.items())


def test_a_gpu_copies_from_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each input is pinned after it is rounded, which halves what is copied."""
    pinned: list[torch.dtype] = []

    def pin(value: torch.Tensor) -> torch.Tensor:
        pinned.append(value.dtype)
        return value

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    make_decoder("cuda:0").stage(INPUTS)
    assert pinned == [torch.int64, torch.bfloat16]
    make_decoder("cpu").stage(INPUTS)
    assert len(pinned) == 2
