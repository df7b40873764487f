"""Images with identical pixels under several names."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from fakebench_suite.datasets.validation.image_scan import ImageScan
from fakebench_suite.datasets.validation.issues import Issue, IssueInstance, Severity


def find_duplicates(scans: Sequence[ImageScan]) -> Iterator[Issue]:
    """Yield the issues of identical images; they are errors if their labels differ."""
    groups: dict[str, list[ImageScan]] = defaultdict(list)
    for scan in scans:
        if scan.digest:
            groups[scan.digest].append(scan)
    instances: dict[bool, list[IssueInstance]] = {True: [], False: []}
    for group in groups.values():
        if len(group) > 1:
            labels = [str(scan.label or "no label") for scan in group]
            instance = IssueInstance(
                images=tuple(scan.image for scan in group), detail=", ".join(labels)
            )
            instances[len({scan.label for scan in group if scan.label}) > 1].append(instance)
    if instances[True]:
        yield Issue(
            name="the same pixels labelled fake and real",
            severity=Severity.ERROR,
            meaning="One of the labels is wrong, and no model can be right about both.",
            items=tuple(instances[True]),
        )
    if instances[False]:
        yield Issue(
            name="the same pixels under several names",
            severity=Severity.WARNING,
            meaning="They count as several images, so intervals come out narrower than they are.",
            items=tuple(instances[False]),
        )
