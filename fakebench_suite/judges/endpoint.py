"""A text judge behind any OpenAI-compatible endpoint: ``--judge=openai:MODEL@URL``."""

import asyncio
import os
from collections.abc import Sequence

import openai
from openai.types.chat import ChatCompletion
from openai.types.shared_params import ResponseFormatJSONSchema

from fakebench_suite.judges.cache import RatingCache
from fakebench_suite.judges.panel import Judgement, collect
from fakebench_suite.judges.rubric import SCHEMA, Messages, Request, read_rating, write_messages
from fakebench_suite.types import Rating

AT_ONCE = 32
"""Requests under way at the same time."""
ATTEMPTS = 3
"""Tries for one round whose reply holds no marks; the client retries 429, 5xx and time-outs."""
SEEDS = 1000
"""How far the seeds of two attempts at one round lie apart."""
TIMEOUT = 60.0
_FORMAT: ResponseFormatJSONSchema = {"type": "json_schema", "json_schema": SCHEMA}  # type: ignore[typeddict-item]
_TEMPERATURE = 0.7


class EndpointJudge:
    """Asks every round of every text at once, within AT_ONCE; each round has a seed of its own."""

    def __init__(
        self, model: str, url: str, *, rounds: int, cache: RatingCache, timeout: float = TIMEOUT
    ) -> None:
        self.name = f"{model}@{url}"
        self._model, self._url = model, url
        self._rounds, self._cache, self._timeout = rounds, cache, timeout
        self._structured = True

    def grade(self, requests: Sequence[Request]) -> Sequence[Judgement]:
        """One judgement per request; a round that fails for good is counted, not guessed."""
        return asyncio.run(self._grade_all(requests))

    async def _grade_all(self, requests: Sequence[Request]) -> Sequence[Judgement]:
        gate = asyncio.Semaphore(AT_ONCE)
        async with openai.AsyncOpenAI(
            base_url=self._url,
            api_key=os.environ.get("OPENAI_API_KEY", "none"),
            timeout=self._timeout,
            max_retries=ATTEMPTS,
        ) as client:
            rounds = [
                self._ask_round(client, gate, write_messages(request), number)
                for request in requests
                for number in range(self._rounds)
            ]
            results = await asyncio.gather(*rounds)
        return [
            collect(results[start : start + self._rounds])
            for start in range(0, len(results), self._rounds)
        ]

    async def _ask_round(
        self, client: openai.AsyncOpenAI, gate: asyncio.Semaphore, messages: Messages, number: int
    ) -> Rating | str:
        """The marks of one round, or what went wrong in its last attempt."""
        known = self._cache.find(self.name, messages, number)
        if known is not None:
            return known
        failure = ""
        for attempt in range(ATTEMPTS):
            try:
                async with gate:
                    reply = await self._complete(client, messages, number + attempt * SEEDS)
            except openai.APIError as error:
                return f"{type(error).__name__}: {error}"
            except Exception as error:  # A server may send anything; it is this round's failure.
                failure = f"{type(error).__name__}: {error}"
                continue
            rating = read_rating(reply)
            if rating is not None:
                self._cache.keep(self.name, messages, number, rating)
                return rating
            failure = f"no marks in the judge's reply {reply[:200]!r}"
        return failure

    async def _complete(self, client: openai.AsyncOpenAI, messages: Messages, number: int) -> str:
        if self._structured:
            try:
                return _get_text(await self._create(client, messages, number, _FORMAT))
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                # The endpoint may not offer structured output; if that was not it, the next
                # request says what is wrong.
                reply = _get_text(await self._create(client, messages, number, openai.omit))
                self._structured = False
                return reply
        return _get_text(await self._create(client, messages, number, openai.omit))

    async def _create(
        self,
        client: openai.AsyncOpenAI,
        messages: Messages,
        number: int,
        shape: ResponseFormatJSONSchema | openai.Omit,
    ) -> ChatCompletion:
        return await client.chat.completions.create(
            model=self._model,
            messages=messages,  # type: ignore[arg-type]  # role and content, as the type asks
            temperature=_TEMPERATURE,
            seed=number,
            response_format=shape,
        )


def _get_text(completion: ChatCompletion) -> str:
    """The reply's text; empty, and so without marks, where a server sent anything else."""
    choices = completion.choices or []
    content: object = choices[0].message.content if choices else ""
    if isinstance(content, list):  # Some servers send a list of parts.
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""
