"""From a completion to an answer."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from fakebench_suite.backends.base import MIN_MASS, OPTIONS, Capability, Reply, Request
from fakebench_suite.backends.openai.likelihood import sum_options
from fakebench_suite.backends.openai.options import Prices
from fakebench_suite.endpoints import client
from fakebench_suite.endpoints.completion import CUT_OFF, Completion, TokenCounts
from fakebench_suite.endpoints.content_filters import is_filtered
from fakebench_suite.errors import ModelError
from fakebench_suite.text.redaction import MASK
from fakebench_suite.types import Answer, FinishReason, Usage

_EVEN = 0.5
_PER_PRICE: Final = 1_000_000
"""Tokens that a price is for."""
_MIN_SECRET_LENGTH = 8
"""Characters of the shortest secret that is masked in replies; a shorter one may be a word."""
_FINISH_REASONS = {
    "stop": FinishReason.STOP, "eos": FinishReason.STOP, "eos_token": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP, "end_turn": FinishReason.STOP,
    "complete": FinishReason.STOP, "completed": FinishReason.STOP,
} | dict.fromkeys(CUT_OFF, FinishReason.LENGTH)  # fmt: skip
"""The words of servers; any other, such as ``tool_calls``, says nothing about the text."""


class AnswerBuilder:
    """Makes answers of replies; ``secrets`` are masked wherever a server repeats them."""

    def __init__(self, *, prices: Prices | None, secrets: Iterable[str]) -> None:
        self._prices = prices
        # The longest first: another may be a part of it.
        self._secrets = sorted(
            (secret for secret in secrets if len(secret) >= _MIN_SECRET_LENGTH),
            key=len,
            reverse=True,
        )

    def build(self, request: Request, reply: client.Reply) -> Reply:
        """Return the answer to a request; a ModelError where the probabilities are missing.

        An empty text is the model's answer, if the server says why it ended.
        """
        completion = reply.completion
        finish_reason = self._find_finish_reason(completion)
        usage = self._build_usage(completion, attempts=reply.attempts)
        answer = Answer(
            text=self._mask(completion.text or completion.refusal or ""),
            tokens=usage.completion_tokens or 0,
            seconds=reply.seconds,
            batch_size=1,
            finish_reason=finish_reason,
            reasoning=completion.reasoning and self._mask(completion.reasoning),
            usage=usage,
        )
        if finish_reason is FinishReason.CONTENT_FILTER or request.want is Capability.TEXT:
            return answer
        answer = replace(answer, finish_reason=None)  # The suite ended it after one token.
        if request.want is Capability.FIRST_TOKEN:
            return answer
        return self._weigh(request, completion, answer)

    def _weigh(self, request: Request, completion: Completion, answer: Answer) -> Reply:
        """Return the likelier option; without P(fake) where the server shows neither."""
        if completion.top_logprobs is None:
            return ModelError("the server gave no log-probabilities with this reply")
        fake, real = sum_options(completion.top_logprobs, request.prompt.question_type)
        mass = fake + real
        if mass < MIN_MASS:  # An option that is not among these tokens would count as impossible.
            return replace(answer, option_probability_mass=mass)
        options = OPTIONS[request.prompt.question_type]
        return replace(
            answer,
            text=options[0] if fake / mass >= _EVEN else options[1],
            p_fake=fake / mass,
            option_probability_mass=min(1.0, mass),
        )

    def _find_finish_reason(self, completion: Completion) -> FinishReason | None:
        if completion.refusal is not None or is_filtered(completion.finish_reason):
            return FinishReason.CONTENT_FILTER
        return _FINISH_REASONS.get((completion.finish_reason or "").lower())

    def _build_usage(self, completion: Completion, *, attempts: int) -> Usage:
        tokens = completion.tokens or TokenCounts()
        model, provider, fingerprint = (
            text and self._mask(text)
            for text in (completion.model, completion.provider, completion.system_fingerprint)
        )
        return Usage(
            model=model,
            provider=provider,
            system_fingerprint=fingerprint,
            prompt_tokens=tokens.prompt,
            cached_tokens=tokens.cached,
            completion_tokens=tokens.completion,
            reasoning_tokens=tokens.reasoning,
            cost=completion.cost if self._prices is None else compute_cost(tokens, self._prices),
            attempts=attempts,
            first_token_seconds=completion.first_token_seconds,
        )

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


def compute_cost(tokens: TokenCounts, prices: Prices) -> float | None:
    """Return the price of a reply; None where the server did not count its tokens."""
    if tokens.prompt is None or tokens.completion is None:
        return None
    cached = min(tokens.cached or 0, tokens.prompt)
    cached_price = prices.input if prices.cached is None else prices.cached
    total = (
        (tokens.prompt - cached) * prices.input
        + cached * cached_price
        + tokens.completion * prices.output
    )
    return total / _PER_PRICE
