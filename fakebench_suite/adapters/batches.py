"""Batches of whole image groups, as many as fit."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from fakebench_suite.adapters.rows import Row

Group = Sequence[Row]


def pack(
    groups: Iterable[Group], fits: Callable[[Sequence[Group]], bool]
) -> Iterator[Sequence[Group]]:
    """The groups in order, in batches that fit; a group is cut only where it does not fit alone.

    A single row is a batch whether it fits or not. ``fits`` is asked anew for every group, for
    what fits may change while batches are answered.
    """
    batch: list[Group] = []
    for group in groups:
        if batch and not fits([*batch, group]):
            yield batch
            batch = []
        rest = group
        while not batch and len(rest) > 1 and not fits([rest]):
            size = max((n for n in range(1, len(rest)) if fits([rest[:n]])), default=1)
            yield [rest[:size]]
            rest = rest[size:]
        batch.append(rest)
    if batch:
        yield batch


def halve(batch: Sequence[Group]) -> tuple[Sequence[Group], Sequence[Group]]:
    """Two batches of at least one row each, groups whole where there are several."""
    if len(batch) > 1:
        half = len(batch) // 2
        return batch[:half], batch[half:]
    (group,) = batch
    half = len(group) // 2
    return [group[:half]], [group[half:]]
