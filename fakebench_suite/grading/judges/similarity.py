"""The offline stand-in for a judge, ``--judge=embedding``: similarity of two texts, no marks.

It cannot tell a claim from its opposite (see ``fakebench audit``), so its score
stands in a column of its own and never in the judge's.
"""

from collections.abc import Mapping, Sequence

from fakebench_suite.errors import UserError
from fakebench_suite.grading.embeddings import MODEL_NAME, SentenceEncoder
from fakebench_suite.grading.judges.base import Judgement
from fakebench_suite.grading.judges.rubric import Request


class SimilarityBaseline:
    """Twice the cosine similarity of answer and reference, 0-2."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self.name = f"embedding:{MODEL_NAME}"
        self._encoder = encoder

    def check(self) -> None:
        """Load the encoder; raises UserError where it is not installed."""
        try:
            self._encoder.encode(["a text"])
        except ImportError as error:
            raise UserError(f"--judge=embedding cannot be used here: {error}.") from error

    def describe(self) -> Mapping[str, object]:
        """Nothing but the name."""
        return {}

    def grade(self, requests: Sequence[Request]) -> Sequence[Judgement]:
        """One stand-in score per request; all texts are encoded in one batch."""
        answers = [request.text for request in requests]
        references = [" ".join(request.reference) for request in requests]
        if not answers:
            return []
        self._encoder.encode([*answers, *references])
        close = self._encoder.compare(answers, references)
        return [Judgement(similarity=2 * float(value)) for value in close]
