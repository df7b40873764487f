"""How many tokens one forward pass may hold, and what is remembered when they were too many."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fakebench_suite.backends.transformers.memory import (
    MAX_CPU_TOKENS,
    BatchTokenLimit,
    bytes_per_token,
    estimate_capacity,
)

GIGABYTE = 2**30


def make_model(device: str, **text: int) -> Any:
    """What a budget looks at: the device, the precision and the language model's config."""
    config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(**text))
    return SimpleNamespace(device=torch.device(device), dtype=torch.bfloat16, config=config)


EIGHT_BILLION = {
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 4096,
    "intermediate_size": 12288,
}


def test_a_token_costs_its_keys_and_values_and_some_activations() -> None:
    """For eight billion parameters: 144 KiB of cache and about 100 KiB of one layer's work."""
    assert bytes_per_token(make_model("cpu", **EIGHT_BILLION)) == 2 * (
        2 * 36 * 8 * 128 + 4 * 4096 + 3 * 12288
    )
    assert bytes_per_token(make_model("cpu")) == 2**20


def test_a_gpu_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Part of what is free, and of what torch holds unused, is shared out by the token."""
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda _: (50 * GIGABYTE, 80 * GIGABYTE))
    monkeypatch.setattr("torch.cuda.memory_reserved", lambda _: 20 * GIGABYTE)
    monkeypatch.setattr("torch.cuda.memory_allocated", lambda _: 16 * GIGABYTE)
    model = make_model("cuda:0", **EIGHT_BILLION)
    assert estimate_capacity(model) == 2**17 <= 0.6 * 54 * GIGABYTE / bytes_per_token(model) < 2**18
    assert BatchTokenLimit(model, tokens=None, rows=None, new=512).count_rows(1_100) == 81


def test_a_little_more_memory_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are cut alike on machines of a kind, whatever else holds a few megabytes there."""
    monkeypatch.setattr("torch.cuda.memory_reserved", lambda _: 0)
    monkeypatch.setattr("torch.cuda.memory_allocated", lambda _: 0)
    rooms = set()
    for gigabytes in (55.0, 55.1, 56.3):
        monkeypatch.setattr(
            "torch.cuda.mem_get_info", lambda _, gigabytes=gigabytes: (gigabytes * 2**30, 0)
        )
        rooms.add(estimate_capacity(make_model("cuda:0", **EIGHT_BILLION)))
    assert len(rooms) == 1


def test_a_cpu_gets_a_fixed_share() -> None:
    """Small models get a fixed number of tokens, large ones as many as two gigabytes hold."""
    assert (
        estimate_capacity(make_model("cpu", **EIGHT_BILLION | {"num_hidden_layers": 2}))
        == MAX_CPU_TOKENS
    )
    model = make_model("cpu", **EIGHT_BILLION | {"num_key_value_heads": 32})
    assert (
        estimate_capacity(model)
        <= 2 * GIGABYTE // bytes_per_token(model)
        < 2 * estimate_capacity(model)
    )
    assert estimate_capacity(model) < MAX_CPU_TOKENS


def test_rows_and_tokens_both_bound() -> None:
    """New tokens count as much as those of the prompt; a card's batch size holds whatever fits."""
    model = make_model("cpu")
    budget = BatchTokenLimit(model, tokens=1_000, rows=None, new=50)
    assert budget.fits(5, 150)
    assert not budget.fits(5, 151)
    assert budget.fits(4, 150, shared_tokens=200)
    assert not budget.fits(4, 150, shared_tokens=201)
    assert not budget.fits(4, 150, shared_tokens=200, padded_rows=5)
    assert budget.count_rows(150) == 5
    assert budget.count_rows(10**9) == 1
    assert BatchTokenLimit(model, tokens=1_000, rows=2, new=50).count_rows(150) == 2
    assert not BatchTokenLimit(model, tokens=1_000, rows=2, new=50).fits(3, 1)


@given(
    st.lists(
        st.tuples(st.integers(1, 99), st.integers(1, 9_999), st.integers(0, 9_999)), min_size=1
    )
)
def test_what_did_not_fit_is_remembered(failures: list[tuple[int, int, int]]) -> None:
    """After running out of memory the budget never grows, and what failed is not tried again."""
    budget = BatchTokenLimit(make_model("cpu"), tokens=100_000, rows=None, new=10)
    for failure in failures:
        before = budget.tokens
        rows, width, shared_tokens = failure
        budget.reduce(rows, width, shared_tokens=shared_tokens)
        assert budget.tokens <= before
        assert not budget.fits(rows, width, shared_tokens=shared_tokens)
    assert budget.count_rows(1) >= 1
