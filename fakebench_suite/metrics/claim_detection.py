"""Claims of criteria as detections: recall, precision, F1 and informedness.

A cell is a criterion of which something is known in a case: it is violated or intact, and the reply
claims it or not. Informedness is over the cells of forged images, so that knowing which images are
forged is worth nothing: a claim has to tell what is violated there from what is not.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fakebench_suite.grading.claims.grounding import CriterionStatus, Grounding
from fakebench_suite.metrics.intervals import (
    NOTHING,
    Estimate,
    bound_statistic,
    estimate_bounded,
    estimate_change,
    estimate_mean,
    resample_totals,
    subtract,
    widen,
    wilson,
)
from fakebench_suite.tasks.criteria import CRITERIA

ALL = "all"
STATUSES = (
    CriterionStatus.FOUND,
    CriterionStatus.MISSED,
    CriterionStatus.HALLUCINATED,
    CriterionStatus.REJECTED,
)
"""True and false detections, in the order of the columns of counts."""
_FOUND, _MISSED, _HALLUCINATED, _REJECTED = range(4)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTable:
    """What became of each criterion in each case."""

    counts: Floats
    """Cases x criteria x statuses, of 0 and 1; nothing where a criterion is not known."""
    groups: tuple[str, ...]
    """What is resampled together, for each case."""

    def select(self, cases: NDArray[np.bool_]) -> "ClaimTable":
        """The rows of some cases."""
        groups = (name for name, is_chosen in zip(self.groups, cases, strict=True) if is_chosen)
        return ClaimTable(counts=self.counts[cases], groups=tuple(groups))

    def narrow(self, criteria: slice) -> "ClaimTable":
        """The columns of some criteria."""
        return ClaimTable(counts=self.counts[:, criteria], groups=self.groups)


def tabulate_claims(groundings: Sequence[Grounding], groups: Sequence[str]) -> ClaimTable:
    """The table of the findings of some replies."""
    counts = np.zeros((len(groundings), len(CRITERIA), len(STATUSES)))
    for row, grounding in enumerate(groundings):
        for finding in grounding.findings:
            if finding.status in STATUSES:
                place = CRITERIA.index(finding.criterion), STATUSES.index(finding.status)
                counts[row, *place] = 1
    return ClaimTable(counts=counts, groups=tuple(groups))


def score_detections(
    table: ClaimTable, forged: NDArray[np.bool_]
) -> Iterator[tuple[str, str, Estimate]]:
    """Yield metric, subgroup and estimate, over all criteria and for each.

    ``forged`` says of each case whether its image is. What is undefined is left out.
    """
    for subgroup, part in ((ALL, slice(None)), *_list_criteria(table)):
        whole = table.narrow(part)
        for metric, estimate in (
            ("claim_informedness", estimate_informedness(whole.select(forged))),
            ("claim_informedness_all_images", estimate_informedness(whole)),
            ("claim_precision", _estimate_precision(whole)),
            ("claim_recall", _estimate_recall(whole)),
            ("claim_f1", _estimate_f1(whole)),
        ):
            if estimate.value is not None:
                yield metric, subgroup, estimate


def _list_criteria(table: ClaimTable) -> Iterator[tuple[str, slice]]:
    """The criteria that are violated somewhere, or claimed of an image that has them intact."""
    for index, name in enumerate(CRITERIA):
        found, missed, hallucinated, _ = table.counts[:, index].sum(axis=0)
        if found + missed or hallucinated:
            yield f"criterion={name}", slice(index, index + 1)


def _list_cells(
    table: ClaimTable, hit: int, *others: int
) -> tuple[NDArray[np.bool_], list[str], int]:
    """Whether each cell of these statuses has the first, its group, and the number of cases."""
    chosen = table.counts[..., [hit, *others]].sum(axis=-1) > 0
    rows, _ = np.nonzero(chosen)
    hits = table.counts[..., hit][chosen] > 0
    return hits, [table.groups[row] for row in rows], int(chosen.any(axis=1).sum())


def _estimate_recall(table: ClaimTable) -> Estimate:
    hits, groups, n = _list_cells(table, _FOUND, _MISSED)
    return replace(estimate_mean(hits, groups), n=n)


def _has_both_kinds(table: ClaimTable) -> bool:
    """Whether something is known to be violated and something to be intact.

    Without the one no claim could be right, without the other none could be wrong.
    """
    found, missed, hallucinated, rejected = table.counts.sum(axis=(0, 1))
    return bool(found + missed and hallucinated + rejected)


def _estimate_precision(table: ClaimTable) -> Estimate:
    hits, groups, n = _list_cells(table, _FOUND, _HALLUCINATED)
    if not _has_both_kinds(table) or not n:
        return NOTHING
    return replace(estimate_bounded(hits, groups), n=n)


def _estimate_f1(table: ClaimTable) -> Estimate:
    """F1 is 2 J / (1 + J) of Jaccard's J, the share found of all that is claimed or violated."""
    hits, groups, n = _list_cells(table, _FOUND, _MISSED, _HALLUCINATED)
    if not _has_both_kinds(table):
        return NOTHING
    share = estimate_bounded(hits, groups)
    value, low, high = (
        bound if bound is None else 2 * bound / (1 + bound)
        for bound in (share.value, share.low, share.high)
    )
    return Estimate(value=value, low=low, high=high, n=n)


