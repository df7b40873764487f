"""What a model writes after prefixes that it has read.

Each row goes on from the prefix of its group, and the suffixes go through the model as one batch:

    group 1   [pad] prefix 1 | [pad] suffix a
    group 1   [pad] prefix 1 |       suffix b
    group 2       prefix 2   | [pad] suffix c

Padding is masked, positions are counted from the mask, and so every prompt sees what it would see
alone. Either all rows of a group attend to one copy of its prefix, or the cache is repeated for
each of them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from fakebench_suite.backends.transformers.generation import GenerationOutput, GreedyDecoder
from fakebench_suite.backends.transformers.inputs import Inputs, pad_left
from fakebench_suite.backends.transformers.prefix_cache.cache import enable_sharing
from fakebench_suite.backends.transformers.prefix_cache.prefill import (
    Groups,
    Prefix,
    common_prefix_length,
    prefill_prefixes,
)


def generate_after_prefix(
    generator: GreedyDecoder,
    groups: Groups,
    *,
    filler: int,
    share: bool,
    steps: int | None = None,
    logits: bool = False,
    prefix: Prefix | None = None,
) -> GenerationOutput:
    """What the model writes after each row of each group, in order.

    ``share`` keeps one copy of each prefix for its rows. ``prefix`` is that of the groups where it
    has been read; its cache is used up.
    """
    prefix = prefix or prefill_prefixes(generator, groups, filler)
    owners = [number for number, group in enumerate(groups) for _ in group]
    tails = [
        row.tokens["input_ids"][:, length:]
        for group in groups
        for length in [common_prefix_length(group)]
        for row in group
    ]
    new = steps or generator.settings.max_new_tokens
    widest = prefix.inputs["input_ids"].shape[1] + max(tail.shape[1] for tail in tails) + new
    batches = list(_split(tails, padded=not has_short_sliding_window(prefix.cache, widest)))
    parts = []
    for chosen in batches:
        part = prefix if len(batches) == 1 else prefix.copy()
        mine = [tails[number] for number in chosen]
        owner = torch.tensor([owners[number] for number in chosen])
        inputs = _append(part, mine, owner, filler, share=share)
        parts.append(generator.write(inputs, steps=steps, logits=logits, cache=part.cache))
    return parts[0] if len(parts) == 1 else _join(parts, batches, filler)


def has_short_sliding_window(cache: Any, width: int) -> bool:
    """Whether some layer sees a window shorter than ``width`` only, which padding would fill."""
    return any(
        sliding and layer.get_max_length() < width
        for sliding, layer in zip(cache.is_sliding, cache.layers, strict=True)
    )


def _split(tails: Sequence[torch.Tensor], *, padded: bool) -> Iterator[list[int]]:
    """Numbers of the rows that are written together: all, or those of one length."""
    if padded:
        yield list(range(len(tails)))
        return
    for length in sorted({tail.shape[1] for tail in tails}):
        yield [number for number, tail in enumerate(tails) if tail.shape[1] == length]


def _append(
    prefix: Prefix,
    tails: Sequence[torch.Tensor],
    owners: torch.Tensor,
    filler: int,
    *,
    share: bool,
) -> Inputs:
    """The tails, each after the prefix that owns it; the prefix's cache becomes theirs."""
    width = max(tail.shape[1] for tail in tails)
    device = prefix.inputs["input_ids"].device
    owners = owners.to(device)
    ids = torch.cat([pad_left(tail, width, filler) for tail in tails]).to(device)
    mask = torch.cat([pad_left(torch.ones_like(tail), width) for tail in tails]).to(device)
    if share:
        enable_sharing(prefix.cache, owners)
    else:
        prefix.cache.reorder_cache(owners)
    for module, ahead in prefix.positions:
        module.rope_deltas = ahead[owners]
    return {
        "input_ids": torch.cat([prefix.inputs["input_ids"][owners], ids], dim=1),
        "attention_mask": torch.cat([prefix.inputs["attention_mask"][owners], mask], dim=1),
    }


def _join(
    parts: Sequence[GenerationOutput], batches: Sequence[list[int]], filler: int
) -> GenerationOutput:
    """Parts written one after another as one, in the order of the rows."""
    order = torch.tensor([number for chosen in batches for number in chosen]).argsort()
    steps = zip(*(part.logits for part in parts), strict=False)
    return GenerationOutput(
        tokens=_join_columns([part.tokens for part in parts], filler)[order],
        logits=tuple(torch.cat(step)[order] for step in steps),
        broken=_join_columns([part.broken for part in parts], 0)[order],
    )


def _join_columns(parts: Sequence[torch.Tensor], filler: int) -> torch.Tensor:
    """Rows of unequal length, (rows, columns) each, filled at the right."""
    longest = max(part.shape[1] for part in parts)
    return torch.cat(
        [
            torch.nn.functional.pad(part, (0, longest - part.shape[1]), value=filler)
            for part in parts
        ]
    )
