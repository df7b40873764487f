"""The result of a validation: counts, issues and label leakage."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error fails cases or biases scores; a warning does neither."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueInstance:
    """One instance of an issue: the images concerned and a detail."""

    images: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A problem of the data set, its consequence, and all its instances."""

    name: str
    severity: Severity
    meaning: str
    items: tuple[IssueInstance, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetTotals:
    """Numbers of cases and images; ``withheld`` are text cases without a reference."""

    cases: int
    images: int
    texts: int
    withheld: int
    detections: int
    unlabelled: int
    """Detection cases without a label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupCount:
    """Numbers of cases and images with one value of task, label, generator ..."""

    by: str
    value: str
    cases: int
    images: int


class Reach(StrEnum):
    """Whether a model, which is shown new RGB pixels and the prompt, can observe a feature.

    ``traces``: not the feature itself, but effects of compression or detail on the pixels.
    """

    ALWAYS = "yes"
    TRACES = "traces"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCount:
    """Numbers of fake and real images with one value of a feature."""

    value: str
    fake: int
    real: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageResult:
    """How well one feature predicts the label.

    ``balanced_accuracy`` is cross-validated, 0.5 is chance; None if a label has too few images.
    """

    feature: str
    reach: Reach
    balanced_accuracy: float | None
    n: int
    """Labelled images that have the feature."""
    values: int
    """Number of different values."""
    tells: bool
    """Whether the accuracy is significantly above chance."""
    shares: tuple[ValueCount, ...]
    """The values that differ most between the labels, in descending order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationResult:
    """All results about one data set; errors come before warnings."""

    name: str
    kind: str
    digest: str
    licence: str | None
    totals: DatasetTotals
    counts: tuple[SubgroupCount, ...]
    findings: tuple[Issue, ...]
    leaks: tuple[LeakageResult, ...]
    note: str = ""
    """How cases were made where no file says so, without its full stop."""

    @property
    def is_sound(self) -> bool:
        """Whether the data set has no errors."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)
