"""The seam every text judge stands behind: a slice of texts in, one judgement each out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fakebench_suite.grading.judges.rubric import Request
from fakebench_suite.types import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rounds on one text came to."""

    ratings: tuple[Rating, ...] = ()
    failed: int = 0
    """Rounds without marks after every retry."""
    unanswered: int = 0
    """How many of the failed rounds failed for a technical reason: no reply came to be read."""
    reason: str = ""
    """What went wrong in the last failed round."""
    similarity: float | None = None
    """The score, 0-2, of a judge that gives no marks; never mixed with those that do."""

    @property
    def score(self) -> float | None:
        """The mean over rounds and marks, 0-2; None where no round gave any."""
        if self.similarity is not None:
            return self.similarity
        if not self.ratings:
            return None
        return sum(rating.mean for rating in self.ratings) / len(self.ratings)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRound:
    """A round without marks."""

    reason: str
    unanswered: bool = False
    """Whether no reply came, which says nothing of how the judge grades."""


class TextJudge(Protocol):
    """A judge of texts, by a name that stands in every table its marks are in."""

    name: str

    def check(self) -> None:
        """Find out, before anything is graded, whether the judge answers; raises UserError."""
        ...

    def describe(self) -> Mapping[str, object]:
        """What the manifest has to say of how it grades, beside its name."""
        ...

    def grade(self, requests: Sequence[Request]) -> Sequence[Judgement]:
        """One judgement per request, in order; all rounds of all requests are under way at once."""
        ...


def combine_rounds(rounds: Sequence[Rating | FailedRound]) -> Judgement:
    """The judgement that rounds, marks or failures, come to."""
    failures = [one for one in rounds if isinstance(one, FailedRound)]
    return Judgement(
        ratings=tuple(one for one in rounds if isinstance(one, Rating)),
        failed=len(failures),
        unanswered=sum(one.unanswered for one in failures),
        reason=failures[-1].reason if failures else "",
    )
