"""Attention of many rows to a prefix that is stored once.

The scores of a row over its group's prefix and over its own tokens are concatenated, and one
softmax is taken over both, which equals attention to a cache repeated for every row. But the
prefix's keys and values are read from memory once per group, as one matrix product with all its
rows, and take the memory of one row. The method is that of Hydragen (arXiv 2402.05099) and cascade
attention.
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
"""Scores in memory at a time: a quarter of a gigabyte, and as much again for their parts."""


def register_shared_sdpa() -> None:
    """Register an ``sdpa`` implementation that also accepts shared-prefix caches, process-wide.

    With any other cache, and for any other model, transformers' own implementation is used.
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
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attend as ``sdpa`` of transformers does; keys of a shared layer include its prefix.

    ``query`` is (rows, heads, new tokens, size), and the result (rows, new tokens, heads, size).
    Other options of attention (softcaps, biases) are not supported with a shared layer; the
    self-test finds out whether a checkpoint needs them. Raises ValueError if several new tokens
    have no mask.
    """
    layer: SharedPrefixLayer | None = getattr(key, LAYER_ATTRIBUTE, None)
    if layer is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
        )
    if attention_mask is None and query.shape[2] > 1:
        raise ValueError("several new tokens need a mask, so that none sees those after it")
    dtype, scale = query.dtype, query.shape[-1] ** -0.5 if scaling is None else scaling
    # In 32 bits, as sdpa's kernels accumulate; 16 bits would round scores before the softmax.
    prefix, row_states = list(layer.prefix), [states.float() for states in (key, value)]
    query = layer.layout.arrange(query.float() * scale)
    groups, rows, heads, new_tokens, size = query.shape
    query = query.reshape(groups, rows, key.shape[1], -1, new_tokens, size).transpose(1, 2)
    mask = attention_mask
    if mask is not None:
        mask = layer.layout.arrange(mask).unsqueeze(1)
    # Scores of one new token are few; those of whole questions are computed in chunks.
    group_step = groups if new_tokens == 1 else 1
    row_step = (
        rows
        if new_tokens == 1
        else max(1, MAX_SCORES // (heads * new_tokens * layer.get_seq_length()))
    )
    chunks = [
        torch.cat(
            [
                _attend_chunk(
                    query[group : group + group_step, :, row : row + row_step],
                    [states[group : group + group_step] for states in prefix],
                    [
                        states[group : group + group_step, :, row : row + row_step]
                        for states in row_states
                    ],
                    None
                    if mask is None
                    else mask[group : group + group_step, :, row : row + row_step],
                )
                for row in range(0, rows, row_step)
            ],
            dim=2,
        )
        for group in range(0, groups, group_step)
    ]
    # (groups, key heads, rows, query heads of each, new tokens, size)
    output = torch.cat(chunks).permute(0, 2, 4, 1, 3, 5)
    return layer.layout.collect(output.flatten(3, 4)).to(dtype).contiguous(), None


def _attend_chunk(
    query: torch.Tensor,
    prefix: list[torch.Tensor],
    row_states: list[torch.Tensor],
    mask: torch.Tensor | None,
) -> torch.Tensor:
    """Attend within some groups; ``mask`` is (groups, 1, rows, 1, new tokens, tokens)."""
    groups, heads, rows, repeats, new_tokens, size = query.shape
    length = prefix[0].shape[-2]
    by_row = query.reshape(groups, heads, rows, repeats * new_tokens, size)
    by_group = query.reshape(groups, heads, rows * repeats * new_tokens, size)
    prefix_scores = (by_group @ prefix[0].mT).view(*by_row.shape[:-1], length)
    scores = torch.cat([prefix_scores, by_row @ row_states[0].mT], dim=-1)
    del prefix_scores
    scores = scores.view(*query.shape[:-1], -1)
    if mask is not None and mask.dtype == torch.bool:
        scores.masked_fill_(~mask, torch.finfo(scores.dtype).min)
    elif mask is not None:
        scores += mask
    weights = torch.softmax(scores, dim=-1, out=scores)
    output = weights.view(*by_row.shape[:-1], -1)[..., length:] @ row_states[1]
    output += (weights.view(*by_group.shape[:-1], -1)[..., :length] @ prefix[1]).view_as(output)
    return output.view(*query.shape[:-1], -1)
