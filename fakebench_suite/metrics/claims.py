"""Scores of what explanations claim, against what is known of the images.

For each criterion, cases in which it is known to be violated or intact are positives and negatives,
and a claim of it is a detection. Criteria of which nothing is known in a case do not count there. A
reply in another language, and one that explains nothing, is neither silence nor a claim: it is in
no score but the rate of such replies. Errors are in neither.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import numpy as np

from fakebench_suite.grading.claims.grounding import (
    CriterionFinding,
    CriterionStatus,
    Grounding,
    find_text,
    find_truth,
    ground_claims,
)
from fakebench_suite.grading.claims.reader_processes import read_ahead
from fakebench_suite.grading.claims.readings import MAX_READINGS
from fakebench_suite.grading.labels.parser import parse_label
from fakebench_suite.grading.labels.result import NoLabel
from fakebench_suite.metrics.claim_detection import (
    estimate_informedness_change,
    estimate_recall_change,
    score_detections,
    tabulate_claims,
)
from fakebench_suite.metrics.dataframe import Rows, records_to_rows
from fakebench_suite.metrics.intervals import (
    Estimate,
    estimate_bounded,
    estimate_change,
    estimate_mean,
)
from fakebench_suite.tasks.criteria import CRITERIA
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
    explains: bool
    """Whether the reply explains anything: it is not refused, not empty, and not cut off before."""

    @property
    def group(self) -> str:
        """What is resampled together: an image, and with it its untouched or forged twin."""
        return self.record.case.pair

    @property
    def is_forged(self) -> bool:
        """Whether it is about an image that is not real."""
        return self.record.case.label is not Authenticity.REAL


Grounded = Mapping[str, GroundedRecord]
"""Records by case id: those with texts about images of which something is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundedRun:
    """The records of a run, their table, and those of them with findings."""

    records: Sequence[Record]
    rows: Rows
    grounded: Grounded


def ground_run(records: Sequence[Record]) -> GroundedRun:
    """What scores and the report are computed from; raises ValueError as ``ground_records``."""
    return GroundedRun(
        records=records, rows=records_to_rows(records), grounded=ground_records(records)
    )


def ground_records(records: Iterable[Record]) -> Grounded:
    """The findings of texts about images of which something is known, ordered by case id.

    Many texts are read by several processes at once. Raises ValueError where two records are of one
    case, as those of two runs are.
    """
    texts = [
        (record, claimed)
        for record in sorted(records, key=lambda record: record.case.id)
        if (claimed := find_text(record)) is not None
    ]
    for (first, _), (second, _) in pairwise(texts):
        if first.case.id == second.case.id:
            raise ValueError(
                f"Two records are of the case {first.case.id!r}; score one run at a time."
            )
    grounded: dict[str, GroundedRecord] = {}
    for start in range(0, len(texts), MAX_READINGS):
        part = texts[start : start + MAX_READINGS]
        read_ahead(text for _, text in part)
        for record, (text, _) in part:
            if (one := _ground(record, text)) is not None:
                grounded[record.case.id] = one
    return grounded


def _ground(record: Record, text: str) -> GroundedRecord | None:
    """A record with the findings of its text without thoughts; None where nothing is known."""
    answer, size = record.answer, None if record.pixels is None else record.pixels.size
    grounding = ground_claims(record.case, text, size)
    if answer is None or grounding is None:
        return None
    explains = (
        answer.finish_reason is not FinishReason.CONTENT_FILTER
        and record.verdict.outcome not in (Outcome.REFUSED, Outcome.TRUNCATED)
        and bool(text)
        and (grounding.has_claims or not _declines(text))
    )
    return GroundedRecord(record=record, grounding=grounding, explains=explains)


def _declines(text: str) -> bool:
    """Whether a text without claims, and without a verdict of its own, is a refusal."""
    return parse_label(text, QuestionType.INFERENCE).label is NoLabel.REFUSED


def find_claims(record: Record, grounded: Grounded) -> Grounding | None:
    """The findings of a reply that explains something; None of others, or if nothing is known."""
    one = grounded.get(record.case.id)
    return one.grounding if one is not None and one.explains else None


def score_claims(records: Iterable[Record], grounded: Grounded | None = None) -> Named:
    """Yield metric, subgroup and estimate of the texts of one task; nothing without any truth.

    ``grounded`` are the findings of these records, and perhaps of others, where they are known.
    """
    if grounded is None:
        grounded = ground_records(records)
    else:
        ids = sorted(record.case.id for record in records)
        grounded = {name: grounded[name] for name in ids if name in grounded}
    yield from _score_grounded(list(grounded.values()))


def _score_grounded(grounded: Sequence[GroundedRecord]) -> Named:
    if not grounded:
        return
    groups = [one.group for one in grounded]
    explained = [one for one in grounded if one.explains]
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
class ClaimScoreChange:
    """A score of claims in two runs.

    It is over the cases whose replies are read in both, and of which the same is known in both.
    """

    metric: str
    before: float
    after: float
    change: Estimate


def compare_claims(old: Iterable[Record], new: Iterable[Record]) -> Iterator[ClaimScoreChange]:
    """Yield the changes of informedness, recall and hallucinations between two runs of one task."""
    sides = [
        {name: one for name, one in ground_records(side).items() if _is_read(one)}
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
            yield ClaimScoreChange(metric=metric, before=first, after=second, change=estimate)


def _is_read(one: GroundedRecord) -> bool:
    return one.grounding.is_read and one.explains


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
    return any(finding.status is CriterionStatus.HALLUCINATED for finding in grounding.findings)


def _score_places(read: Sequence[GroundedRecord]) -> Named:
    """Whether the places of right claims are right, for all criteria and for each."""
    placed = [
        (finding, one)
        for one in read
        for finding in one.grounding.findings
        if finding.status is CriterionStatus.FOUND and finding.is_place_right is not None
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
    twins = _pair_twins(read)
    if not twins:
        return
    rates = _ClaimRates(read)
    pairs: list[tuple[CriterionFinding, _Deletion]] = []
    for one, twin in twins:
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
            if finding.status is CriterionStatus.FOUND
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


def _pair_twins(read: Sequence[GroundedRecord]) -> list[tuple[GroundedRecord, GroundedRecord]]:
    """Replies about forged images, each with that to the same question about the twin."""
    forged = [one for one in read if one.is_forged and one.record.case.paired_image is not None]
    if not forged:
        return []
    asked = {_key(one.record, one.record.case.image): one for one in read}
    return [
        (one, twin)
        for one in forged
        if (twin := asked.get(_key(one.record, one.record.case.paired_image or ""))) is not None
    ]


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
    found: Sequence[tuple[CriterionFinding, T]],
) -> Iterator[tuple[str, Sequence[tuple[CriterionFinding, T]]]]:
    """All findings, and those of each criterion; nothing where there are none."""
    if found:
        yield ALL, found
    parts: Mapping[str, list[tuple[CriterionFinding, T]]] = {name: [] for name in CRITERIA}
    for finding, value in found:
        parts[finding.criterion].append((finding, value))
    for name, part in parts.items():
        if part:
            yield f"criterion={name}", part
