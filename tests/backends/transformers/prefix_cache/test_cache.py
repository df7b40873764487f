"""Rows that share a prefix get what a cache repeated for each of them would give."""

import gc
import weakref
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DynamicCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from fakebench_suite.backends.transformers.prefix_cache.attention import shared_prefix_attention
from fakebench_suite.backends.transformers.prefix_cache.cache import (
    GROWTH_TOKENS,
    SharedPrefixLayer,
    concat_caches,
    enable_sharing,
    lay_out_groups,
)

KEY_HEADS, SIZE = 2, 8


def draw(rows: int, tokens: int, heads: int = KEY_HEADS) -> torch.Tensor:
    """States of so many heads, as a model hands them to its attention."""
    return torch.randn(rows, tokens, heads, SIZE).transpose(1, 2)


def fill_cache(rows: int, tokens: int, layers: int = 1) -> Any:
    """A cache that has read so many tokens."""
    cache: Any = DynamicCache()
    for layer in range(layers):
        cache.update(draw(rows, tokens), draw(rows, tokens), layer)
    return cache


def draw_mask(rows: int, new: int, length: int, kind: str) -> torch.Tensor | None:
    """Holes anywhere, but no new token sees nothing; additive where asked for."""
    if kind == "none" and new == 1:
        return None
    mask = torch.rand(rows, 1, new, length) > 0.3
    mask[..., 0] = True
    if kind != "additive":
        return mask
    return torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)


@given(
    owners=st.lists(st.integers(0, 3), max_size=4).map(lambda extra: sorted([0, 1, 2, 3, *extra])),
    repeats=st.sampled_from([1, 3]),
    steps=st.lists(st.sampled_from([1, 1, 2, 5, GROWTH_TOKENS + 3]), min_size=1, max_size=5),
    kind=st.sampled_from(["none", "boolean", "additive"]),
    scaling=st.sampled_from([None, 0.5]),
)
def test_rows_get_what_a_repeated_cache_gives(
    owners: list[int], repeats: int, steps: list[int], kind: str, scaling: float | None
) -> None:
    """Whatever groups, heads and masks there are, and however the rows grow."""
    shared_cache = fill_cache(4, 6)
    plain_cache: Any = DynamicCache()
    plain_cache.update(
        shared_cache.layers[0].keys.clone(), shared_cache.layers[0].values.clone(), 0
    )
    plain_cache.reorder_cache(torch.tensor(owners))
    enable_sharing(shared_cache, torch.tensor(owners))
    module = torch.nn.Module()
    module.num_key_value_groups = repeats  # type: ignore[assignment]  # as transformers' modules
    for new in steps:
        query = draw(len(owners), new, KEY_HEADS * repeats)
        states = draw(len(owners), new), draw(len(owners), new)
        shared_states, plain_states = (
            shared_cache.update(*states, 0),
            plain_cache.update(*states, 0),
        )
        assert shared_cache.get_seq_length() == plain_cache.get_seq_length()
        assert shared_cache.get_mask_sizes(1, 0) == plain_cache.get_mask_sizes(1, 0)
        mask = draw_mask(len(owners), new, shared_cache.get_seq_length(), kind)
        output, _ = shared_prefix_attention(
            module, query, shared_states[0], shared_states[1], mask, scaling=scaling
        )
        expected, _ = sdpa_attention_forward(
            module, query, plain_states[0], plain_states[1], mask, scaling=scaling, is_causal=False
        )
        assert output.shape == expected.shape
        assert torch.allclose(output, expected, atol=1e-5)


