"""A text judge behind any OpenAI-compatible endpoint: ``--judge=openai:MODEL@URL``."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import openai

from fakebench_suite.endpoints.address import Address, parse_address
from fakebench_suite.endpoints.event_loops import run_coroutine
from fakebench_suite.endpoints.failures import (
    Subject,
    describe_failure,
    explain_failure,
    shorten,
)
from fakebench_suite.endpoints.parameters import (
    BAD_REQUEST_STATUSES,
    UNRELATED_STATUSES,
    find_named_parameters,
)
from fakebench_suite.endpoints.transport import (
    REQUEST_TIMEOUT_S,
    BoundedClient,
    CircuitBreaker,
)
from fakebench_suite.errors import UserError
from fakebench_suite.grading.judges.base import (
    MAX_ATTEMPTS,
    TEMPERATURE,
    FailedRound,
    Judgement,
    combine_rounds,
)
from fakebench_suite.grading.judges.cache import RatingCache
from fakebench_suite.grading.judges.calibration import CALIBRATION_ITEMS, CALIBRATION_QUESTION
from fakebench_suite.grading.judges.completion import (
    UnansweredError,
    describe_unrated,
    parse_text,
)
from fakebench_suite.grading.judges.registry import JudgeConfig, JudgeOptions
from fakebench_suite.grading.judges.rubric import (
    SCHEMA,
    Messages,
    RatingRequest,
    build_messages,
    parse_rating,
)
from fakebench_suite.provenance import JudgeInfo
from fakebench_suite.types import Rating

MAX_IN_FLIGHT = 32
"""Concurrent requests."""
SEED_STRIDE = 1000
"""Difference between the seeds of two attempts at one round."""
_OPTIONAL_PARAMETERS = ("temperature", "seed", "response_format")
"""Parameters that a server may refuse."""


class EndpointJudge:
    """A judge that sends all rounds of all texts concurrently, at most MAX_IN_FLIGHT at a time.

    Each round has its own seed. Parameters that the server refuses are left out of later requests
    and listed in ``dropped``, to which nothing is added once any request was answered, and which
    another process may have determined before. ``timeout`` are the seconds of a whole request.
    """

    def __init__(
        self,
        model: str,
        url: str,
        *,
        rounds: int,
        cache: RatingCache,
        timeout: float = REQUEST_TIMEOUT_S,
        dropped: Collection[str] | None = None,
    ) -> None:
        self._address: Address = parse_address(url)
        self.name = f"{model}@{self._address.name}"
        self.dropped = frozenset(dropped or ())
        self._settled = dropped is not None
        self._model, self._rounds, self._cache, self._timeout = model, rounds, cache, timeout
        self._breaker = CircuitBreaker()

    def check(self) -> None:
        """Ask for the rating of one text; raises UserError with the reason if there is no reply."""
        try:
            run_coroutine(self._send_test_request())
        except Exception as error:  # Servers and connections raise many kinds of errors.
            subject = Subject(noun="judge", name=self.name, option="--judge", address=self._address)
            raise UserError(explain_failure(error, subject)) from error

    def grade(self, requests: Sequence[RatingRequest]) -> Sequence[Judgement]:
        """Return one judgement per request; failed rounds are counted."""
        return run_coroutine(self._grade_all(requests))

    def describe(self) -> JudgeInfo:
        """Return which parameters were refused and how rounds were sampled; empty if none was."""
        notes = []
        if "temperature" in self.dropped:
            notes.append("the temperature is the server's own")
        if "seed" in self.dropped:
            notes.append("rounds are not seeded, and may be equal or differ at each asking")
        return JudgeInfo(refused_parameters=sorted(self.dropped), sampling="; ".join(notes) or None)

    async def _send_test_request(self) -> None:
        request = RatingRequest(
            question=CALIBRATION_QUESTION,
            reference=CALIBRATION_ITEMS[0].clues,
            text=CALIBRATION_ITEMS[0].clues[0],
        )
        async with asyncio.timeout(self._timeout), self._connect() as client:
            await self._complete(client, asyncio.Lock(), build_messages(request), 0)

    async def _grade_all(self, requests: Sequence[RatingRequest]) -> Sequence[Judgement]:
        semaphore, lock = asyncio.Semaphore(MAX_IN_FLIGHT), asyncio.Lock()
        async with self._connect() as client:
            rounds = [
                self._ask_round(client, semaphore, lock, build_messages(request), number)
                for request in requests
                for number in range(self._rounds)
            ]
            results = await asyncio.gather(*rounds)
        return [
            combine_rounds(results[start : start + self._rounds])
            for start in range(0, len(results), self._rounds)
        ]

    def _connect(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=self._address.base,
            default_query=self._address.query,
            api_key=self._address.key or "none",  # never sent, see Address.headers
            max_retries=MAX_ATTEMPTS,
            timeout=self._timeout,
            http_client=BoundedClient(deadline=self._timeout, breaker=self._breaker),
        )

    async def _ask_round(
        self,
        client: openai.AsyncOpenAI,
        semaphore: asyncio.Semaphore,
        lock: asyncio.Lock,
        messages: Messages,
        number: int,
    ) -> Rating | FailedRound:
        """Return the rating of one round, or the failure of its last attempt."""
        cached = self._cache.find(self._key, messages, number)
        if cached is not None:
            return cached
        secrets = self._address.secrets
        failure = FailedRound(reason="")
        for attempt in range(MAX_ATTEMPTS):
            try:
                async with semaphore:
                    seed = number + attempt * SEED_STRIDE
                    reply = await self._complete(client, lock, messages, seed)
            except UnansweredError as error:
                failure = FailedRound(reason=shorten(str(error), *secrets), unanswered=True)
                if error.lasting:
                    break
                continue
            except Exception as error:  # A server may send anything; only this round fails.
                return FailedRound(
                    reason=describe_failure(error, *secrets, server="the judge's server"),
                    unanswered=True,
                )
            rating = parse_rating(reply, *secrets)
            if rating is not None:
                self._cache.keep(self._key, messages, number, rating)
                return rating
            failure = FailedRound(reason=describe_unrated(reply, *secrets))
        return failure

    @property
    def _key(self) -> str:
        """The judge's name in the cache; ratings sampled with other parameters are kept apart."""
        dropped = sorted(self.dropped - {"response_format"})
        return f"{self.name} without {', '.join(dropped)}" if dropped else self.name

    async def _complete(
        self, client: openai.AsyncOpenAI, lock: asyncio.Lock, messages: Messages, seed: int
    ) -> str:
        """Return the judge's reply; until the first reply, refused parameters are determined."""
        while True:
            dropped = self.dropped
            try:
                content = await self._send(client, messages, seed, dropped)
            except openai.APIStatusError as error:
                async with lock:
                    # Requests in flight may have been sent before a parameter was dropped.
                    if dropped == self.dropped and (
                        self._settled
                        or not await self._drop_refused_parameters(client, messages, seed, error)
                    ):
                        raise
            else:
                self._settled = True
                return parse_text(content)

    async def _drop_refused_parameters(
        self,
        client: openai.AsyncOpenAI,
        messages: Messages,
        seed: int,
        error: openai.APIStatusError,
    ) -> bool:
        """Drop the parameters that an error names, or without which the request succeeds.

        Returns whether any was dropped.
        """
        remaining = [name for name in _OPTIONAL_PARAMETERS if name not in self.dropped]
        if error.status_code in UNRELATED_STATUSES:
            return False
        named_parameters = find_named_parameters(error, remaining, model=self._model)
        if named_parameters:
            self.dropped |= named_parameters
            return True
        if error.status_code not in BAD_REQUEST_STATUSES or not remaining:
            return False
        for candidates in (*({name} for name in reversed(remaining)), set(remaining)):
            try:
                await self._send(client, messages, seed, self.dropped | candidates)
            except openai.APIStatusError:
                continue
            self.dropped |= candidates
            return True
        return False

    async def _send(
        self,
        client: openai.AsyncOpenAI,
        messages: Messages,
        seed: int,
        dropped: Collection[str],
    ) -> bytes:
        parameters: dict[str, Any] = {
            "temperature": TEMPERATURE,
            "seed": seed,
            "response_format": {"type": "json_schema", "json_schema": SCHEMA},
        }
        reply = await client.chat.completions.with_raw_response.create(
            model=self._model,
            messages=messages,  # type: ignore[arg-type]  # role and content, as the type requires
            extra_headers=self._address.headers,
            **{name: value for name, value in parameters.items() if name not in dropped},
        )
        return reply.content


def open_endpoint(choice: JudgeConfig, options: JudgeOptions) -> EndpointJudge:
    """The judge behind a URL, for the registry."""
    return EndpointJudge(
        choice.model,
        choice.url,
        rounds=choice.rounds,
        cache=RatingCache(options.cache),
        dropped=options.dropped,
    )