def estimate_informedness(table: ClaimTable) -> Estimate:
    """Youden's J, mean over the criteria that have violated and intact cells; from -1 to 1.

    Its interval is a bootstrap over groups, at least as wide as that of the difference of the mean
    recall and the mean false alarm rate, each with Wilson's interval.
    """
    value = float(compute_informedness(table.counts.sum(axis=0)[None])[0])
    if not np.isfinite(value):
        return NOTHING
    names, n = len(set(table.groups)), int(table.counts.any(axis=(1, 2)).sum())
    resampled = resample_totals(table.counts.reshape(len(table.counts), -1), table.groups)
    spread = compute_informedness(resampled.reshape(len(resampled), *table.counts.shape[1:]))
    estimate = bound_statistic(value, spread, groups=names, n=n)
    found, missed, hallucinated, rejected = table.counts.sum(axis=0).T
    both = (found + missed > 0) & (hallucinated + rejected > 0)
    parts = ClaimTable(counts=table.counts[:, both], groups=table.groups)
    recall = _average_criteria(parts, _FOUND, _MISSED)
    false_alarms = _average_criteria(parts, _HALLUCINATED, _REJECTED)
    difference = subtract(recall, false_alarms)
    assert difference.low is not None
    assert difference.high is not None
    return widen(estimate, difference.low, difference.high)


def _average_criteria(table: ClaimTable, hit: int, other: int) -> Estimate:
    """The mean over criteria of the share of cells with a status, with Wilson's interval.

    The mean of independent shares varies as that of one over ``count**2 / sum(1 / groups)`` trials;
    there are no more of them than groups, since cells of one image vary together.
    """
    shares, sizes = [], []
    every: set[str] = set()
    for index in range(table.counts.shape[1]):
        hits, groups, _ = _list_cells(table.narrow(slice(index, index + 1)), hit, other)
        shares.append(float(hits.mean()))
        sizes.append(len(set(groups)))
        every |= set(groups)
    trials = min(len(every), len(sizes) ** 2 / sum(1 / size for size in sizes))
    value = float(np.mean(shares))
    low, high = wilson(value, trials)
    return Estimate(value=value, low=low, high=high, n=len(every))


Change = tuple[float, float, Estimate]
"""A value before and after, and the change."""


def estimate_recall_change(old: ClaimTable, new: ClaimTable) -> Change | None:
    """The change of recall between two tables of the same cases; None if nothing is violated."""
    changes = _change_cells(old, new, _FOUND, _MISSED)
    if changes is None:
        return None
    before, after = (float(_estimate_recall(table).value or 0) for table in (old, new))
    return before, after, replace(changes, n=_estimate_recall(new).n)


def estimate_informedness_change(old: ClaimTable, new: ClaimTable) -> Change | None:
    """The change of informedness between two tables of the same cases; None if it is undefined.

    Its interval is a paired bootstrap, at least as wide as that of the changes of recall and of the
    false alarm rate, each of which has room where no change was seen.
    """
    before, after = (
        float(compute_informedness(table.counts.sum(axis=0)[None])[0]) for table in (old, new)
    )
    if not np.isfinite(before):
        return None
    shape = (-1, *new.counts.shape[1:])
    resampled = [
        compute_informedness(totals.reshape(shape))
        for totals in np.split(
            resample_totals(
                np.hstack([table.counts.reshape(len(table.counts), -1) for table in (old, new)]),
                new.groups,
            ),
            2,
            axis=1,
        )
    ]
    change, n = after - before, int(new.counts.any(axis=(1, 2)).sum())
    spread = resampled[1] - resampled[0]
    estimate = bound_statistic(change, spread, groups=len(set(new.groups)), n=n)
    recall = _change_cells(old, new, _FOUND, _MISSED)
    false_alarms = _change_cells(old, new, _HALLUCINATED, _REJECTED)
    assert recall is not None
    assert false_alarms is not None
    difference = subtract(recall, false_alarms)
    assert difference.value is not None
    assert difference.low is not None
    assert difference.high is not None
    shift = change - difference.value  # Informedness is a mean over criteria, and this over cells.
    low, high = difference.low + shift, difference.high + shift
    return before, after, widen(estimate, max(-2.0, low), min(2.0, high))


def _change_cells(old: ClaimTable, new: ClaimTable, hit: int, other: int) -> Estimate | None:
    """The change of the share of cells with a status, cell by cell; None where there are none."""
    before, groups, _ = _list_cells(old, hit, other)
    after, _, _ = _list_cells(new, hit, other)
    if not groups:
        return None
    return estimate_change(after.astype(float) - before, groups)


def compute_informedness(totals: Floats) -> Floats:
    """Youden's J from totals (resamples x criteria x statuses); NaN where no criterion has both."""
    found, missed, hallucinated, rejected = np.moveaxis(totals, -1, 0)
    values = _divide(found, found + missed) - _divide(hallucinated, hallucinated + rejected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # No criterion has both: undefined.
        mean: Floats = np.nanmean(values, axis=-1)
    return mean


def _divide(part: Floats, whole: Floats) -> Floats:
    """A share; NaN of nothing."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
