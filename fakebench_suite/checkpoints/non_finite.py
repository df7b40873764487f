"""Detect NaN and infinite scores at every generated token.

``generate`` of transformers calls both classes; all tensors stay on their device.
"""

from typing import Any


class NonFiniteWatch:
    """A logits processor that records the rows whose highest score is not finite.

    NaN and positive infinity are errors; negative infinity is not, because it forbids a token. With
    ``mend`` such rows get equal scores, so that sampling goes on; otherwise scores are unchanged.
    """

    def __init__(self, *, mend: bool = False) -> None:
        self._mend = mend
        self.steps: list[Any] = []
        """One tensor of booleans per new token, (rows,): True where the highest score is not
        finite."""

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return the scores, (rows, vocabulary)."""
        del input_ids
        broken = ~scores.amax(dim=-1).isfinite()
        self.steps.append(broken)
        return scores.masked_fill(broken.unsqueeze(-1), 0.0) if self._mend else scores


class StopOnNonFinite:
    """A stopping criterion that ends the rows whose last scores are not finite."""

    def __init__(self, watch: NonFiniteWatch) -> None:
        self._watch = watch

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Return booleans, (rows,): whether to stop."""
        del scores
        steps = self._watch.steps
        return steps[-1] if steps else input_ids.new_zeros(len(input_ids)).bool()
