"""The offline baseline ``--judge=embedding``: similarity of two texts, no ratings.

It cannot distinguish a claim from its opposite (see ``fakebench judge calibrate``), so its scores
have their own column.
"""

from collections.abc import Sequence

from fakebench_suite.grading.embeddings import MODEL_NAME, SentenceEncoder
from fakebench_suite.grading.judges.base import Judgement
from fakebench_suite.grading.judges.registry import JudgeConfig, JudgeOptions
from fakebench_suite.grading.judges.rubric import RatingRequest
from fakebench_suite.provenance import JudgeInfo


class SimilarityBaseline:
    """Twice the cosine similarity of answer and reference, 0-2."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self.name = f"embedding:{MODEL_NAME}"
        self._encoder = encoder

    def check(self) -> None:
        """Load the encoder."""
        self._encoder.encode(["a text"])

    def describe(self) -> JudgeInfo:
        """Return nothing."""
        return JudgeInfo()

    def grade(self, requests: Sequence[RatingRequest]) -> Sequence[Judgement]:
        """Return one similarity score per request; all texts are encoded in one batch."""
        answers = [request.text for request in requests]
        references = [" ".join(request.reference) for request in requests]
        if not answers:
            return []
        self._encoder.encode([*answers, *references])
        similarities = self._encoder.compare(answers, references)
        return [Judgement(similarity=2 * float(similarity)) for similarity in similarities]


def open_similarity(choice: JudgeConfig, options: JudgeOptions) -> SimilarityBaseline:
    """The similarity of texts, for the registry."""
    del choice, options
    return SimilarityBaseline(SentenceEncoder())
