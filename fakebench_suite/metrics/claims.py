"""Scores of what explanations claim, against what is known of the images.

For each criterion, cases in which it is known to be violated or intact are positives and negatives,
and a claim of it is a detection. Criteria of which nothing is known in a case do not count there. A
reply in another language, or none because of an error, is in no score but the rate of such replies.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fakebench_suite.grading.claims.grounding import (
    ClaimStatus,
    Finding,
    Grounding,
    ground_claims,
)
from fakebench_suite.metrics.intervals import (
    Estimate,
    bound_statistic,
    estimate_mean,
    resample_totals,
)
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.registry import get_task
from fakebench_suite.types import Authenticity, Record

ALL = "all"
_STATUSES = (
    ClaimStatus.FOUND, ClaimStatus.MISSED, ClaimStatus.HALLUCINATED, ClaimStatus.REJECTED,
)  # fmt: skip
"""True and false detections, in the order of the columns of counts."""
Floats = NDArray[np.float64]
T = TypeVar("T")
Named = Iterator[tuple[str, str, Estimate]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundedRecord:
    """A record with the findings of its reply."""

    record: Record
    grounding: Grounding

    @property
    def group(self) -> str:
        """What is resampled together: an image, and with it its untouched or forged twin."""
        case = self.record.case
        return min(case.image, case.paired_image or case.image)


def ground_records(records: Iterable[Record]) -> list[GroundedRecord]:
    """The records of texts on images of which something is known, ordered by case id."""
    return [
        GroundedRecord(record=record, grounding=grounding)
        for record in sorted(records, key=lambda record: record.case.id)
        if (grounding := ground_record(record)) is not None
    ]


def ground_record(record: Record) -> Grounding | None:
    """The findings of a record; None without an answer, or where nothing is known."""
    case, answer = record.case, record.answer
    if answer is None or record.verdict.outcome.is_error or not get_task(case.task).grades_texts:
        return None
    size = None if record.pixels is None else record.pixels.size
    return ground_claims(case, answer.text, size)


def score_claims(records: Iterable[Record]) -> Named:
    """Yield metric, subgroup and estimate of the texts of one task; nothing without any truth."""
    grounded = ground_records(records)
    read = [one for one in grounded if one.grounding.is_read]
    if not grounded:
        return
    unread = [not one.grounding.is_read for one in grounded]
    yield "unread_claims_rate", ALL, estimate_mean(unread, [one.group for one in grounded])
    if read:
        yield from _score_detections(read)
        yield from _rate_hallucinations(read)
        yield from _score_places(read)
        yield from _rate_deletions(read)


def _score_detections(read: Sequence[GroundedRecord]) -> Named:
    """Precision, recall, F1 and informedness, over all criteria and for each."""
    counts = _count_findings(read)
    groups = [one.group for one in read]
    totals = counts.sum(axis=0)
    resampled = resample_totals(counts.reshape(len(read), -1), groups)
    resampled = resampled.reshape(len(resampled), *counts.shape[1:])
    number = len(set(groups))
    parts = [(ALL, slice(None)), *_list_subgroups(totals)]
    for subgroup, part in parts:
        for metric, statistic in _STATISTICS.items():
            value = float(statistic(totals[None, part])[0])
            if np.isfinite(value):
                n = int(_count_cases(metric, counts[:, part]))
                spread = statistic(resampled[:, part])
                yield metric, subgroup, bound_statistic(value, spread, groups=number, n=n)


def _count_findings(read: Sequence[GroundedRecord]) -> Floats:
    """How often each criterion has each status: cases x criteria x statuses, of 0 and 1."""
    counts = np.zeros((len(read), len(CRITERIA), len(_STATUSES)))
    for row, one in enumerate(read):
        for finding in one.grounding.findings:
            if finding.status in _STATUSES:
                place = CRITERIA.index(finding.criterion), _STATUSES.index(finding.status)
                counts[row, *place] = 1
    return counts


def _list_subgroups(totals: Floats) -> Iterator[tuple[str, slice]]:
    """The criteria that are violated somewhere, or claimed of an image that has them intact."""
    for index, name in enumerate(CRITERIA):
        found, missed, hallucinated, _ = totals[index]
        if found + missed or hallucinated:
            yield f"criterion={name}", slice(index, index + 1)


def _count_cases(metric: str, counts: Floats) -> float:
    """The cases of a score: of precision claims, of recall violations, of the others both."""
    found, missed, hallucinated, rejected = counts.sum(axis=(0, 1))
    return float({
        "claim_precision": found + hallucinated,
        "claim_recall": found + missed,
        "claim_f1": found + missed + hallucinated,
        "claim_informedness": found + missed + hallucinated + rejected,
    }[metric])  # fmt: skip


def _precision(totals: Floats) -> Floats:
    """Undefined where no criterion is known to be intact: no claim could be wrong."""
    found, _, hallucinated, rejected = np.moveaxis(totals.sum(axis=1), -1, 0)
    known = hallucinated + rejected > 0
    return np.where(known, _divide(found, found + hallucinated), np.nan)


def _recall(totals: Floats) -> Floats:
    found, missed, _, _ = np.moveaxis(totals.sum(axis=1), -1, 0)
    return _divide(found, found + missed)


def _f1(totals: Floats) -> Floats:
    """Undefined as precision is."""
    found, missed, hallucinated, rejected = np.moveaxis(totals.sum(axis=1), -1, 0)
    known = hallucinated + rejected > 0
    return np.where(known, _divide(2 * found, 2 * found + missed + hallucinated), np.nan)


def _informedness(totals: Floats) -> Floats:
    """Youden's J, mean over the criteria that have both violations and intact cases."""
    found, missed, hallucinated, rejected = np.moveaxis(totals, -1, 0)
    values = _divide(found, found + missed) - _divide(hallucinated, hallucinated + rejected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # No criterion has both: undefined.
        mean: Floats = np.nanmean(values, axis=-1)
    return mean


def _divide(part: Floats, whole: Floats) -> Floats:
    """A share; NaN of nothing."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)


_STATISTICS = {
    "claim_informedness": _informedness,
    "claim_precision": _precision,
    "claim_recall": _recall,
    "claim_f1": _f1,
}
"""From totals (resamples x criteria x statuses) to one value each."""


def _rate_hallucinations(read: Sequence[GroundedRecord]) -> Named:
    real = [one for one in read if one.record.case.label is Authenticity.REAL]
    if real:
        hits = [_has_hallucination(one.grounding) for one in real]
        yield "hallucinated_claim_rate", ALL, estimate_mean(hits, [one.group for one in real])


def _has_hallucination(grounding: Grounding) -> bool:
    return any(finding.status is ClaimStatus.HALLUCINATED for finding in grounding.findings)


def _score_places(read: Sequence[GroundedRecord]) -> Named:
    """Whether the places of right claims are right, for all criteria and for each."""
    placed = [
        (finding, one.group)
        for one in read
        for finding in one.grounding.findings
        if finding.status is ClaimStatus.FOUND and finding.is_place_right is not None
    ]
    for subgroup, part in _by_criterion(placed):
        groups = [group for _, group in part]
        right = [bool(finding.is_place_right) for finding, _ in part]
        chance = [finding.place_chance or 0.0 for finding, _ in part]
        yield "claim_place_accuracy", subgroup, estimate_mean(right, groups)
        estimate = estimate_mean(chance, groups, proportion=False)
        yield "claim_place_chance", subgroup, estimate


def _rate_deletions(read: Sequence[GroundedRecord]) -> Named:
    """Of right claims, those that are gone where the same question is asked about the twin."""
    asked = {_key(one.record, one.record.case.image): one for one in read}
    pairs: list[tuple[Finding, tuple[str, bool]]] = []
    for one in read:
        twin = asked.get(_key(one.record, one.record.case.paired_image or ""))
        if twin is None or one.record.case.label is Authenticity.REAL:
            continue
        claimed = {finding.criterion for finding in twin.grounding.list_claimed()}
        pairs += (
            (finding, (one.group, finding.criterion not in claimed))
            for finding in one.grounding.findings
            if finding.status is ClaimStatus.FOUND
        )
    for subgroup, part in _by_criterion(pairs):
        groups = [group for _, (group, _) in part]
        gone = [is_gone for _, (_, is_gone) in part]
        yield "claim_deletion_rate", subgroup, estimate_mean(gone, groups)


def _key(record: Record, image: str) -> tuple[str, str, str]:
    """What makes questions about two images the same."""
    return image, record.case.question_type, record.case.question


def _by_criterion(
    found: Sequence[tuple[Finding, T]],
) -> Iterator[tuple[str, Sequence[tuple[Finding, T]]]]:
    """All findings, and those of each criterion; nothing where there are none."""
    if found:
        yield ALL, found
    parts: Mapping[str, list[tuple[Finding, T]]] = {name: [] for name in CRITERIA}
    for finding, value in found:
        parts[finding.criterion].append((finding, value))
    for name, part in parts.items():
        if part:
            yield f"criterion={name}", part
