"""From vLLM's output of a prompt to an answer."""

import math
from collections.abc import Sequence
from typing import Any

from fakebench_suite.backends.base import OPTIONS, Capability, Reply, Request, choose_option
from fakebench_suite.backends.transformers.outputs import NON_FINITE_MESSAGE, list_first_tokens
from fakebench_suite.checkpoints.decoding import ReplyDecoder
from fakebench_suite.errors import ModelError
from fakebench_suite.provenance import digest_tokens
from fakebench_suite.types import Answer, FinishReason

_FINISH_REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}
"""vLLM's words for the end of a reply that it wrote."""
FAILED = "error"
"""Its word for the end of one that it could not write, which another try may."""


class AnswerBuilder:
    """Makes answers of outputs.

    ``ends`` are the ids of end tokens, and ``thought`` is the mark of a thought that the chat
    template opens in every prompt.
    """

    def __init__(self, tokenizer: Any, ends: Sequence[int], *, thought: str | None) -> None:
        self._tokenizer = tokenizer
        self._text = ReplyDecoder(tokenizer, ends, thought=thought)
        self._first_token = ReplyDecoder(tokenizer, ends)

    def build(self, request: Request, output: Any, *, seconds: float, batch_size: int) -> Reply:
        """The answer to a request; a ModelError where scores were not finite.

        ``output`` is a finished ``RequestOutput``, ``seconds`` the prompt's share of the wall time
        and ``batch_size`` the number of prompts that vLLM had in its batches with it.
        """
        if output.metrics is not None and output.metrics.is_corrupted:
            return ModelError(NON_FINITE_MESSAGE)
        (completion,) = output.outputs
        rendered = digest_tokens(output.prompt_token_ids)
        if request.want is Capability.PROBABILITIES:
            return self._weigh(request, completion, seconds, batch_size, rendered)
        finish_reason = _FINISH_REASONS.get(completion.finish_reason)
        if finish_reason is None:
            why = "; its own messages say why" if completion.finish_reason == FAILED else ""
            return ModelError(f"vLLM ended the reply with {completion.finish_reason!r}{why}")
        is_text = request.want is Capability.TEXT
        decoder = self._text if is_text else self._first_token
        return Answer(
            text=decoder.decode(list(completion.token_ids)),
            tokens=len(completion.token_ids),
            seconds=seconds,
            batch_size=batch_size,
            finish_reason=finish_reason if is_text else None,
            rendered=rendered,
        )

    def _weigh(
        self, request: Request, completion: Any, seconds: float, batch_size: int, rendered: str
    ) -> Reply:
        """The likelier option, by the summed probabilities of its first tokens."""
        logprobs = {token: entry.logprob for token, entry in completion.logprobs[0].items()}
        starts = list_first_tokens(self._tokenizer, OPTIONS[request.prompt.question_type])
        fake, real = (sum(math.exp(logprobs[token]) for token in ids) for ids in starts)
        return choose_option(
            request.prompt.question_type,
            fake,
            real,
            seconds=seconds,
            batch_size=batch_size,
            rendered=rendered,
        )
