"""What an inspection says: counts, issues that are errors or warnings, and label leaks."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error makes cases fail or biases scores; a warning does neither."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueInstance:
    """One instance of a finding: the images concerned and what is special about them."""

    images: tuple[str, ...]
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Something about the data set, what follows from it, and every instance of it."""

    name: str
    severity: Severity
    meaning: str
    items: tuple[IssueInstance, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetTotals:
    """Cases and images; of the cases that ask for texts, those without a reference."""

    cases: int
    images: int
    texts: int
    withheld: int
    detections: int
    unlabelled: int
    """Detection cases without a label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupCount:
    """How many cases on how many images have one value of task, label, generator ..."""

    by: str
    value: str
    cases: int
    images: int


class Exposure(StrEnum):
    """Whether a feature reaches a model, which is shown fresh RGB pixels and the prompt.

    ``traces``: not itself, but what the compression or the detail behind it left in the pixels.
    """

    ALWAYS = "yes"
    TRACES = "traces"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCount:
    """How many fake and real images have one value of a feature."""

    value: str
    fake: int
    real: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageResult:
    """How well one feature tells the label of images a rule was not fitted on.

    ``balanced_accuracy`` is cross-validated, 0.5 is chance; None where a label has too few images.
    """

    feature: str
    reach: Exposure
    balanced_accuracy: float | None
    n: int
    """Labelled images the feature applies to."""
    values: int
    """How many different values it takes."""
    tells: bool
    """Above chance by more than luck explains."""
    shares: tuple[ValueCount, ...]
    """The values that differ most between the labels, the most different first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationResult:
    """Everything found about one data set; errors come before warnings."""

    name: str
    kind: str
    digest: str
    totals: DatasetTotals
    counts: tuple[SubgroupCount, ...]
    findings: tuple[Issue, ...]
    leaks: tuple[LeakageResult, ...]

    @property
    def is_sound(self) -> bool:
        """True when nothing would end in an error or spoil the scores."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)
