"""Identical pixels under several names."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from fakebench_suite.datasets.validation.image_scan import ImageScan
from fakebench_suite.datasets.validation.issues import Issue, IssueInstance, Severity


def find_duplicates(looks: Sequence[ImageScan]) -> Iterator[Issue]:
    """Images that a model could not tell apart: an error where their labels differ."""
    groups: dict[str, list[ImageScan]] = defaultdict(list)
    for look in looks:
        if look.digest:
            groups[look.digest].append(look)
    alike: dict[bool, list[IssueInstance]] = {True: [], False: []}
    for group in groups.values():
        if len(group) > 1:
            labels = [str(look.label or "no label") for look in group]
            item = IssueInstance(
                images=tuple(look.image for look in group), detail=", ".join(labels)
            )
            alike[len({look.label for look in group if look.label}) > 1].append(item)
    if alike[True]:
        yield Issue(
            name="the same pixels labelled fake and real",
            severity=Severity.ERROR,
            meaning="One of the labels is wrong, and no model can be right about both.",
            items=tuple(alike[True]),
        )
    if alike[False]:
        yield Issue(
            name="the same pixels under several names",
            severity=Severity.WARNING,
            meaning="They count as several images, so intervals come out narrower than they are.",
            items=tuple(alike[False]),
        )