def test_scores_are_held_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long question no more are computed at a time than there is room for."""
    cache = fill_cache(2, 6)
    enable_sharing(cache, torch.tensor([0, 0, 0, 1]))
    query, states = draw(4, 5), (draw(4, 5), draw(4, 5))
    keys, values = cache.update(*states, 0)
    mask = draw_mask(4, 5, 11, "boolean")
    unsplit, _ = shared_prefix_attention(torch.nn.Module(), query, keys, values, mask)
    monkeypatch.setattr(
        "fakebench_suite.backends.transformers.prefix_cache.attention.MAX_SCORES", 2 * 5 * 11 * 2
    )
    split, _ = shared_prefix_attention(torch.nn.Module(), query, keys, values, mask)
    assert torch.allclose(unsplit, split, atol=1e-6)


def test_a_question_without_a_mask_is_refused() -> None:
    """Its words would see those after them; the trial then repeats the cache."""
    cache = fill_cache(1, 6)
    enable_sharing(cache, torch.tensor([0]))
    keys, values = cache.update(draw(1, 2), draw(1, 2), 0)
    with pytest.raises(ValueError, match="need a mask"):
        shared_prefix_attention(torch.nn.Module(), draw(1, 2), keys, values, None)


def test_other_keys_are_attended_to_as_ever() -> None:
    """Vision towers and whole prompts go through sdpa as transformers calls it, to the bit."""
    states = draw(3, 5), draw(3, 5), draw(3, 5)
    output, _ = shared_prefix_attention(torch.nn.Module(), *states, None, is_causal=True)
    expected, _ = sdpa_attention_forward(torch.nn.Module(), *states, None, is_causal=True)
    assert torch.equal(output, expected)


def test_sixteen_bits_are_weighed_in_thirty_two() -> None:
    """In bfloat16 only the result is rounded."""
    cache = fill_cache(2, 300)
    half = [getattr(cache.layers[0], name).bfloat16() for name in ("keys", "values")]
    cache.layers[0].keys, cache.layers[0].values = half
    owners = torch.tensor([0, 0, 1])
    exact = fill_cache(2, 300)
    exact.layers[0].keys, exact.layers[0].values = (tensor.float() for tensor in half)
    query, keys, values = (draw(3, 1).bfloat16() for _ in range(3))
    results = []
    for sharing, kind in ((cache, torch.bfloat16), (exact, torch.float32)):
        enable_sharing(sharing, owners)
        states = sharing.update(keys.to(kind), values.to(kind), 0)
        results.append(
            shared_prefix_attention(torch.nn.Module(), query.to(kind), states[0], states[1], None)[
                0
            ]
        )
    assert results[0].dtype == torch.bfloat16
    assert torch.equal(results[0], results[1].bfloat16())


@given(owners=st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_every_row_comes_back_to_its_place(owners: list[int]) -> None:
    """Rows in any order, groups of any size."""
    _, groups = torch.unique(torch.tensor(owners), return_inverse=True)
    seats = lay_out_groups(groups)
    rows = torch.arange(len(owners) * 2).view(-1, 2)
    arranged = seats.arrange(rows)
    assert torch.equal(seats.collect(arranged), rows)
    for group, tokens in enumerate(arranged):
        assert {owners[int(number) // 2] for number in tokens[:, 0]} == {sorted(set(owners))[group]}


def test_a_prefix_is_kept_once() -> None:
    """Forty rows hold what their two groups have read, and their own tokens beside it."""
    cache = fill_cache(2, 500)
    enable_sharing(cache, torch.arange(40) // 20)
    cache.update(draw(40, 1), draw(40, 1), 0)
    (layer,) = cache.layers
    assert isinstance(layer, SharedPrefixLayer)
    assert layer.prefix[0].shape == (2, KEY_HEADS, 500, SIZE)


def test_new_tokens_move_no_old_ones() -> None:
    """After the first new token the states stay where they are for the next GROWTH_TOKENS."""
    cache = fill_cache(1, 4)
    enable_sharing(cache, torch.tensor([0, 0]))
    addresses = set()
    for _ in range(GROWTH_TOKENS + 1):
        addresses.add(
            tuple(tensor.data_ptr() for tensor in cache.update(draw(2, 1), draw(2, 1), 0))
        )
    assert len(addresses) == 1


def test_a_cache_goes_with_its_last_user() -> None:
    """No circle keeps a batch's states until somebody collects garbage."""
    cache = fill_cache(1, 4)
    enable_sharing(cache, torch.tensor([0, 0]))
    layer = weakref.ref(cache.layers[0])
    states = cache.update(draw(2, 1), draw(2, 1), 0)
    gc.disable()
    try:
        del cache, states
        assert layer() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("lengths", [(3, 3), (2, 5, 4)])
def test_joined_caches_are_those_of_one_batch(lengths: tuple[int, ...]) -> None:
    """Each row is filled at the left to the common width, in every layer."""
    caches = [fill_cache(1, length, layers=2) for length in lengths]
    rows = [[layer.values.clone() for layer in cache.layers] for cache in caches]
    joined = concat_caches(caches, max(lengths))
    for number, layer in enumerate(joined.layers):
        assert layer.keys.shape == (len(lengths), KEY_HEADS, max(lengths), SIZE)
        for row, length in enumerate(lengths):
            assert torch.equal(layer.values[row : row + 1, :, -length:], rows[row][number])
            assert not layer.values[row, :, : max(lengths) - length].any()
