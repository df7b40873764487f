"""Generate after prefixes that have been computed.

Each row continues from the prefix of its group, and the suffixes go through the model as one batch:

    group 1   [pad] prefix 1 | [pad] suffix a
    group 1   [pad] prefix 1 |       suffix b
    group 2       prefix 2   | [pad] suffix c

Padding is masked and positions are counted from the mask, so every prompt is computed as if alone.
Either all rows of a group attend to one copy of its prefix, or the cache is repeated for each row.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from fakebench_suite.backends.transformers.generation import GenerationOutput, GreedyGenerator
from fakebench_suite.backends.transformers.inputs import Inputs, pad_left
from fakebench_suite.backends.transformers.prefix_cache.cache import enable_sharing
from fakebench_suite.backends.transformers.prefix_cache.prefill import (
    ComputedPrefixes,
    Groups,
    common_prefix_length,
    prefill_prefixes,
)


def generate_after_prefix(
    generator: GreedyGenerator,
    groups: Groups,
    *,
    pad_token_id: int,
    share: bool,
    steps: int | None = None,
    logits: bool = False,
    prefix: ComputedPrefixes | Inputs | None = None,
) -> GenerationOutput:
    """Generate after each row of each group, in order.

    ``share`` stores one copy of each prefix for all its rows. ``prefix`` holds the groups' prefixes
    if they are already computed, and its cache is consumed; or what ``collate_prefixes`` made of
    them. ``steps`` is the number of new tokens (default: the card's limit), and ``logits`` whether
    logits are returned.
    """
    if not isinstance(prefix, ComputedPrefixes):
        prefix = prefill_prefixes(generator, groups, pad_token_id, prefix)
    owners = [index for index, group in enumerate(groups) for _ in group]
    suffixes = [
        row.tokens["input_ids"][:, length:]
        for group in groups
        for length in [common_prefix_length(group)]
        for row in group
    ]
    max_new_tokens = steps or generator.settings.max_new_tokens
    total_width = (
        prefix.inputs["input_ids"].shape[1]
        + max(suffix.shape[1] for suffix in suffixes)
        + max_new_tokens
    )
    batches = list(_split(suffixes, padded=not has_short_sliding_window(prefix.cache, total_width)))
    parts = []
    for indices in batches:
        part = prefix if len(batches) == 1 else prefix.copy()
        selected = [suffixes[index] for index in indices]
        selected_owners = torch.tensor([owners[index] for index in indices])
        inputs = _append(part, selected, selected_owners, pad_token_id, share=share)
        parts.append(generator.generate(inputs, steps=steps, logits=logits, cache=part.cache))
    return parts[0] if len(parts) == 1 else _join(parts, batches, pad_token_id)


def has_short_sliding_window(cache: Any, width: int) -> bool:
    """Return whether a layer has a sliding window shorter than ``width``; padding would fill it."""
    return any(
        sliding and layer.get_max_length() < width
        for sliding, layer in zip(cache.is_sliding, cache.layers, strict=True)
    )


def _split(suffixes: Sequence[torch.Tensor], *, padded: bool) -> Iterator[list[int]]:
    """Yield the indices of rows that are generated together: all, or those of equal length."""
    if padded:
        yield list(range(len(suffixes)))
        return
    for length in sorted({suffix.shape[1] for suffix in suffixes}):
        yield [index for index, suffix in enumerate(suffixes) if suffix.shape[1] == length]


def _append(
    prefix: ComputedPrefixes,
    suffixes: Sequence[torch.Tensor],
    owners: torch.Tensor,
    pad_token_id: int,
    *,
    share: bool,
) -> Inputs:
    """Return the suffixes, each after its prefix; consumes the prefix's cache.

    ``suffixes`` and ``owners`` are on the CPU, the result on the model's device.
    """
    width = max(suffix.shape[1] for suffix in suffixes)
    if share:
        enable_sharing(prefix.cache, owners)
    device = prefix.inputs["input_ids"].device
    owners = owners.to(device)
    ids = torch.cat([pad_left(suffix, width, pad_token_id) for suffix in suffixes]).to(device)
    mask = torch.cat([pad_left(torch.ones_like(suffix), width) for suffix in suffixes]).to(device)
    if not share:
        prefix.cache.reorder_cache(owners)
    for module, position_deltas in prefix.positions:
        module.rope_deltas = position_deltas[owners]
    return {
        "input_ids": torch.cat([prefix.inputs["input_ids"][owners], ids], dim=1),
        "attention_mask": torch.cat([prefix.inputs["attention_mask"][owners], mask], dim=1),
    }


def _join(
    parts: Sequence[GenerationOutput], batches: Sequence[list[int]], pad_token_id: int
) -> GenerationOutput:
    """Return outputs of several batches as one, in the order of the rows."""
    order = torch.tensor([index for indices in batches for index in indices]).argsort()
    steps = zip(*(part.logits for part in parts), strict=False)
    return GenerationOutput(
        tokens=_join_columns([part.tokens for part in parts], pad_token_id)[order],
        logits=tuple(torch.cat(step)[order] for step in steps),
        broken=_join_columns([part.broken for part in parts], 0)[order],
    )


def _join_columns(parts: Sequence[torch.Tensor], pad_value: int) -> torch.Tensor:
    """Concatenate rows of different length, filled at the right."""
    longest = max(part.shape[1] for part in parts)
    return torch.cat(
        [
            torch.nn.functional.pad(part, (0, longest - part.shape[1]), value=pad_value)
            for part in parts
        ]
    )
