"""Batches of prompts: as many as fit, and halves of those that fail."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from fakebench_suite.backends.transformers.inputs import EncodedPrompt
from fakebench_suite.backends.transformers.prefix_cache.prefill import padded_lengths
from fakebench_suite.types import Prompt

Group = Sequence[EncodedPrompt]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndependentBatch:
    """Prompts about different images, to be encoded together: the processor does it fastest."""

    prompts: Sequence[Prompt]

    def halve(self) -> "tuple[IndependentBatch, IndependentBatch]":
        """Two batches of at least one prompt each."""
        half = len(self.prompts) // 2
        return IndependentBatch(prompts=self.prompts[:half]), IndependentBatch(
            prompts=self.prompts[half:]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedImageBatch:
    """Encoded prompts, group by group; the rows of a group are about one image."""

    groups: Sequence[Group]
    shared: bool
    """Whether one copy of a group's prefix serves its rows."""

    @property
    def rows(self) -> list[EncodedPrompt]:
        """All rows, in order."""
        return [row for group in self.groups for row in group]

    @property
    def prompts(self) -> list[Prompt]:
        """All prompts, in order."""
        return [row.prompt for row in self.rows]

    @property
    def share(self) -> bool:
        """Whether some group has several rows; a row alone gains nothing from a cached prefix."""
        return any(len(group) > 1 for group in self.groups)

    @property
    def width(self) -> int:
        """Tokens in one row with its padding, but for those of a prefix kept once."""
        if not self.share:
            return max(row.length for row in self.rows)
        before, after = padded_lengths(self.groups)
        return after if self.shared else before + after

    @property
    def kept(self) -> int:
        """Tokens of prefixes that are kept once, whatever the number of rows."""
        if not (self.share and self.shared):
            return 0
        return len(self.groups) * padded_lengths(self.groups)[0]

    @property
    def seats(self) -> int:
        """Rows that room is made for: of a shared prefix every group gets that of the largest."""
        if not (self.share and self.shared):
            return len(self.rows)
        return len(self.groups) * max(len(group) for group in self.groups)

    def halve(self) -> "tuple[SharedImageBatch, SharedImageBatch]":
        """Two batches of at least one row each, groups whole where there are several."""
        if len(self.groups) > 1:
            half = len(self.groups) // 2
            return self.take(self.groups[:half]), self.take(self.groups[half:])
        (group,) = self.groups
        half = len(group) // 2
        return self.take([group[:half]]), self.take([group[half:]])

    def take(self, groups: Sequence[Group]) -> "SharedImageBatch":
        """A batch of other groups that is asked in the same way."""
        return replace(self, groups=groups)


Batch = IndependentBatch | SharedImageBatch


def pack_batches(
    groups: Iterable[Group], fits: Callable[[SharedImageBatch], bool], *, shared: bool
) -> Iterator[SharedImageBatch]:
    """The groups in order, in batches that fit; a group is cut only where it does not fit alone.

    A single row is a batch whether it fits or not. ``fits`` is asked anew for every group, for
    what fits may change while batches are answered.
    """
    batch = SharedImageBatch(groups=[], shared=shared)
    for group in groups:
        if batch.groups and not fits(batch.take([*batch.groups, group])):
            yield batch
            batch = batch.take([])
        rest = group
        while not batch.groups and len(rest) > 1 and not fits(batch.take([rest])):
            sizes = range(len(rest) - 1, 0, -1)
            size = next((n for n in sizes if fits(batch.take([rest[:n]]))), 1)
            yield batch.take([rest[:size]])
            rest = rest[size:]
        batch = batch.take([*batch.groups, rest])
    if batch.groups:
        yield batch
