"""A key-value cache whose rows share prefixes, each stored once instead of once per row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad
from transformers.cache_utils import DynamicLayer

GROWTH_TOKENS = 64
"""Tokens by which a row's own part grows when it is full."""
LAYER_ATTRIBUTE = "fakebench_layer"
"""Attribute of a shared layer's keys by which attention finds the layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLayout:
    """The rows of a batch, arranged by group."""

    rows: torch.Tensor
    """(groups, rows of the largest): row indices; smaller groups are filled with their first
    row."""
    inverse: torch.Tensor | None
    """(rows,): flat position of each row in ``rows``; None if rows are in order and groups
    equal."""

    def arrange(self, value: torch.Tensor) -> torch.Tensor:
        """Arrange (rows, ...) as (groups, rows of each, ...)."""
        if self.inverse is None:
            return value.view(*self.rows.shape, *value.shape[1:])
        return value[self.rows]

    def to(self, device: torch.device) -> "GroupLayout":
        """Return the same layout on a device."""
        inverse = None if self.inverse is None else self.inverse.to(device)
        return GroupLayout(rows=self.rows.to(device), inverse=inverse)

    def collect(self, value: torch.Tensor) -> torch.Tensor:
        """Collect (groups, rows of each, ...) as (rows, ...)."""
        value = value.flatten(0, 1)
        return value if self.inverse is None else value[self.inverse]


def lay_out_groups(owners: torch.Tensor) -> GroupLayout:
    """Return the layout of rows by the index of the group that owns each; no group is empty.

    Its shapes depend on values, so it is fast on the CPU, and a GPU is waited for at every group.
    """
    groups = [(owners == group).nonzero().flatten() for group in range(int(owners.max()) + 1)]
    largest = max(len(group) for group in groups)
    rows = torch.stack(
        [torch.cat([group, group[:1].expand(largest - len(group))]) for group in groups]
    )
    in_order = torch.equal(rows.flatten(), torch.arange(len(owners), device=rows.device))
    inverse = torch.empty_like(owners)
    for index, group in enumerate(groups):
        inverse[group] = index * largest + torch.arange(len(group), device=inverse.device)
    return GroupLayout(rows=rows, inverse=None if in_order else inverse)


class SharedPrefixLayer(DynamicLayer):
    """Keys and values of prefixes, one per group, and those that each row adds.

    Append-only: it supports what greedy decoding needs.
    """

    is_croppable = False

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, layout: GroupLayout) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self.prefix = keys.float(), values.float()
        """(groups, heads, tokens, size) each, in the 32 bits in which attention is computed: made
        once, not for every new token."""
        self.layout = layout
        self.filled = 0
        """Tokens that each row has added."""
        groups, heads = keys.shape[:2]
        shape = (groups, heads, layout.rows.shape[1], 0)
        self._own = [states.new_empty((*shape, states.shape[-1])) for states in (keys, values)]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append states; return the rows' own, (groups, heads, rows of each, tokens, size).

        The keys have an attribute that refers to this layer, and so to the prefix.
        """
        end = self.filled + key_states.shape[-2]
        for index, new in enumerate((key_states, value_states)):
            arranged = self.layout.arrange(new).transpose(1, 2)
            self._own[index] = append_tokens(self._own[index], self.filled, arranged)
        self.filled = end
        keys, values = (own[..., :end, :] for own in self._own)
        setattr(keys, LAYER_ATTRIBUTE, self)
        return keys, values

    def get_seq_length(self) -> int:
        """Return the tokens of a row, including its prefix."""
        return int(self.prefix[0].shape[-2]) + self.filled


def append_tokens(tensor: torch.Tensor, filled: int, new: torch.Tensor) -> torch.Tensor:
    """Return the tensor with ``new`` after its first ``filled`` tokens, enlarged if it is full."""
    end = filled + new.shape[-2]
    if end > tensor.shape[-2]:
        longer = tensor.new_empty((*tensor.shape[:-2], end + GROWTH_TOKENS, tensor.shape[-1]))
        longer[..., :filled, :] = tensor[..., :filled, :]
        tensor = longer
    tensor[..., filled:end, :] = new
    return tensor


def concat_caches(caches: Sequence[Any], width: int) -> Any:
    """Concatenate caches of one row each, padded at the left to ``width``; changes the first."""
    joined = caches[0]
    for index, layer in enumerate(joined.layers):
        layers = [cache.layers[index] for cache in caches]
        for name in ("keys", "values"):
            states = [getattr(cache_layer, name) for cache_layer in layers]
            paddings = [width - state.shape[-2] for state in states]
            pairs = zip(states, paddings, strict=True)
            setattr(
                layer, name, torch.cat([pad(state, (0, 0, padding, 0)) for state, padding in pairs])
            )
    return joined


def can_share(cache: Any) -> bool:
    """Return whether every layer is an ordinary DynamicLayer, without window or state."""
    layers = getattr(cache, "layers", ())
    return bool(layers) and all(
        type(layer) is DynamicLayer and layer.keys is not None for layer in layers
    )


def enable_sharing(cache: Any, owners: torch.Tensor) -> None:
    """Let rows continue from the cache rows that own them, in place; ``owners`` are on the CPU."""
    layout = lay_out_groups(owners).to(cache.layers[0].keys.device)
    for index, layer in enumerate(cache.layers):  # One by one: states of two kinds take memory.
        cache.layers[index] = SharedPrefixLayer(layer.keys, layer.values, layout)
