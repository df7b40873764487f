"""What is asked of a model, and its new tokens and logits as replies."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from fakebench_suite.backends.base import OPTIONS, Reply
from fakebench_suite.backends.transformers.generation import GenerationOutput
from fakebench_suite.checkpoints.decoding import ReplyDecoder
from fakebench_suite.errors import ModelError
from fakebench_suite.types import Answer, FinishReason, Prompt

_EVEN = 0.5
NON_FINITE_MESSAGE = "the model computed no numbers: the scores of a token are NaN or infinite"


class OutputDecoder(Protocol):
    """What is asked of a model, and what is made of it."""

    @property
    def steps(self) -> int | None:
        """New tokens wanted; None for as many as the card allows."""
        ...

    @property
    def logits(self) -> bool:
        """Whether the logits of new tokens are wanted."""
        ...

    def read(
        self, written: GenerationOutput, prompts: Sequence[Prompt], seconds: float
    ) -> Sequence[Reply]:
        """One reply per prompt; ``seconds`` is what the whole batch took."""
        ...


class TextDecoder:
    """Replies are the written texts, or what ``steps`` new tokens are of them.

    ``thought`` is the mark of a thought that every prompt leaves open: the replies begin in it.
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

    def read(
        self, written: GenerationOutput, prompts: Sequence[Prompt], seconds: float
    ) -> Sequence[Reply]:
        """The text after each prompt; ModelError where its tokens were chosen by no numbers."""
        counts = [count_tokens(row, self._ends) for row in written.tokens]
        broken = written.broken.tolist()
        return [
            ModelError(NON_FINITE_MESSAGE)
            if any(wrong[:count])
            else Answer(
                text=self._decoder.decode(row[:count].tolist()),
                tokens=count,
                seconds=seconds / len(prompts),
                batch_size=len(prompts),
                finish_reason=self._find_end(int(row[count - 1])),
            )
            for row, count, wrong in zip(written.tokens, counts, broken, strict=True)
        ]

    def _find_end(self, last: int) -> FinishReason | None:
        """Why a reply whose last token this is ended; None where no more was wanted of it."""
        if self.steps is not None:
            return None
        return FinishReason.STOP if last in self._ends else FinishReason.LENGTH


class OptionProbabilities:
    """Replies are the likelier of two options, by the distribution of the first token."""

    steps, logits = 1, True

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def read(
        self, written: GenerationOutput, prompts: Sequence[Prompt], seconds: float
    ) -> Sequence[Reply]:
        """The option, with P(fake); ModelError where neither has a probability."""
        chances = written.logits[0].float().softmax(dim=-1)
        return [
            ModelError(NON_FINITE_MESSAGE)
            if wrong
            else self._weigh(prompt, row, seconds / len(prompts), len(prompts))
            for prompt, row, wrong in zip(prompts, chances, written.broken[:, 0], strict=True)
        ]

    def _weigh(self, prompt: Prompt, row: torch.Tensor, seconds: float, rows: int) -> Reply:
        options = OPTIONS[prompt.question_type]
        starts = list_first_tokens(self._tokenizer, options)
        fake, real = (float(row[list(ids)].sum()) for ids in starts)
        if not fake + real > 0:  # Also where the model was not watched and computed no numbers.
            return ModelError(f"the options have the probability {fake + real}")
        p_fake = fake / (fake + real)
        return Answer(
            text=options[0] if p_fake >= _EVEN else options[1],
            tokens=1,
            seconds=seconds,
            batch_size=rows,
            p_fake=p_fake,
            option_probability_mass=fake + real,
        )


def count_tokens(row: torch.Tensor, ends: Sequence[int]) -> int:
    """Generated tokens up to and including the first end of sequence, without padding."""
    stops = torch.isin(row, torch.tensor(ends).to(row))
    return int(stops.int().argmax()) + 1 if stops.any() else len(row)


def list_first_tokens(
    tokenizer: Any, options: tuple[str, str]
) -> tuple[frozenset[int], frozenset[int]]:
    """First tokens of either option, small or capital, with or without a space before it.

    Raises ModelError when the tokenizer begins both options alike.
    """
    one, two = (
        frozenset(
            tokenizer.encode(text, add_special_tokens=False)[0]
            for word in (option, option.capitalize())
            for text in (word, f" {word}")
        )
        for option in options
    )
    if not one - two or not two - one:
        raise ModelError(f"the tokenizer begins {options[0]!r} and {options[1]!r} alike")
    return one - two, two - one
