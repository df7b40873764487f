"""Decode new tokens and logits to replies."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from fakebench_suite.backends.base import OPTIONS, Reply, choose_option
from fakebench_suite.backends.transformers.generation import GenerationOutput
from fakebench_suite.checkpoints.decoding import ReplyDecoder
from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer, FinishReason, Prompt

NON_FINITE_MESSAGE = "the model computed NaN or infinite scores for a token"
"""Message of the model error for NaN and infinite scores."""


class OutputDecoder(Protocol):
    """What a run needs from the model, and how its output becomes replies."""

    @property
    def steps(self) -> int | None:
        """Number of new tokens; None for the card's limit."""
        ...

    @property
    def logits(self) -> bool:
        """Whether the logits of new tokens are needed."""
        ...

    def decode(
        self, output: GenerationOutput, prompts: Sequence[Prompt], seconds: float
    ) -> Sequence[Reply]:
        """Return one reply per prompt; ``seconds`` is the time of the whole batch."""
        ...


class TextDecoder:
    """Replies are the generated texts, or their first ``steps`` tokens.

    ``ends`` are the ids of end tokens, and ``thought`` is the mark of a thought that the chat
    template opens in every prompt.
    """

    logits = False

    def __init__(
        self,
        tokenizer: Any,
        ends: Sequence[int],
        *,
        steps: int | None = None,
        thought: str | None = None,
    ) -> None:
        self._ends, self.steps = ends, steps
        self._decoder = ReplyDecoder(tokenizer, ends, thought=thought)

    def decode(
        self, output: GenerationOutput, prompts: Sequence[Prompt], seconds: float
    ) -> Sequence[Reply]:
        """Return the text after each prompt; a ModelError if scores were not finite."""
        counts = [count_tokens(row, self._ends) for row in output.tokens]
        broken = output.broken.tolist()
        return [
            ModelError(NON_FINITE_MESSAGE)
            if any(broken_steps[:count])
            else Answer(
                text=self._decoder.decode(row[:count].tolist()),
                tokens=count,
                seconds=seconds / len(prompts),
                batch_size=len(prompts),
                finish_reason=self._find_finish_reason(int(row[count - 1])),
            )
            for row, count, broken_steps in zip(output.tokens, counts, broken, strict=True)
        ]

    def _find_finish_reason(self, last: int) -> FinishReason | None:
        """Return why a reply with this last token ended; None if ``steps`` ended it."""
        if self.steps is not None:
            return None
        return FinishReason.STOP if last in self._ends else FinishReason.LENGTH


class OptionDecoder:
    """Replies are the likelier of two options, by the distribution of the first token."""

    steps, logits = 1, True

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def decode(
        self, output: GenerationOutput, prompts: Sequence[Prompt], seconds: float
    ) -> Sequence[Reply]:
        """Return the option with P(fake); a ModelError if neither option has a probability."""
        types = {prompt.question_type for prompt in prompts}
        starts = {kind: list_first_tokens(self._tokenizer, OPTIONS[kind]) for kind in types}
        # A few columns of a hundred thousand, copied at once: a GPU is not waited for row by row.
        columns = sorted({token for pair in starts.values() for ids in pair for token in ids})
        places = {token: place for place, token in enumerate(columns)}
        probabilities = output.logits[0].float().softmax(dim=-1)[:, columns].cpu()
        return [
            ModelError(NON_FINITE_MESSAGE)
            if is_broken
            else choose_option(
                prompt.question_type,
                *(
                    float(row[[places[token] for token in ids]].sum())
                    for ids in starts[prompt.question_type]
                ),
                seconds=seconds / len(prompts),
                batch_size=len(prompts),
            )
            for prompt, row, is_broken in zip(
                prompts, probabilities, output.broken[:, 0].tolist(), strict=True
            )
        ]


def count_tokens(row: torch.Tensor, ends: Sequence[int]) -> int:
    """Return the number of generated tokens including the end token, without padding."""
    stops = torch.isin(row, torch.tensor(ends).to(row))
    return int(stops.int().argmax()) + 1 if stops.any() else len(row)


def list_first_tokens(
    tokenizer: Any, options: tuple[str, str]
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the ids of the first token of each option.

    An option may be in lower case or capitalized, with or without a space before it. Raises
    ModelError if the tokenizer begins both options alike.
    """
    first, second = (
        frozenset(
            tokenizer.encode(text, add_special_tokens=False)[0]
            for word in (option, option.capitalize())
            for text in (word, f" {word}")
        )
        for option in options
    )
    if not first - second or not second - first:
        raise ModelError(f"the tokenizer begins {options[0]!r} and {options[1]!r} alike")
    return first - second, second - first
