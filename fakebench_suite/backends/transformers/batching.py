"""Batches of prompts: as large as memory allows, and split in half when they fail."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from fakebench_suite.backends.transformers.inputs import EncodedPrompt, Inputs
from fakebench_suite.backends.transformers.prefix_cache.prefill import padded_lengths
from fakebench_suite.types import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class IndependentBatch:
    """Prompts about different images, which the processor encodes together."""

    prompts: Sequence[Prompt]

    def split(self) -> "tuple[IndependentBatch, IndependentBatch]":
        """Split into two batches of at least one prompt each."""
        half = len(self.prompts) // 2
        return IndependentBatch(prompts=self.prompts[:half]), IndependentBatch(
            prompts=self.prompts[half:]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedImageBatch:
    """Encoded prompts by group; the rows of a group are about one image."""

    groups: Sequence[Sequence[EncodedPrompt]]
    shared: bool
    """Whether the rows of a group share one copy of its prefix."""
    inputs: Inputs | None = field(default=None, compare=False, repr=False)
    """What the model reads first, on the CPU: the whole rows, or only their prefixes where some
    group has several rows; None if it has not been made yet."""
    seconds: float = 0.0
    """Time of making the inputs."""

    @property
    def rows(self) -> list[EncodedPrompt]:
        """All rows, in order."""
        return [row for group in self.groups for row in group]

    @property
    def prompts(self) -> list[Prompt]:
        """All prompts, in order."""
        return [row.prompt for row in self.rows]

    @property
    def uses_prefix(self) -> bool:
        """Whether some group has several rows; a single row gains nothing from a cached prefix."""
        return any(len(group) > 1 for group in self.groups)

    @property
    def row_tokens(self) -> int:
        """Tokens of one padded row, without a prefix that is stored once."""
        if not self.uses_prefix:
            return max(row.length for row in self.rows)
        prefix, suffix = padded_lengths(self.groups)
        return suffix if self.shared else prefix + suffix

    @property
    def shared_tokens(self) -> int:
        """Tokens of prefixes that are stored once, whatever the number of rows."""
        if not (self.uses_prefix and self.shared):
            return 0
        return len(self.groups) * padded_lengths(self.groups).prefix

    @property
    def padded_rows(self) -> int:
        """Allocated rows: with a shared prefix, every group has as many as the largest."""
        if not (self.uses_prefix and self.shared):
            return len(self.rows)
        return len(self.groups) * max(len(group) for group in self.groups)

    def split(self) -> "tuple[SharedImageBatch, SharedImageBatch]":
        """Split into two batches of at least one row each, between groups if there are several."""
        if len(self.groups) > 1:
            half = len(self.groups) // 2
            return self.with_groups(self.groups[:half]), self.with_groups(self.groups[half:])
        (group,) = self.groups
        half = len(group) // 2
        return self.with_groups([group[:half]]), self.with_groups([group[half:]])

    def with_groups(self, groups: Sequence[Sequence[EncodedPrompt]]) -> "SharedImageBatch":
        """Return a batch of other groups with the same settings, and without inputs."""
        return replace(self, groups=groups, inputs=None, seconds=0.0)


Batch = IndependentBatch | SharedImageBatch


def pack_batches(
    groups: Iterable[Sequence[EncodedPrompt]],
    fits: Callable[[SharedImageBatch], bool],
    *,
    shared: bool,
) -> Iterator[SharedImageBatch]:
    """Pack the groups, in order, into batches that fit.

    A group is split only if it does not fit alone; a single row is a batch whether it fits or not.
    ``fits`` is called again for every group, because the limit may change while batches are
    answered.
    """
    batch = SharedImageBatch(groups=[], shared=shared)
    for group in groups:
        if batch.groups and not fits(batch.with_groups([*batch.groups, group])):
            yield batch
            batch = batch.with_groups([])
        remaining = group
        while not batch.groups and len(remaining) > 1 and not fits(batch.with_groups([remaining])):
            sizes = range(len(remaining) - 1, 0, -1)
            size = next((n for n in sizes if fits(batch.with_groups([remaining[:n]]))), 1)
            yield batch.with_groups([remaining[:size]])
            remaining = remaining[size:]
        batch = batch.with_groups([*batch.groups, remaining])
    if batch.groups:
        yield batch
