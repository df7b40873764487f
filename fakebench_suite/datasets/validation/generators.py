"""Names of generators that split one in two, or that say something else than the label."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.validation.issues import Issue, IssueInstance, Severity
from fakebench_suite.types import Authenticity


def find_odd_generators(data: Dataset) -> Iterator[Issue]:
    """Yield the issues of generators' names; all are warnings."""
    spellings: dict[str, dict[str, str]] = defaultdict(dict)
    real: dict[str, str] = {}
    for case in data.cases:
        if case.generator is None:
            continue
        key = " ".join(unicodedata.normalize("NFKC", case.generator).casefold().split())
        spellings[key].setdefault(case.generator, case.image)
        if case.label is Authenticity.REAL:
            real.setdefault(case.image, case.generator)
    split = [names for names in spellings.values() if len(names) > 1]
    if split:
        yield Issue(
            name="generators whose names differ in case, spaces or Unicode form only",
            severity=Severity.WARNING,
            meaning="Each spelling is a subgroup of its own; a gate over one leaves out the rest.",
            items=tuple(
                # ascii() tells forms of Unicode apart that look alike.
                IssueInstance(
                    images=(next(iter(names.values())),), detail=", ".join(map(ascii, names))
                )
                for names in split
            ),
        )
    if real:
        yield Issue(
            name="images labelled real with a generator",
            severity=Severity.WARNING,
            meaning="Either is wrong; if there are many, the labels may be the wrong way round.",
            items=tuple(
                IssueInstance(images=(image,), detail=generator)
                for image, generator in real.items()
            ),
        )
