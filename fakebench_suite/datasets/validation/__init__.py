"""Validation of a data set before a run: errors, oddities, and features that leak the label."""

from fakebench_suite.datasets.dataset import Dataset
from fakebench_suite.datasets.validation.counts import count_subgroups, count_totals
from fakebench_suite.datasets.validation.duplicates import find_duplicates
from fakebench_suite.datasets.validation.fakebench_rows import find_odd_rows
from fakebench_suite.datasets.validation.features import list_features
from fakebench_suite.datasets.validation.files import (
    escape_surrogates,
    find_file_faults,
    unreferenced_files,
)
from fakebench_suite.datasets.validation.generators import find_odd_generators
from fakebench_suite.datasets.validation.image_scan import scan_images, scan_names
from fakebench_suite.datasets.validation.issues import Issue, Severity, ValidationResult
from fakebench_suite.datasets.validation.leakage import compute_leakage
from fakebench_suite.datasets.validation.questions import find_odd_questions


def validate_dataset(data: Dataset) -> ValidationResult:
    """Return all issues of a data set; opens each image once, if there are images."""
    present = data.has_images()
    scans = scan_images(data) if present else scan_names(data)
    findings: list[Issue] = []
    if present:
        findings += [
            *find_file_faults(scans),
            *find_duplicates(scans),
            *unreferenced_files(data, scans),
        ]
    else:
        findings.append(_NO_IMAGES)
    findings += [*find_odd_questions(data), *find_odd_generators(data), *find_odd_rows(data)]
    return ValidationResult(
        name=escape_surrogates(data.name),
        kind=data.kind,
        note=escape_surrogates(data.note),
        digest=data.digest,
        licence=data.licence,
        totals=count_totals(data.cases),
        counts=tuple(count_subgroups(data.cases)),
        findings=tuple(sorted(findings, key=lambda finding: finding.severity is Severity.WARNING)),
        leaks=tuple(compute_leakage(feature) for feature in list_features(scans)),
    )


_NO_IMAGES = Issue(
    name="the images are absent",
    severity=Severity.ERROR,
    meaning="A run over these data is refused. What follows was read from the rows alone.",
)
"""The issue of a data set without images."""
