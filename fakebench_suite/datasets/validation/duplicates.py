"""Identical pixels under several names."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from fakebench_suite.datasets.validation.image_scan import Look
from fakebench_suite.datasets.validation.issues import Finding, Item, Weight


def find_duplicates(looks: Sequence[Look]) -> Iterator[Finding]:
    """Images that a model could not tell apart: trouble where their labels differ."""
    groups: dict[str, list[Look]] = defaultdict(list)
    for look in looks:
        if look.digest:
            groups[look.digest].append(look)
    alike: dict[bool, list[Item]] = {True: [], False: []}
    for group in groups.values():
        if len(group) > 1:
            labels = [str(look.label or "no label") for look in group]
            item = Item(images=tuple(look.image for look in group), detail=", ".join(labels))
            alike[len({look.label for look in group if look.label}) > 1].append(item)
    if alike[True]:
        yield Finding(
            name="the same pixels labelled fake and real",
            weight=Weight.TROUBLE,
            meaning="One of the labels is wrong, and no model can be right about both.",
            items=tuple(alike[True]),
        )
    if alike[False]:
        yield Finding(
            name="the same pixels under several names",
            weight=Weight.REMARK,
            meaning="They count as several images, so intervals come out narrower than they are.",
            items=tuple(alike[False]),
        )
