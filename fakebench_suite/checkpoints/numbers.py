"""Whether a model computes numbers: checked at every token that it writes.

Both classes are called by ``generate`` of transformers; all tensors stay on their device.
"""

from typing import Any


class NonFiniteWatch:
    """A logits processor that notes rows without a highest finite score.

    NaN, and infinity upwards, are no scores. Minus infinity is one: it forbids a token. With
    ``mend`` such rows get equal scores, which can be sampled from; else nothing is changed.
    """

    def __init__(self, *, mend: bool = False) -> None:
        self._mend = mend
        self.steps: list[Any] = []
        """(rows,) of booleans for each new token: whether its scores are no numbers."""

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores, (rows, vocabulary)."""
        del input_ids
        broken = ~scores.amax(dim=-1).isfinite()
        self.steps.append(broken)
        return scores.masked_fill(broken.unsqueeze(-1), 0.0) if self._mend else scores


class StopOnNonFinite:
    """A stopping criterion that ends a row whose last scores are no numbers."""

    def __init__(self, watch: NonFiniteWatch) -> None:
        self._watch = watch

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """(rows,) of booleans: whether to stop."""
        del scores
        steps = self._watch.steps
        return steps[-1] if steps else input_ids.new_zeros(len(input_ids)).bool()
