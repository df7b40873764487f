"""What the prompts about one picture begin with is computed once and its cache is repeated.

A batch holds one or more image groups. The prefixes, one per group, go through the model as an
ordinary batch, padded at the left. Each row of the resulting cache is then repeated for the prompts
of its group, and their suffixes follow in a second pass:

    group 1   [pad] prefix 1 | [pad] suffix a
    group 1   [pad] prefix 1 |       suffix b
    group 2       prefix 2   | [pad] suffix c

Padding is masked, positions are counted from the mask, and so every prompt sees what it would see
alone.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from fakebench_suite.adapters.generation import Generator, Written
from fakebench_suite.adapters.room import repeat_cache
from fakebench_suite.adapters.rows import Inputs, Row, cut, pad_left, stack

Groups = Sequence[Sequence[Row]]


def measure_prefix(group: Sequence[Row]) -> int:
    """Number of tokens that all rows begin with; at least one token is left to each."""
    shared = min(row.length for row in group) - 1
    ids = torch.cat([row.tokens["input_ids"][:, :shared] for row in group])
    return int((ids == ids[0]).all(dim=0).int().cumprod(dim=0).sum())


def measure_width(groups: Groups) -> int:
    """Tokens in one row of the batch, padding included, before anything is written."""
    prefixes = [measure_prefix(group) for group in groups]
    return max(prefixes) + max(
        row.length - prefix for group, prefix in zip(groups, prefixes, strict=True) for row in group
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The prefixes of a batch, computed; nothing of it changes when rows are written after it."""

    inputs: Inputs
    """(groups, width) tokens and mask."""
    cache: Any
    positions: tuple[tuple[Any, torch.Tensor], ...]
    """Where the model itself keeps how far positions run ahead of tokens, and these (groups, 1)."""


def read_prefixes(generator: Generator, groups: Groups, filler: int) -> Prefix:
    """One forward pass over the prefixes of all groups."""
    heads = [cut(group[0], measure_prefix(group)) for group in groups]
    inputs = generator.place(stack(heads, filler))
    cache = generator.read(inputs)
    # Models with positions in several axes keep them so; transformers calls it rope_deltas.
    positions = tuple(
        (module, module.rope_deltas)
        for module in generator.model.modules()
        if isinstance(getattr(module, "rope_deltas", None), torch.Tensor)
    )
    kept = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    return Prefix(inputs=kept, cache=cache, positions=positions)


def write_after_prefix(
    generator: Generator,
    groups: Groups,
    *,
    filler: int,
    steps: int | None = None,
    logits: bool = False,
    prefix: Prefix | None = None,
) -> Written:
    """What the model writes after each row of each group, in order.

    ``prefix`` is that of the groups where it has been read; its cache is used up.
    """
    prefix = prefix or read_prefixes(generator, groups, filler)
    owners = [number for number, group in enumerate(groups) for _ in group]
    tails = [
        row.tokens["input_ids"][:, length:]
        for group in groups
        for length in [measure_prefix(group)]
        for row in group
    ]
    new = steps or generator.settings.max_new_tokens
    widest = prefix.inputs["input_ids"].shape[1] + max(tail.shape[1] for tail in tails) + new
    batches = list(_split(tails, padded=not looks_back_briefly(prefix.cache, widest)))
    parts = []
    for chosen in batches:
        part = prefix if len(batches) == 1 else _copy(prefix)
        mine = [tails[number] for number in chosen]
        owner = torch.tensor([owners[number] for number in chosen])
        parts.append(_write(generator, part, mine, owner, filler, steps=steps, logits=logits))
    return parts[0] if len(parts) == 1 else _join(parts, batches, filler)


def looks_back_briefly(cache: Any, width: int) -> bool:
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


def _copy(prefix: Prefix) -> Prefix:
    return Prefix(
        inputs=prefix.inputs, cache=copy.deepcopy(prefix.cache), positions=prefix.positions
    )


def _write(
    generator: Generator,
    prefix: Prefix,
    tails: Sequence[torch.Tensor],
    owners: torch.Tensor,
    filler: int,
    *,
    steps: int | None,
    logits: bool,
) -> Written:
    """What follows the tails, each after the prefix that owns it; uses the prefix's cache up."""
    width = max(tail.shape[1] for tail in tails)
    device = prefix.inputs["input_ids"].device
    owners = owners.to(device)
    ids = torch.cat([pad_left(tail, width, filler) for tail in tails]).to(device)
    mask = torch.cat([pad_left(torch.ones_like(tail), width) for tail in tails]).to(device)
    repeat_cache(prefix.cache, owners)
    for module, ahead in prefix.positions:
        module.rope_deltas = ahead[owners]
    inputs = {
        "input_ids": torch.cat([prefix.inputs["input_ids"][owners], ids], dim=1),
        "attention_mask": torch.cat([prefix.inputs["attention_mask"][owners], mask], dim=1),
    }
    return generator.write(inputs, steps=steps, logits=logits, cache=prefix.cache)


def _join(parts: Sequence[Written], batches: Sequence[list[int]], filler: int) -> Written:
    """Parts written one after another as one, in the order of the rows."""
    order = torch.tensor([number for chosen in batches for number in chosen]).argsort()
    longest = max(part.tokens.shape[1] for part in parts)
    tokens = [
        torch.nn.functional.pad(part.tokens, (0, longest - part.tokens.shape[1]), value=filler)
        for part in parts
    ]
    steps = zip(*(part.logits for part in parts), strict=False)
    return Written(
        tokens=torch.cat(tokens)[order], logits=tuple(torch.cat(step)[order] for step in steps)
    )
