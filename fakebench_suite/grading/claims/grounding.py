"""Compare the claims of a reply with what is known of its image.

A grounded clue is a claim of something that is there. What is known comes from the data set: the
criteria of regions and reference clues are violated, ``intact_criteria`` are not, and nothing is in
a real image. Of any other criterion nothing is known, and claims of it are neither right nor wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from fakebench_suite.grading.claims.context import Polarity
from fakebench_suite.grading.claims.places import Place, cover
from fakebench_suite.grading.claims.reader import Claim
from fakebench_suite.grading.claims.readings import Text, read_claims
from fakebench_suite.tasks.criteria import CRITERIA
from fakebench_suite.tasks.registry import get_task
from fakebench_suite.text.thoughts import to_visible_text
from fakebench_suite.types import Authenticity, Case, Record, Region, Task

_WIDE = 0.5
"""Share of the picture from which a region is "the whole image", and no place is right or wrong."""


class CriterionStatus(StrEnum):
    """What became of a criterion in a reply."""

    FOUND = "found"
    """It is violated, and the reply claims so."""
    MISSED = "missed"
    """It is violated, and the reply claims nothing of it, or the contrary."""
    HALLUCINATED = "hallucinated"
    """It is intact, and the reply claims that it is violated."""
    REJECTED = "rejected"
    """It is intact, and the reply claims nothing else."""
    UNKNOWN = "unknown"
    """The reply claims that it is violated, and nobody knows, or another one was asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is known of an image: violated criteria with their regions, and intact ones."""

    violated: Mapping[str, tuple[Region, ...]]
    intact: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.violated or self.intact)


NOTHING_KNOWN = Truth(violated=MappingProxyType({}), intact=frozenset())
_REAL = Truth(violated=MappingProxyType({}), intact=frozenset(CRITERIA))
"""Of an image that was not forged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionFinding:
    """A criterion in a reply: its status, and whether the place was right."""

    criterion: str
    status: CriterionStatus
    places: tuple[str, ...] = ()
    """The parts of the picture that the claims of it name."""
    is_place_right: bool | None = None
    """Whether a region's centre lies in one of them; None where either is not there."""
    place_chance: float | None = None
    """The share of the picture that these parts cover: how often a random centre lies in them."""
    texts: tuple[str, ...] = ()
    """The clauses that claim it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """The findings of a reply; none where it was not read."""

    findings: tuple[CriterionFinding, ...]
    is_read: bool
    has_claims: bool
    """Whether the reply claims anything, that something is wrong or that nothing is."""

    def list_claimed(self) -> Iterator[CriterionFinding]:
        """Yield the findings that the reply claims."""
        silent = (CriterionStatus.MISSED, CriterionStatus.REJECTED)
        return (finding for finding in self.findings if finding.status not in silent)


def find_truth(case: Case) -> Truth:
    """What is known of the image of a case, as far as its question is about it.

    A question about one criterion is answered by claims of that criterion; others are extra.
    """
    truth = _find_whole_truth(case)
    if case.task != Task.ANALYSIS or case.criterion is None:
        return truth
    return Truth(
        violated={
            name: regions for name, regions in truth.violated.items() if name == case.criterion
        },
        intact=truth.intact & {case.criterion},
    )


def _find_whole_truth(case: Case) -> Truth:
    if case.label is Authenticity.REAL:
        return _REAL
    violated: dict[str, tuple[Region, ...]] = {}
    for region in case.regions:
        for name in _list_criteria(region):
            violated[name] = (*violated.get(name, ()), region)
    for clue in case.expected or ():
        if clue.criterion is not None:
            violated.setdefault(clue.criterion, ())
    return Truth(violated=violated, intact=frozenset(case.intact_criteria) - violated.keys())


def _list_criteria(region: Region) -> Sequence[str]:
    """The criterion of a region, or else those that its description claims."""
    if region.criterion is not None:
        return (region.criterion,)
    if region.category is not None or region.description is None:
        return ()
    return sorted(read_claims(region.description).anomalies)


def find_asked(case: Case) -> str | None:
    """The criterion that a case asks about; None if it asks about none."""
    return case.criterion if case.task == Task.ANALYSIS else None


def find_text(record: Record) -> Text | None:
    """The text of a record whose claims are compared with what is known, and what it was asked.

    None without an answer or a text, or where nothing is known.
    """
    case, answer = record.case, record.answer
    if answer is None or record.verdict.outcome.is_error or not get_task(case.task).grades_texts:
        return None
    return (to_visible_text(answer.text), find_asked(case)) if find_truth(case) else None


def ground_claims(case: Case, text: str, size: tuple[int, int] | None) -> Grounding | None:
    """The findings of a reply of a case; None where nothing is known of its image.

    ``text`` is the whole reply without its thoughts, and ``size`` the width and height of the
    picture in pixels; without it no place is right or wrong.
    """
    truth = find_truth(case)
    if not truth:
        return None
    reading = read_claims(text, find_asked(case))
    if not reading.is_read:
        return Grounding(findings=(), is_read=False, has_claims=False)
    claims: dict[str, list[Claim]] = {}
    for claim in reading.claims:
        if claim.polarity is Polarity.ANOMALY:
            claims.setdefault(claim.criterion, []).append(claim)
    names = [
        name
        for name in CRITERIA
        if name in claims or name in truth.violated or name in truth.intact
    ]
    findings = tuple(_find(name, claims.get(name, []), truth, size) for name in names)
    return Grounding(findings=findings, is_read=True, has_claims=bool(reading.claims))


def _find(
    name: str, claims: Sequence[Claim], truth: Truth, size: tuple[int, int] | None
) -> CriterionFinding:
    places = {place.name: place for claim in claims for place in claim.places}
    # "In the whole image, above all in the upper left" names the upper left.
    named = [place for place in places.values() if not place.is_whole] or list(places.values())
    right = None
    if size is not None and named:
        right = _is_right(named, truth.violated.get(name, ()), size)
    return CriterionFinding(
        criterion=name,
        status=_find_status(name, truth, is_claimed=bool(claims)),
        places=tuple(places),
        is_place_right=right,
        place_chance=None if right is None else cover(named),
        texts=tuple(dict.fromkeys(claim.text for claim in claims)),
    )


def _find_status(name: str, truth: Truth, *, is_claimed: bool) -> CriterionStatus:
    if name in truth.violated:
        return CriterionStatus.FOUND if is_claimed else CriterionStatus.MISSED
    if name in truth.intact:
        return CriterionStatus.HALLUCINATED if is_claimed else CriterionStatus.REJECTED
    return CriterionStatus.UNKNOWN


def _is_right(
    places: Sequence[Place], regions: Sequence[Region], size: tuple[int, int]
) -> bool | None:
    """Whether the centre of a region lies in a place; None where all regions are too wide for it.

    It always lies in the whole image, which says nothing: the chance of that place is 1.
    """
    width, height = size
    narrow = [region.box for region in regions if _measure(region, size) < _WIDE]
    if not narrow:
        return None
    centres = [((box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height) for box in narrow]
    return any(place.contains(*centre) for place in places for centre in centres)


def _measure(region: Region, size: tuple[int, int]) -> float:
    """The share of the picture that a region's box covers."""
    left, top, right, bottom = region.box
    return (right - left) * (bottom - top) / (size[0] * size[1])
