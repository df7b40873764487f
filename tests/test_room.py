"""A repeated cache grows without being copied, and holds what any other would."""

from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DynamicCache

from fakebench_suite.adapters.room import ROOM, RoomyLayer, repeat_cache


def draw(rows: int, tokens: int) -> torch.Tensor:
    """States of two heads and three numbers."""
    return torch.randn(rows, 2, tokens, 3)


def make_cache() -> Any:
    """An empty cache."""
    return DynamicCache()


def fill_cache(rows: int, tokens: int) -> Any:
    """A cache of two layers."""
    cache = make_cache()
    for layer in range(2):
        cache.update(draw(rows, tokens), draw(rows, tokens), layer)
    return cache


@given(
    owners=st.lists(st.integers(0, 2), min_size=1, max_size=5),
    steps=st.lists(st.integers(1, ROOM + 3), min_size=1, max_size=6),
)
def test_states_are_those_of_an_ordinary_cache(owners: list[int], steps: list[int]) -> None:
    """Whatever is repeated and appended, keys, values and lengths are transformers' own."""
    ours, theirs = fill_cache(3, 4), make_cache()
    for number, layer in enumerate(ours.layers):
        theirs.update(layer.keys.clone(), layer.values.clone(), number)
    repeat_cache(ours, torch.tensor(owners))
    theirs.reorder_cache(torch.tensor(owners))
    for tokens in steps:
        for number in range(2):
            new = draw(len(owners), tokens), draw(len(owners), tokens)
            seen = ours.update(*new, number)
            for one, other in zip(seen, theirs.update(*new, number), strict=True):
                assert torch.equal(one, other)
        assert ours.get_seq_length() == theirs.get_seq_length()
        assert ours.get_mask_sizes(1, 0) == theirs.get_mask_sizes(1, 0)


def test_new_tokens_move_no_old_ones() -> None:
    """After the first new token the states stay where they are for the next ROOM."""
    cache = fill_cache(1, 4)
    repeat_cache(cache, torch.tensor([0, 0]))
    places = set()
    for _ in range(ROOM + 1):
        keys, values = cache.update(draw(2, 1), draw(2, 1), 0)
        places.add((keys.data_ptr(), values.data_ptr()))
    assert len(places) == 1
    assert isinstance(cache.layers[0], RoomyLayer)


def test_a_cropped_cache_goes_on_from_what_is_left() -> None:
    """What was cropped is written over."""
    cache = fill_cache(1, 4)
    repeat_cache(cache, torch.tensor([0]))
    cache.update(draw(1, 3), draw(1, 3), 0)
    cache.layers[0].crop(-2)
    new = draw(1, 1)
    keys, _ = cache.update(new, draw(1, 1), 0)
    assert keys.shape[-2] == 6
    assert torch.equal(keys[:, :, -1:], new)
