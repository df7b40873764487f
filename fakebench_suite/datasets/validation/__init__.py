"""A data set before anybody trusts scores over it: what is broken, odd, or gives the label away."""

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.validation.counts import count_cases, total_cases
from fakebench_suite.datasets.validation.duplicates import find_duplicates
from fakebench_suite.datasets.validation.fakebench_rows import find_odd_rows
from fakebench_suite.datasets.validation.features import list_features
from fakebench_suite.datasets.validation.files import (
    escape_surrogates,
    find_file_faults,
    find_unasked,
)
from fakebench_suite.datasets.validation.image_scan import list_names, look_at_images
from fakebench_suite.datasets.validation.issues import Finding, Inspection, Weight
from fakebench_suite.datasets.validation.leakage import measure_leak
from fakebench_suite.datasets.validation.questions import find_odd_questions


def inspect_dataset(data: Dataset) -> Inspection:
    """Every finding over a data set; opens each of its images once, where there are any."""
    present = data.has_images()
    looks = look_at_images(data) if present else list_names(data)
    findings: list[Finding] = []
    if present:
        findings += [*find_file_faults(looks), *find_duplicates(looks), *find_unasked(data, looks)]
    else:
        findings.append(_NO_IMAGES)
    findings += [*find_odd_questions(data), *find_odd_rows(data)]
    return Inspection(
        name=escape_surrogates(data.name),
        kind=data.kind,
        digest=data.digest,
        totals=total_cases(data.cases),
        counts=tuple(count_cases(data.cases)),
        findings=tuple(sorted(findings, key=lambda finding: finding.weight is Weight.REMARK)),
        leaks=tuple(measure_leak(feature) for feature in list_features(looks)),
    )


_NO_IMAGES = Finding(
    name="the images are absent",
    weight=Weight.TROUBLE,
    meaning="A run over these data is refused. What follows was read from the rows alone.",
)
