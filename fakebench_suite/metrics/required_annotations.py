"""What a data set has to know of its images for scores of claims, boxes and strengths."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from fakebench_suite.types import Authenticity, Case

if TYPE_CHECKING:
    from fakebench_suite.grading.claims.grounding import Truth

Cases = Sequence[Case]


def describe_unknown(metric: str, cases: Cases) -> str | None:
    """Why these cases of one task cannot have a metric; None where they can.

    The reason is a clause without its full stop. Other metrics need no such knowledge.
    """
    if metric not in _CHECKS:
        return None
    is_known, reason = _CHECKS[metric]
    return None if is_known(cases) else reason


def _find_truth(case: Case) -> "Truth":
    """What is known of the image of a case.

    The grammar of claims is compiled when a gate needs it, and not before every first case.
    """
    from fakebench_suite.grading.claims.grounding import find_truth

    return find_truth(case)


def _has_strengths(cases: Cases) -> bool:
    return any(case.strength is not None for case in cases)


def _has_real(cases: Cases) -> bool:
    return any(case.label is Authenticity.REAL for case in cases)


def _has_regions(cases: Cases) -> bool:
    return any(case.regions for case in cases)


def _has_truth(cases: Cases) -> bool:
    return any(map(_find_truth, cases))


def _has_violated(cases: Cases) -> bool:
    return any(_find_truth(case).violated for case in cases)


def _has_both_kinds(cases: Cases) -> bool:
    return _has_violated(cases) and any(_find_truth(case).intact for case in cases)


def _find_common(truths: "Sequence[Truth]") -> frozenset[str]:
    """The criteria that are violated in one image and intact in another."""
    violated = frozenset(name for truth in truths for name in truth.violated)
    return violated & {name for truth in truths for name in truth.intact}


def _has_common_criterion(cases: Cases) -> bool:
    return bool(_find_common([_find_truth(case) for case in cases]))


def _has_common_criterion_of_forged(cases: Cases) -> bool:
    return _has_common_criterion([case for case in cases if case.label is not Authenticity.REAL])


def _has_pairs(cases: Cases) -> bool:
    images = {case.image for case in cases}
    return any(case.paired_image in images for case in cases) and _has_violated(cases)


_Check = tuple[Callable[[Cases], bool], str]
_VIOLATED = "of no image it is known what is wrong with it"
_PLACES: _Check = (_has_regions, "of no image it is known where it is fake")
_PAIRS: _Check = (_has_pairs, "no forged image has an untouched twin of which the same is asked")
_BOTH: _Check = (
    _has_both_kinds, "criteria that are violated and criteria that are intact are not both known",
)  # fmt: skip
_REAL: _Check = (_has_real, "no image is known to be real")
_TRUTH: _Check = (_has_truth, _VIOLATED)
_CHECKS: Mapping[str, _Check] = MappingProxyType({
    "threshold_strength": (
        _has_strengths, "no forgery is shown at several strengths, as in --data=probes-graded",
    ),
    "claim_informedness": (
        _has_common_criterion_of_forged,
        "no criterion is known to be violated in one fake image and intact in another",
    ),
    "claim_informedness_all_images": (
        _has_common_criterion,
        "no criterion is known to be violated in one image and intact in another",
    ),
    "claim_precision": _BOTH,
    "claim_f1": _BOTH,
    "claim_recall": (_has_violated, _VIOLATED),
    "claim_place_accuracy": _PLACES,
    "claim_place_chance": _PLACES,
    "claim_deletion_rate": _PAIRS,
    "claim_deletion_chance": _PAIRS,
    "hallucinated_claim_rate": _REAL,
    "unexplained_rate": _TRUTH,
    "unread_claims_rate": _TRUTH,
    "mean_iou": _PLACES,
    "pointing_game": _PLACES,
    "box_precision": _PLACES,
    "box_recall": _PLACES,
    "box_f1": _PLACES,
    "false_box_rate": _REAL,
})  # fmt: skip
"""Whether cases know enough, and why not."""
