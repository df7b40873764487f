"""Compute the common beginning of all prompts about an image.

A batch has one or more image groups. Their prefixes are computed as one batch, padded at the left;
on a CPU they are computed one by one, and their caches are concatenated.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from fakebench_suite.backends.transformers.generation import GreedyGenerator
from fakebench_suite.backends.transformers.inputs import (
    EncodedPrompt,
    Inputs,
    collate,
    stack_tokens,
    truncate,
)
from fakebench_suite.backends.transformers.prefix_cache.cache import concat_caches

Groups = Sequence[Sequence[EncodedPrompt]]
"""Encoded prompts by image."""
Positions = tuple[tuple[Any, torch.Tensor], ...]
"""Modules with positional state, and that state, (groups, 1) each."""


class Group(tuple[EncodedPrompt, ...]):
    """Encoded prompts about one image, whose common prefix is looked for once."""

    @cached_property
    def prefix_length(self) -> int:
        """Number of tokens that all rows begin with; each row keeps at least one."""
        return _count_common_tokens(self)


def common_prefix_length(group: Sequence[EncodedPrompt]) -> int:
    """Return the number of tokens that all rows begin with; each row keeps at least one."""
    return group.prefix_length if isinstance(group, Group) else _count_common_tokens(group)


def _count_common_tokens(group: Sequence[EncodedPrompt]) -> int:
    shared = min(row.length for row in group) - 1
    ids = torch.cat([row.tokens["input_ids"][:, :shared] for row in group])
    return int((ids == ids[0]).all(dim=0).int().cumprod(dim=0).sum())


class PaddedLengths(NamedTuple):
    """Tokens in one row of a batch, including padding."""

    prefix: int
    suffix: int


def padded_lengths(groups: Groups) -> PaddedLengths:
    """Return the tokens of a row before and after the end of its prefix, including padding."""
    prefixes = [common_prefix_length(group) for group in groups]
    pairs = zip(groups, prefixes, strict=True)
    suffix = max(row.length - prefix for group, prefix in pairs for row in group)
    return PaddedLengths(prefix=max(prefixes), suffix=suffix)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedPrefixes:
    """The computed prefixes of a batch."""

    inputs: Inputs
    """(groups, width) tokens and mask."""
    cache: Any
    """Consumed by the generation after it."""
    positions: Positions
    """Modules that store how far positions are ahead of tokens, with these offsets, (groups, 1)."""

    def copy(self) -> "ComputedPrefixes":
        """Return the same prefixes with a copy of the cache."""
        cache = copy.deepcopy(self.cache)
        return ComputedPrefixes(inputs=self.inputs, cache=cache, positions=self.positions)


def collate_prefixes(
    generator: GreedyGenerator, groups: Groups, pad_token_id: int
) -> Inputs | None:
    """Return the prefixes of all groups as one batch on the CPU; None if they are computed apart.

    It can be made in any thread while the model computes.
    """
    if len(groups) > 1 and _prefill_separately(generator.model):
        return None
    return collate(_truncate_groups(groups), pad_token_id)


def prefill_prefixes(
    generator: GreedyGenerator, groups: Groups, pad_token_id: int, inputs: Inputs | None = None
) -> ComputedPrefixes:
    """Compute the prefixes of all groups in one forward pass; on a CPU, in one for each.

    ``inputs`` is what ``collate_prefixes`` made of them, if it was called before.
    """
    if inputs is not None:
        return _read(generator, inputs)
    prefixes = _truncate_groups(groups)
    if len(prefixes) == 1 or not _prefill_separately(generator.model):
        return _read(generator, collate(prefixes, pad_token_id))
    parts = [_read(generator, collate([row], pad_token_id)) for row in prefixes]
    return _join(parts, generator.to_device(stack_tokens(prefixes, pad_token_id)))


def _truncate_groups(groups: Groups) -> list[EncodedPrompt]:
    """Return the prefix of each group as a row of its own."""
    return [truncate(group[0], common_prefix_length(group)) for group in groups]


def _prefill_separately(model: Any) -> bool:
    """Return whether prefixes are faster one by one: two images do not fit a CPU's caches.

    A GPU has free capacity with one image; caches of layers with windows cannot be concatenated.
    """
    layers = DynamicCache(config=model.config).layers
    return model.device.type == "cpu" and all(type(layer) is DynamicLayer for layer in layers)


def _read(generator: GreedyGenerator, inputs: Inputs) -> ComputedPrefixes:
    """Compute prefixes that are one batch of inputs on the CPU."""
    inputs = generator.to_device(inputs)
    cache = generator.prefill(inputs)
    # Models with positions in several axes keep them so; transformers calls it rope_deltas.
    positions = tuple(
        (module, module.rope_deltas)
        for module in generator.model.modules()
        if isinstance(getattr(module, "rope_deltas", None), torch.Tensor)
    )
    masked_tokens = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    return ComputedPrefixes(inputs=masked_tokens, cache=cache, positions=positions)


def _join(parts: Sequence[ComputedPrefixes], inputs: Inputs) -> ComputedPrefixes:
    """Join prefixes that were computed one by one; ``inputs`` are the tokens of the batch."""
    masked_tokens = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    cache = concat_caches([part.cache for part in parts], masked_tokens["input_ids"].shape[1])
    positions = tuple(
        (module, torch.cat([part.positions[index][1] for part in parts]))
        for index, (module, _) in enumerate(parts[0].positions)
    )
    return ComputedPrefixes(inputs=masked_tokens, cache=cache, positions=positions)
