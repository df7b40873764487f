"""Attention of many rows to a prefix that is kept once.

A row's scores over its group's prefix and over its own tokens are put side by side, and one softmax
is taken over both: what comes out is what a cache repeated for every row would give. But the
prefix's keys and values are read from memory once per group, as a matrix against all its rows, and
take the memory of one row. The idea is that of Hydragen (arXiv 2402.05099) and cascade attention.
"""

from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from fakebench_suite.adapters.sharing import LAYER, SharedLayer


def teach_sdpa() -> None:
    """Let models whose attention is ``sdpa`` go on from shared caches; nothing else changes."""
    AttentionInterface.register("sdpa", attend)


def attend(
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
    layer: SharedLayer | None = getattr(key, LAYER, None)
    if layer is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
    kind, scale = query.dtype, query.shape[-1] ** -0.5 if scaling is None else scaling
    # In 32 bits, as sdpa's kernels sum: 16 bits would round every score before the softmax.
    query, key, value = (one.float() for one in (query, key, value))
    query = layer.seats.arrange(query * scale)
    groups, rows, _, new, size = query.shape
    query = query.reshape(groups, rows, key.shape[1], -1, new, size).transpose(1, 2)
    mask = attention_mask
    if mask is not None:
        mask = layer.seats.arrange(mask).unsqueeze(1)
    # Scores of one new token are small; those of whole questions are computed group by group.
    step = groups if new == 1 else 1
    parts = [
        _attend_part(
            query[start : start + step],
            [one[start : start + step] for one in layer.prefix],
            [one[start : start + step] for one in (key, value)],
            None if mask is None else mask[start : start + step],
        )
        for start in range(0, groups, step)
    ]
    # (groups, key heads, rows, query heads of each, new tokens, size)
    output = (parts[0] if len(parts) == 1 else torch.cat(parts)).permute(0, 2, 4, 1, 3, 5)
    return layer.seats.collect(output.flatten(3, 4)).to(kind).contiguous(), None


def _attend_part(
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
    scores = scores.view(*query.shape[:-1], -1)
    if mask is not None and mask.dtype == torch.bool:
        scores.masked_fill_(~mask, torch.finfo(scores.dtype).min)
    elif mask is not None:
        scores += mask
    weights = scores.softmax(dim=-1)
    behind = weights.view(*by_row.shape[:-1], -1)[..., length:] @ own[1]
    before = weights.view(*by_group.shape[:-1], -1)[..., :length] @ prefix[1]
    return (behind + before.view_as(behind)).view(*query.shape[:-1], -1)
