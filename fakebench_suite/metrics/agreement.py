"""The agreement of two judges on the same answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakebench_suite.errors import UserError
from fakebench_suite.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Krippendorff's alpha on the interval scale over the texts both judges graded."""

    judges: tuple[str, str]
    texts: int
    alpha: float
    difference: float
    """Mean of the first judge's score minus the second's, -2 to 2."""


def measure_agreement(first_run: Sequence[Record], second_run: Sequence[Record]) -> Agreement:
    """The agreement of two runs' judges; raises UserError if they share no text."""
    first, second = _collect(first_run), _collect(second_run)
    both = sorted(first.keys() & second.keys())
    if len(both) < 2:
        raise UserError(
            "The two runs have fewer than two answers in common that both judges graded. "
            "Judge one run's answers twice: pytest --judge=... --answers=RUN."
        )
    scores = np.array([[side[name][1] for name in both] for side in (first, second)])
    if np.unique(scores).size == 1:
        raise UserError("Both judges gave every text the same score: alpha is undefined.")
    return Agreement(
        judges=(first[both[0]][0], second[both[0]][0]),
        texts=len(both),
        alpha=compute_alpha(scores),
        difference=float((scores[0] - scores[1]).mean()),
    )


_MOST_VALUES = 2000
"""nltk's alpha is quadratic in the number of distinct scores; 2,000 take three seconds."""


def compute_alpha(scores: NDArray[np.float64]) -> float:
    """Krippendorff's alpha on the interval scale over 2 x N scores of which some differ.

    Where more than 2,000 scores are distinct, as a similarity's are, they are rounded to 0.001,
    which leaves alpha the same to five digits.
    """
    from nltk.metrics.agreement import AnnotationTask
    from nltk.metrics.distance import interval_distance

    rounded = scores.round(3) if np.unique(scores).size > _MOST_VALUES else scores
    ratings = [
        (judge, text, float(score)) for judge, row in enumerate(rounded)
        for text, score in enumerate(row)
    ]  # fmt: skip
    return float(AnnotationTask(ratings, distance=interval_distance).alpha())


def _collect(records: Sequence[Record]) -> dict[tuple[str, str], tuple[str, float]]:
    """Judge and score by case and answer text, so that only the same answer is compared."""
    return {
        (record.case.id, record.answer.text): (record.verdict.judge, record.verdict.score)
        for record in records
        if record.answer and record.verdict.judge and record.verdict.score is not None
    }
