"""A cache whose rows share prefixes: each is kept once, not once for every row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad
from transformers.cache_utils import DynamicLayer

GROWTH_TOKENS = 64
"""Tokens that a row's own part is made longer by when it is full."""
LAYER_ATTRIBUTE = "fakebench_layer"
"""Attribute of a shared layer's keys, under which attention finds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLayout:
    """Rows of a batch, arranged by the group they belong to."""

    rows: torch.Tensor
    """(groups, most rows of any): numbers of rows; a smaller group's first row fills its rest."""
    back: torch.Tensor | None
    """(rows,): where each row sits, counted through; None where they sit in their own order."""

    def arrange(self, value: torch.Tensor) -> torch.Tensor:
        """(rows, ...) -> (groups, rows of each, ...)."""
        if self.back is None:
            return value.view(*self.rows.shape, *value.shape[1:])
        return value[self.rows]

    def collect(self, value: torch.Tensor) -> torch.Tensor:
        """(groups, rows of each, ...) -> (rows, ...)."""
        value = value.flatten(0, 1)
        return value if self.back is None else value[self.back]


def lay_out_groups(owners: torch.Tensor) -> GroupLayout:
    """Seats for rows, by the number of the group that owns each; no group is without a row."""
    groups = [(owners == group).nonzero().flatten() for group in range(int(owners.max()) + 1)]
    most = max(len(group) for group in groups)
    rows = torch.stack([torch.cat([one, one[:1].expand(most - len(one))]) for one in groups])
    in_order = torch.equal(rows.flatten(), torch.arange(len(owners), device=rows.device))
    back = torch.empty_like(owners)
    for number, group in enumerate(groups):
        back[group] = number * most + torch.arange(len(group), device=back.device)
    return GroupLayout(rows=rows, back=None if in_order else back)


class SharedPrefixLayer(DynamicLayer):
    """Keys and values of prefixes, one per group, and those that each row adds, apart from them.

    It grows and does nothing else that a cache may: greedy writing asks for no more.
    """

    is_croppable = False

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, seats: GroupLayout) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self.prefix = keys, values
        """(groups, heads, tokens, size) each."""
        self.seats = seats
        self.filled = 0
        """Tokens that each row has added."""
        groups, heads = keys.shape[:2]
        shape = (groups, heads, seats.rows.shape[1], 0)
        self._own = [one.new_empty((*shape, one.shape[-1])) for one in self.prefix]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows' own keys and values, (groups, heads, rows of each, tokens, size).

        This layer, and with it the prefix, is found at the keys.
        """
        end = self.filled + key_states.shape[-2]
        for number, new in enumerate((key_states, value_states)):
            behind = self.seats.arrange(new).transpose(1, 2)
            self._own[number] = append_tokens(self._own[number], self.filled, behind)
        self.filled = end
        keys, values = (own[..., :end, :] for own in self._own)
        setattr(keys, LAYER_ATTRIBUTE, self)
        return keys, values

    def get_seq_length(self) -> int:
        """Tokens of a row, its prefix's among them."""
        return int(self.prefix[0].shape[-2]) + self.filled


def append_tokens(tensor: torch.Tensor, filled: int, new: torch.Tensor) -> torch.Tensor:
    """The tensor with ``new`` after its first ``filled`` tokens; a longer one where it is full."""
    end = filled + new.shape[-2]
    if end > tensor.shape[-2]:
        longer = tensor.new_empty((*tensor.shape[:-2], end + GROWTH_TOKENS, tensor.shape[-1]))
        longer[..., :filled, :] = tensor[..., :filled, :]
        tensor = longer
    tensor[..., filled:end, :] = new
    return tensor


def concat_caches(caches: Sequence[Any], width: int) -> Any:
    """Caches of one row each as one of many, padded at the left to ``width``; the first is used."""
    joined = caches[0]
    for number, layer in enumerate(joined.layers):
        theirs = [cache.layers[number] for cache in caches]
        for name in ("keys", "values"):
            states = [getattr(one, name) for one in theirs]
            missing = [width - state.shape[-2] for state in states]
            pairs = zip(states, missing, strict=True)
            setattr(layer, name, torch.cat([pad(one, (0, 0, left, 0)) for one, left in pairs]))
    return joined


def can_share(cache: Any) -> bool:
    """Whether every layer is transformers' ordinary one, with no window and no state."""
    layers = getattr(cache, "layers", ())
    return bool(layers) and all(
        type(layer) is DynamicLayer and layer.keys is not None for layer in layers
    )


def enable_sharing(cache: Any, owners: torch.Tensor) -> None:
    """Let rows go on from those of the cache that own them, in place."""
    seats = lay_out_groups(owners)
    cache.layers[:] = [SharedPrefixLayer(layer.keys, layer.values, seats) for layer in cache.layers]
