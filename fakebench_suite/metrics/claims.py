"""Scores of what explanations claim, against what is known of the images.

For each criterion, cases in which it is known to be violated or intact are positives and negatives,
and a claim of it is a detection. Criteria of which nothing is known in a case do not count there. A
reply in another language, and one that explains nothing, is neither silence nor a claim: it is in
no score but the rate of such replies. Errors are in neither.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from fakebench_suite.grading.claims.grounding import (
    ClaimStatus,
    Finding,
    Grounding,
    find_truth,
    ground_claims,
)
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.grading.labels.result import NoLabel
from fakebench_suite.metrics.claim_detection import (
    estimate_informedness_change,
    estimate_recall_change,
    score_detections,
    tabulate_claims,
)
from fakebench_suite.metrics.intervals import (
    Estimate,
    estimate_bounded,
    estimate_change,
    estimate_mean,
)
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.registry import get_task
from fakebench_suite.text.thoughts import to_visible_text
from fakebench_suite.types import (
    Authenticity,
    FinishReason,
    Outcome,
    QuestionType,
    Record,
    Task,
)

ALL = "all"
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

    @property
    def is_forged(self) -> bool:
        """Whether it is about an image that is not real."""
        return self.record.case.label is not Authenticity.REAL


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


def explains(one: GroundedRecord) -> bool:
    """Whether a reply explains anything: it is not refused, not empty, and not cut off before.

    A text without a verdict of its own is refused if it declines and claims nothing.
    """
    record = one.record
    if record.answer is None or record.answer.finish_reason is FinishReason.CONTENT_FILTER:
        return False
    text = to_visible_text(record.answer.text).strip()
    if not text or record.verdict.outcome in (Outcome.REFUSED, Outcome.TRUNCATED):
        return False
    if one.grounding.has_claims:
        return True
    return parse_label(text, QuestionType.INFERENCE).label is not NoLabel.REFUSED


def find_claims(record: Record) -> Grounding | None:
    """The findings of a reply that explains something; None of others, or if nothing is known."""
    grounding = ground_record(record)
    if grounding is None or not explains(GroundedRecord(record=record, grounding=grounding)):
        return None
    return grounding


def score_claims(records: Iterable[Record]) -> Named:
    """Yield metric, subgroup and estimate of the texts of one task; nothing without any truth."""
    grounded = ground_records(records)
    if not grounded:
        return
    groups = [one.group for one in grounded]
    explained = [one for one in grounded if explains(one)]
    read = [one for one in explained if one.grounding.is_read]
    for metric, missing in (
        ("unexplained_rate", _subtract(grounded, explained)),
        ("unread_claims_rate", _subtract(explained, read)),
    ):
        yield (
            metric,
            ALL,
            estimate_mean([one.record.case.id in missing for one in grounded], groups),
        )
    if read:
        table = tabulate_claims([one.grounding for one in read], [one.group for one in read])
        yield from score_detections(table, np.array([one.is_forged for one in read]))
        yield from _rate_hallucinations(read)
        yield from _score_places(read)
        yield from _rate_deletions(read)


def _subtract(every: Sequence[GroundedRecord], some: Sequence[GroundedRecord]) -> set[str]:
    """The ids of the cases that only the first have."""
    return {one.record.case.id for one in every} - {one.record.case.id for one in some}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimChange:
    """A score of claims in two runs.

    It is over the cases whose replies are read in both, and of which the same is known in both.
    """

    metric: str
    before: float
    after: float
    change: Estimate


def compare_claims(old: Iterable[Record], new: Iterable[Record]) -> Iterator[ClaimChange]:
    """Yield the changes of informedness, recall and hallucinations between two runs of one task."""
    sides = [
        {one.record.case.id: one for one in ground_records(side) if _is_read(one)}
        for side in (old, new)
    ]
    both = sorted(
        name
        for name in sides[0].keys() & sides[1].keys()
        # Data may have been corrected between the runs; then there is nothing to pair.
        if find_truth(sides[0][name].record.case) == find_truth(sides[1][name].record.case)
    )
    if not both:
        return
    before, after = ([side[name] for name in both] for side in sides)
    groups = [one.group for one in after]
    tables = [tabulate_claims([one.grounding for one in side], groups) for side in (before, after)]
    forged = np.array([one.is_forged for one in after])
    for metric, change in (
        ("claim_informedness", estimate_informedness_change(*(t.select(forged) for t in tables))),
        ("claim_recall", estimate_recall_change(*tables)),
        ("hallucinated_claim_rate", _change_hallucinations(before, after)),
    ):
        if change is not None:
            first, second, estimate = change
            yield ClaimChange(metric=metric, before=first, after=second, change=estimate)


def _is_read(one: GroundedRecord) -> bool:
    return one.grounding.is_read and explains(one)


def _change_hallucinations(
    before: Sequence[GroundedRecord], after: Sequence[GroundedRecord]
) -> tuple[float, float, Estimate] | None:
    pairs = [pair for pair in zip(before, after, strict=True) if not pair[1].is_forged]
    if not pairs:
        return None
    hits = np.array([[_has_hallucination(one.grounding) for one in pair] for pair in pairs])
    rates = hits.mean(axis=0)
    changes = hits[:, 1].astype(float) - hits[:, 0]
    estimate = estimate_change(changes, [one.group for _, one in pairs])
    return float(rates[0]), float(rates[1]), estimate


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
        (finding, one)
        for one in read
        for finding in one.grounding.findings
        if finding.status is ClaimStatus.FOUND and finding.is_place_right is not None
    ]
    for subgroup, part in _by_criterion(placed):
        groups, n = [one.group for _, one in part], _count_cases(one for _, one in part)
        right = [bool(finding.is_place_right) for finding, _ in part]
        chance = [finding.place_chance or 0.0 for finding, _ in part]
        yield "claim_place_accuracy", subgroup, replace(estimate_mean(right, groups), n=n)
        yield "claim_place_chance", subgroup, replace(estimate_bounded(chance, groups), n=n)


def _count_cases(ones: Iterable[GroundedRecord]) -> int:
    return len({one.record.case.id for one in ones})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deletion:
    """A right claim about a forged image, and whether the reply about the twin lacks it."""

    one: GroundedRecord
    is_gone: bool
    chance: float | None
    """How often replies to the same question about other images lack it."""


def _rate_deletions(read: Sequence[GroundedRecord]) -> Named:
    """Of right claims, those that are gone where the same question is asked about the twin.

    By chance as many are gone as other images' replies lack: what a model would reach whose claims
    do not depend on the image.
    """
    asked = {_key(one.record, one.record.case.image): one for one in read}
    rates = _ClaimRates(read)
    pairs: list[tuple[Finding, _Deletion]] = []
    for one in read:
        twin = asked.get(_key(one.record, one.record.case.paired_image or ""))
        if twin is None or not one.is_forged:
            continue
        claimed = {finding.criterion for finding in twin.grounding.list_claimed()}
        pairs += (
            (
                finding,
                _Deletion(
                    one=one,
                    is_gone=finding.criterion not in claimed,
                    chance=rates.find_lacking(one, finding.criterion),
                ),
            )
            for finding in one.grounding.findings
            if finding.status is ClaimStatus.FOUND
        )
    for subgroup, part in _by_criterion(pairs):
        deletions = [deletion for _, deletion in part]
        yield "claim_deletion_rate", subgroup, _estimate_gone(deletions)
        others = [(it.one, it.chance) for it in deletions if it.chance is not None]
        if others:
            groups = [one.group for one, _ in others]
            chance = estimate_bounded([chance for _, chance in others], groups)
            n = _count_cases(one for one, _ in others)
            yield "claim_deletion_chance", subgroup, replace(chance, n=n)


def _estimate_gone(deletions: Sequence[_Deletion]) -> Estimate:
    groups = [deletion.one.group for deletion in deletions]
    estimate = estimate_mean([deletion.is_gone for deletion in deletions], groups)
    return replace(estimate, n=_count_cases(deletion.one for deletion in deletions))


class _ClaimRates:
    """How often each criterion is claimed in replies to the same question about other images."""

    def __init__(self, read: Sequence[GroundedRecord]) -> None:
        self._replies: Counter[object] = Counter()
        self._claims: Counter[object] = Counter()
        for one in read:
            claimed = {finding.criterion for finding in one.grounding.list_claimed()}
            for image in (None, one.group):
                question = (_name_question(one.record), image)
                self._replies[question] += 1
                self._claims.update((question, criterion) for criterion in claimed)

    def find_lacking(self, one: GroundedRecord, criterion: str) -> float | None:
        """The share of replies about other images that do not claim it; None of no reply."""
        every, own = ((_name_question(one.record), image) for image in (None, one.group))
        replies = self._replies[every] - self._replies[own]
        claims = self._claims[every, criterion] - self._claims[own, criterion]
        return 1 - claims / replies if replies else None


def _name_question(record: Record) -> tuple[str, str | None]:
    """What makes questions about different images alike, whatever their wording."""
    case = record.case
    return case.question_type, case.criterion if case.task == Task.ANALYSIS else None


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
