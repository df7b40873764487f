"""Attention of many rows to a prefix that is kept once.

A row's scores over its group's prefix and over its own tokens are put side by side, and one softmax
is taken over both: what comes out is what a cache repeated for every row would give. But the
prefix's keys and values are read from memory once per group, as a matrix against all its rows, and
take the room of one row. The idea is that of Hydragen (arXiv 2402.05099) and cascade attention.
"""

from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from fakebench_suite.backends.transformers.prefix_cache.cache import (
    LAYER_ATTRIBUTE,
    SharedPrefixLayer,
)

MAX_SCORES = 2**26
"""Scores that are held at a time; a quarter of a gigabyte, and as much again for their parts."""


def register_shared_sdpa() -> None:
    """Let models whose attention is ``sdpa`` go on from shared caches, in this whole process.

    Over any other cache, and for any other model, attention is transformers' own as before.
    """
    AttentionInterface.register("sdpa", shared_prefix_attention)


def shared_prefix_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """``sdpa`` as transformers calls it; over a shared layer's keys it is as this module says.

    ``query`` is (rows, heads, new tokens, size), the result (rows, new tokens, heads, size). What
    else a model may want of its attention (softcaps, biases) it does not get: whether a checkpoint
    may share is found out by trying.
    """
    layer: SharedPrefixLayer | None = getattr(key, LAYER_ATTRIBUTE, None)
    if layer is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
    if attention_mask is None and query.shape[2] > 1:
        raise ValueError("several new tokens need a mask: they must not see those after them")
    kind, scale = query.dtype, query.shape[-1] ** -0.5 if scaling is None else scaling
    # In 32 bits, as sdpa's kernels sum: 16 bits would round every score before the softmax.
    prefix, own = ([one.float() for one in pair] for pair in (layer.prefix, (key, value)))
    query = layer.seats.arrange(query.float() * scale)
    groups, rows, heads, new, size = query.shape
    query = query.reshape(groups, rows, key.shape[1], -1, new, size).transpose(1, 2)
    mask = attention_mask
    if mask is not None:
        mask = layer.seats.arrange(mask).unsqueeze(1)
    # Scores of one new token are small; those of whole questions are computed in parts.
    step = groups if new == 1 else 1
    some = rows if new == 1 else max(1, MAX_SCORES // (heads * new * layer.get_seq_length()))
    parts = [
        torch.cat(
            [
                _attend_chunk(
                    query[first : first + step, :, row : row + some],
                    [one[first : first + step] for one in prefix],
                    [one[first : first + step, :, row : row + some] for one in own],
                    None if mask is None else mask[first : first + step, :, row : row + some],
                )
                for row in range(0, rows, some)
            ],
            dim=2,
        )
        for first in range(0, groups, step)
    ]
    # (groups, key heads, rows, query heads of each, new tokens, size)
    output = torch.cat(parts).permute(0, 2, 4, 1, 3, 5)
    return layer.seats.collect(output.flatten(3, 4)).to(kind).contiguous(), None


def _attend_chunk(
    query: torch.Tensor,
    prefix: list[torch.Tensor],
    own: list[torch.Tensor],
    mask: torch.Tensor | None,
) -> torch.Tensor:
    """Attention within some groups; ``mask`` is (groups, 1, rows, 1, new tokens, tokens)."""
    groups, heads, rows, repeats, new, size = query.shape
    length = prefix[0].shape[-2]
    by_row = query.reshape(groups, heads, rows, repeats * new, size)
    by_group = query.reshape(groups, heads, rows * repeats * new, size)
    before = (by_group @ prefix[0].mT).view(*by_row.shape[:-1], length)
    scores = torch.cat([before, by_row @ own[0].mT], dim=-1)
    del before
    scores = scores.view(*query.shape[:-1], -1)
    if mask is not None and mask.dtype == torch.bool:
        scores.masked_fill_(~mask, torch.finfo(scores.dtype).min)
    elif mask is not None:
        scores += mask
    weights = torch.softmax(scores, dim=-1, out=scores)
    behind = weights.view(*by_row.shape[:-1], -1)[..., length:] @ own[1]
    behind += (weights.view(*by_group.shape[:-1], -1)[..., :length] @ prefix[1]).view_as(behind)
    return behind.view(*query.shape[:-1], -1)
