"""A cache that is repeated for many rows and then grows token by token, without being copied.

Transformers appends to a cache by making a longer one, at every token, in every layer. A prefix of
hundreds of tokens, repeated for dozens of rows, would be copied once more for each of them.
"""

from typing import Any

import torch
from transformers.cache_utils import DynamicLayer

ROOM = 64
"""Tokens that a cache is made longer by when it is full."""


class RoomyLayer(DynamicLayer):
    """Keys and values with room behind them; what is seen of them are views of what is filled."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self._tensors = [keys, values]
        self.keys, self.values = keys, values

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values with the new ones, (rows, heads, tokens, size)."""
        filled = self.get_seq_length()
        for number, new in enumerate((key_states, value_states)):
            self._tensors[number] = write_behind(self._tensors[number], filled, new)
        seen = filled + key_states.shape[-2]
        self.keys, self.values = (tensor[:, :, :seen] for tensor in self._tensors)
        return self.keys, self.values


def write_behind(tensor: torch.Tensor, filled: int, new: torch.Tensor) -> torch.Tensor:
    """The tensor with ``new`` after its first ``filled`` tokens; a longer one where it is full."""
    end = filled + new.shape[-2]
    if end > tensor.shape[-2]:
        rows, heads, _, size = tensor.shape
        longer = tensor.new_empty((rows, heads, end + ROOM, size))
        longer[:, :, :filled] = tensor[:, :, :filled]
        tensor = longer
    tensor[:, :, filled:end] = new
    return tensor


def repeat_cache(cache: Any, owners: torch.Tensor) -> None:
    """Make each row of the cache as many rows as it owns, in place.

    Layers of other kinds than transformers' ordinary one (windows, states) are left as they are.
    """
    cache.reorder_cache(owners)
    for number, layer in enumerate(getattr(cache, "layers", ())):
        if type(layer) is DynamicLayer and layer.keys is not None and layer.values is not None:
            cache.layers[number] = RoomyLayer(layer.keys, layer.values)
