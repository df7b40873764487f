"""What the prompts about one picture begin with, computed once for all of them.

A batch holds one or more image groups. The prefixes, one per group, go through the model as an
ordinary batch, padded at the left; on a CPU they go one by one, and their caches are joined.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from fakebench_suite.backends.transformers.generation import GreedyDecoder
from fakebench_suite.backends.transformers.inputs import (
    EncodedPrompt,
    Inputs,
    collate,
    stack_tokens,
    truncate,
)
from fakebench_suite.backends.transformers.prefix_cache.cache import concat_caches

Groups = Sequence[Sequence[EncodedPrompt]]
Positions = tuple[tuple[Any, torch.Tensor], ...]


def common_prefix_length(group: Sequence[EncodedPrompt]) -> int:
    """Number of tokens that all rows begin with; at least one token is left to each."""
    shared = min(row.length for row in group) - 1
    ids = torch.cat([row.tokens["input_ids"][:, :shared] for row in group])
    return int((ids == ids[0]).all(dim=0).int().cumprod(dim=0).sum())


def padded_lengths(groups: Groups) -> tuple[int, int]:
    """Tokens in one row of the batch before and after its prefix ends, padding included."""
    prefixes = [common_prefix_length(group) for group in groups]
    pairs = zip(groups, prefixes, strict=True)
    return max(prefixes), max(row.length - prefix for group, prefix in pairs for row in group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The prefixes of a batch, computed."""

    inputs: Inputs
    """(groups, width) tokens and mask."""
    cache: Any
    """Used up by what is written after it."""
    positions: Positions
    """Where the model itself keeps how far positions run ahead of tokens, and these (groups, 1)."""

    def copy(self) -> "Prefix":
        """The same with a cache of its own."""
        cache = copy.deepcopy(self.cache)
        return Prefix(inputs=self.inputs, cache=cache, positions=self.positions)


def prefill_prefixes(generator: GreedyDecoder, groups: Groups, filler: int) -> Prefix:
    """One forward pass over the prefixes of all groups; on a CPU, one for each."""
    heads = [truncate(group[0], common_prefix_length(group)) for group in groups]
    if len(heads) == 1 or not _prefill_separately(generator.model):
        return _read(generator, heads, filler)
    parts = [_read(generator, [head], filler) for head in heads]
    return _join(parts, generator.place(stack_tokens(heads, filler)))


def _prefill_separately(model: Any) -> bool:
    """Whether prefixes are best read one by one: a CPU's caches hold no two pictures.

    A GPU is not busy with one; and caches of layers with windows cannot be joined.
    """
    layers = DynamicCache(config=model.config).layers
    return model.device.type == "cpu" and all(type(layer) is DynamicLayer for layer in layers)


def _read(generator: GreedyDecoder, heads: Sequence[EncodedPrompt], filler: int) -> Prefix:
    inputs = generator.place(collate(heads, filler))
    cache = generator.read(inputs)
    # Models with positions in several axes keep them so; transformers calls it rope_deltas.
    positions = tuple(
        (module, module.rope_deltas)
        for module in generator.model.modules()
        if isinstance(getattr(module, "rope_deltas", None), torch.Tensor)
    )
    kept = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    return Prefix(inputs=kept, cache=cache, positions=positions)


def _join(parts: Sequence[Prefix], inputs: Inputs) -> Prefix:
    """Prefixes that were read one by one as those of one batch, whose tokens are ``inputs``."""
    kept = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    cache = concat_caches([part.cache for part in parts], kept["input_ids"].shape[1])
    positions = tuple(
        (module, torch.cat([part.positions[number][1] for part in parts]))
        for number, (module, _) in enumerate(parts[0].positions)
    )
    return Prefix(inputs=kept, cache=cache, positions=positions)
