"""The interface of every text judge: texts in, one judgement per text out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fakebench_suite.grading.judges.rubric import RatingRequest
from fakebench_suite.provenance import JudgeInfo
from fakebench_suite.types import Rating

MAX_ATTEMPTS = 3
"""Attempts at a round whose reply has no rating; a client of an endpoint retries 429, 5xx and
timeouts by itself."""
TEMPERATURE = 0.7
"""Sampling temperature of all rounds: with none, all rounds would be the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The result of all rounds on one text."""

    ratings: tuple[Rating, ...] = ()
    failed: int = 0
    """Rounds without a rating after all attempts."""
    unanswered: int = 0
    """Failed rounds for a technical reason: there was no reply to parse."""
    unasked: int = 0
    """Unanswered rounds that were not sent, or given up, as the judge was stopped: with any, there
    is no score, and the text is judged when the run goes on."""
    reason: str = ""
    """Reason of the last failed round, or why some were not sent."""
    similarity: float | None = None
    """Similarity score, 0-2, of a judge that gives no ratings; never mixed with ratings."""

    @property
    def score(self) -> float | None:
        """Mean over rounds and ratings, 0-2; None if no round gave a rating, or one is to come."""
        if self.similarity is not None:
            return self.similarity
        if not self.ratings or self.unasked:
            return None
        # Marks are whole: thirds would add up to less than they are, and miss the pass mark.
        return sum(rating.total for rating in self.ratings) / (3 * len(self.ratings))


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRound:
    """A round without a rating."""

    reason: str
    unanswered: bool = False
    """Whether there was no reply, which does not reflect on the judge's ratings."""
    unasked: bool = False
    """Whether it was not sent, or given up, as the judge was stopped."""


class TextJudge(Protocol):
    """A judge of texts.

    ``name`` is shown in every table with its ratings.
    """

    name: str

    def check(self) -> None:
        """Check, before any text is rated, that the judge answers; raises UserError."""
        ...

    def describe(self) -> JudgeInfo:
        """Return what the manifest records about the judge besides its name."""
        ...

    def grade(self, requests: Sequence[RatingRequest]) -> Sequence[Judgement]:
        """Return one judgement per request, in order."""
        ...


class StoppableJudge(ABC):
    """What a judge inherits from, beside being a TextJudge, that can be stopped while it grades."""

    @property
    @abstractmethod
    def given_up(self) -> str | None:
        """Why it is not asked any more, as a sentence, where it has failed for good; else None."""

    @abstractmethod
    def stop(self, reason: str) -> None:
        """Ask nothing any more, for a reason in a sentence, and let ``grade`` return soon.

        It may be called from other threads and signal handlers, and more than once.
        """

    @abstractmethod
    def close(self) -> None:
        """Close what it has opened."""


def combine_rounds(rounds: Sequence[Rating | FailedRound]) -> Judgement:
    """Combine the ratings and failures of all rounds on a text."""
    failures = [result for result in rounds if isinstance(result, FailedRound)]
    failures.sort(key=lambda failure: failure.unasked)
    return Judgement(
        ratings=tuple(result for result in rounds if isinstance(result, Rating)),
        failed=len(failures),
        unanswered=sum(result.unanswered for result in failures),
        unasked=sum(result.unasked for result in failures),
        reason=failures[-1].reason if failures else "",
    )
