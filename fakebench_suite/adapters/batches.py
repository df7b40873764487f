"""Batches of prompts: as many as fit, and halves of those that fail."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fakebench_suite.adapters.prefix import measure_width
from fakebench_suite.adapters.rows import Row
from fakebench_suite.types import Prompt

Group = Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """Prompts about different images, to be encoded together: the processor does it fastest."""

    prompts: Sequence[Prompt]

    def halve(self) -> "tuple[Strangers, Strangers]":
        """Two batches of at least one prompt each."""
        half = len(self.prompts) // 2
        return Strangers(prompts=self.prompts[:half]), Strangers(prompts=self.prompts[half:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """Encoded prompts, group by group; the rows of a group are about one image."""

    groups: Sequence[Group]

    @property
    def rows(self) -> list[Row]:
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
        """Tokens in one row with its padding."""
        if self.share:
            return measure_width(self.groups)
        return max(row.length for row in self.rows)

    def halve(self) -> "tuple[Siblings, Siblings]":
        """Two batches of at least one row each, groups whole where there are several."""
        if len(self.groups) > 1:
            half = len(self.groups) // 2
            return Siblings(groups=self.groups[:half]), Siblings(groups=self.groups[half:])
        (group,) = self.groups
        half = len(group) // 2
        return Siblings(groups=[group[:half]]), Siblings(groups=[group[half:]])


Batch = Strangers | Siblings


def pack(groups: Iterable[Group], fits: Callable[[Siblings], bool]) -> Iterator[Siblings]:
    """The groups in order, in batches that fit; a group is cut only where it does not fit alone.

    A single row is a batch whether it fits or not. ``fits`` is asked anew for every group, for
    what fits may change while batches are answered.
    """
    batch: list[Group] = []
    for group in groups:
        if batch and not fits(Siblings(groups=[*batch, group])):
            yield Siblings(groups=batch)
            batch = []
        rest = group
        while not batch and len(rest) > 1 and not fits(Siblings(groups=[rest])):
            sizes = range(len(rest) - 1, 0, -1)
            size = next((n for n in sizes if fits(Siblings(groups=[rest[:n]]))), 1)
            yield Siblings(groups=[rest[:size]])
            rest = rest[size:]
        batch.append(rest)
    if batch:
        yield Siblings(groups=batch)
